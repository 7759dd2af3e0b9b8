"""The search for failing faults."""
