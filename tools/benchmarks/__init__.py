"""Benchmarks, and a comparable loop in Basilisk."""
