"""Command line, plots, benchmarks."""
