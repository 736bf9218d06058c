"""How well it goes: scorecards and measurements in, points out."""
