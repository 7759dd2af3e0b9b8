"""Plots of runs and campaigns."""
