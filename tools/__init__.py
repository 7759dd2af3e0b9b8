"""HANDS: the command line, plots, benchmarks."""
