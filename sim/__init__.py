"""TRUTH: Moon, terrain, vehicle, sensors, scenarios, the in-process loop, verdicts."""
