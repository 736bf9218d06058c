"""The peer figures of a month, made once when its close is."""
