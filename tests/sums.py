"""Inertial sums by hand: what an instrument tells after increments that a test makes up."""

import numpy as np

from fsw.interface.messages import ANGLE_COUNT_RAD, IMU_SAMPLE, VELOCITY_COUNT_MPS

TICK_NS = 10_000_000


def in_32_bits(counts):
    """Counts as a counter of 32 bits that wraps would show them."""
    return np.asarray(counts, np.int64).astype(np.int32)


def sample_of(t_ns, seq, velocity_mps, angle_rad, /, **fields):
    """The ImuSample that tells sums."""
    made = IMU_SAMPLE.new(t_ns=t_ns, **{"seq": seq & 0xFFFF, "dt_ns": TICK_NS, "valid": 1})
    made.velocity_B = in_32_bits(np.rint(np.asarray(velocity_mps) / VELOCITY_COUNT_MPS))
    made.angle_B = in_32_bits(np.rint(np.asarray(angle_rad) / ANGLE_COUNT_RAD))
    for name, value in fields.items():
        made[name] = value
    return made


class Instrument:
    """Sums that grow with every sample asked for."""

    def __init__(self, velocity_mps=(0.0, 0.0, 0.0), angle_rad=(0.0, 0.0, 0.0), seq=0):
        self.velocity_mps, self.angle_rad = np.array(velocity_mps), np.array(angle_rad)
        self.seq = seq

    def sample(self, t_ns, dv=(0.0, 0.0, 0.0), dtheta=(0.0, 0.0, 0.0), **fields):
        """The sample at the end of an interval in which dv and dtheta were gained."""
        self.velocity_mps = self.velocity_mps + dv
        self.angle_rad = self.angle_rad + dtheta
        self.seq += 1
        return sample_of(t_ns, self.seq, self.velocity_mps, self.angle_rad, **fields)


def gained(samples):
    """(dv, dtheta) between samples that follow one another, each an array of rows of three."""
    velocity = np.array([s.velocity_B for s in samples]).astype(np.int64)
    angle = np.array([s.angle_B for s in samples]).astype(np.int64)
    dv = in_32_bits(np.diff(velocity, axis=0)) * VELOCITY_COUNT_MPS
    return dv, in_32_bits(np.diff(angle, axis=0)) * ANGLE_COUNT_RAD
