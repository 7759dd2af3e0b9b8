"""What landed means, and how near a run came to its limits. Nothing else defines either.

Chandrayaan-3 tested its legs to 3 m/s down and 1 m/s across, Apollo allowed 3.0 and 1.2 m/s:
landed is stricter than both, hard is about there. Speeds, tilt and rate count at first contact;
a later contact that is faster still counts for the vertical speed.
"""

import math
from dataclasses import dataclass
from typing import Any

from fsw.interface.modes import ABORT, NOT_BEGUN

VERDICT_NAMES = (
    "landed",
    "hard_landing",
    "crashed",
    "tipped",
    "out_of_propellant",
    "aborted_to_orbit",
    "not_begun",
    "timed_out",
)


@dataclass(frozen=True)
class TouchdownLimits:
    """Greatest speeds, tilt and rate at touchdown."""

    v_down_mps: float
    v_horizontal_mps: float
    tilt_deg: float
    rate_degps: float


LANDED_LIMITS = TouchdownLimits(2.0, 1.0, 10.0, 3.0)
HARD_LIMITS = TouchdownLimits(3.0, 1.5, 15.0, math.inf)
TIPPED_TILT_DEG = 45.0


@dataclass(frozen=True)
class Touchdown:
    """Figures of the first contact; the vertical speed is the greatest of all contacts."""

    v_down_mps: float
    v_horizontal_mps: float
    tilt_deg: float
    rate_degps: float
    miss_m: float

    def within(self, limits: TouchdownLimits) -> bool:
        """True when no figure exceeds its limit."""
        return (
            self.v_down_mps <= limits.v_down_mps
            and self.v_horizontal_mps <= limits.v_horizontal_mps
            and self.tilt_deg <= limits.tilt_deg
            and self.rate_degps <= limits.rate_degps
        )


def touchdown_of(world: Any) -> Touchdown | None:
    """Touchdown figures of a world, None before first contact."""
    seen = world.touchdown
    if seen.first_t_ns < 0 and seen.struck_t_ns < 0:
        return None
    return Touchdown(
        v_down_mps=float(seen.worst_v_down_mps),
        v_horizontal_mps=float(seen.v_horizontal_mps),
        tilt_deg=math.degrees(seen.tilt_rad),
        rate_degps=math.degrees(seen.rate_radps),
        miss_m=float(seen.miss_m),
    )


def verdict(world: Any, mode: int) -> str:
    """One of VERDICT_NAMES, from the truth at the end and the flight mode."""
    touchdown = touchdown_of(world)
    if touchdown is None:
        if mode == NOT_BEGUN:
            return "not_begun"
        return (
            "aborted_to_orbit" if mode == ABORT and world.truth.propellant_kg > 0 else "timed_out"
        )
    seen = world.touchdown
    if math.degrees(seen.rest_tilt_rad) > TIPPED_TILT_DEG and touchdown.within(HARD_LIMITS):
        return "tipped"
    if touchdown.within(LANDED_LIMITS) and seen.settled_t_ns >= 0 and seen.struck_t_ns < 0:
        return "landed"
    if touchdown.within(HARD_LIMITS) and seen.struck_t_ns < 0:
        return "hard_landing"
    return "out_of_propellant" if 0 <= seen.dry_t_ns < seen.first_t_ns else "crashed"
