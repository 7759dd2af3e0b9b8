"""The in-process loop, one flight, and whether it could be survived."""
