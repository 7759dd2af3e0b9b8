"""Length of a tick of the flight software, and what is common to all steps of one tick."""

from typing import NamedTuple

TICK_NS = 10_000_000
TICK_S = 0.01


class Tick(NamedTuple):
    """One tick, made once by the executive.

    now_ns: time of the tick, flight clock. punctual: inertial samples arrived since the last
    tick; False when they may have waited longer in the link. unpowered: neither engine nor
    thrusters can have acted in the latest increments. thrust_accel_mps2: specific force along
    z_B that the engine should have given in them.
    """

    now_ns: int
    punctual: bool
    unpowered: bool
    thrust_accel_mps2: float
