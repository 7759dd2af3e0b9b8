"""The in-process loop, one flight, and its survivability."""
