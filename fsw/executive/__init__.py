"""The executive: step(), slots, commands, health monitoring (FDIR), telemetry, state."""
