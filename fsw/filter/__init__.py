"""The navigation filter: covariance, fixed grid, range gate, terrain hypotheses, buffers."""
