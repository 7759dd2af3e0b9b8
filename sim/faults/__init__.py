"""Fault kinds, windows, and the effects of fault rows on messages."""
