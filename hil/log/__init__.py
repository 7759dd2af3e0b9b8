"""Logs: MCAP, recorder, reader, replay."""
