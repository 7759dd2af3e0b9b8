"""The session protocol: peer, block transfer, remote end, interventions."""
