"""Guidance: one file a phase, and the stopping-distance law."""
