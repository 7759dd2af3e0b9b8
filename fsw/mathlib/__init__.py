"""Elementary functions, vectors and quaternions, frames, units."""
