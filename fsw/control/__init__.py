"""Attitude control, throttle, thrust estimator."""
