"""Clocks, ports, links, pacing, scheduling."""
