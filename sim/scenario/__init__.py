"""Scenario files, and their generated guide."""
