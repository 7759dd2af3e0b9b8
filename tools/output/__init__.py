"""Console, reports, recording of a flight."""
