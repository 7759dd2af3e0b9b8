"""The plant: Moon, terrain, dynamics, actuators, initial conditions."""
