"""Intake of samples: clock map, time-tags, IMU, ranges."""
