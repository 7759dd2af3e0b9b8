"""FLIGHT: what would fly. Navigation, range trust, guidance, control, modes, executive."""
