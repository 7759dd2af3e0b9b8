"""Onboard models: Moon, site, vehicle, gravity, propulsion."""
