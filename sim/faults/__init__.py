"""Fault kinds, windows, and what fault rows do to messages."""
