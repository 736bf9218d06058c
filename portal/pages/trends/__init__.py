"""Trends: how a score and everything below it went, what happened meanwhile, and two days side by side."""
