"""Errors, random streams, TOML tables into records."""
