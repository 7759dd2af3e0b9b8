"""Sensor models: exactly what runs on a sensor board."""
