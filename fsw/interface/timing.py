"""Length of a tick of the flight software."""

TICK_NS = 10_000_000
TICK_S = 0.01
