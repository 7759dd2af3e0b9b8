"""The verdict of a run, and the touchdown limits that define it.

Chandrayaan-3 tested its legs to 3 m/s down and 1 m/s across, Apollo allowed 3.0 and 1.2 m/s:
`landed` is stricter than both, `hard_landing` is near them. Speeds, tilt and rate are those of
first contact; the vertical speed is the greatest of all contacts.
"""

import math
from dataclasses import dataclass
from typing import Any

from fsw.framework.codes import Code
from fsw.interface.modes import Mode


class RunVerdict(Code):
    """Outcomes of a run."""

    LANDED = 0
    HARD_LANDING = 1
    CRASHED = 2
    TIPPED = 3
    OUT_OF_PROPELLANT = 4
    ABORTED_TO_ORBIT = 5
    NOT_BEGUN = 6
    TIMED_OUT = 7


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


def verdict(world: Any, mode: int) -> RunVerdict:
    """The verdict, from the truth at the end and the flight mode."""
    touchdown = touchdown_of(world)
    if touchdown is None:
        if mode == Mode.NOT_BEGUN:
            return RunVerdict.NOT_BEGUN
        if mode == Mode.ABORT and world.truth.propellant_kg > 0:
            return RunVerdict.ABORTED_TO_ORBIT
        return RunVerdict.TIMED_OUT
    seen = world.touchdown
    if math.degrees(seen.rest_tilt_rad) > TIPPED_TILT_DEG and touchdown.within(HARD_LIMITS):
        return RunVerdict.TIPPED
    if touchdown.within(LANDED_LIMITS) and seen.settled_t_ns >= 0 and seen.struck_t_ns < 0:
        return RunVerdict.LANDED
    if touchdown.within(HARD_LIMITS) and seen.struck_t_ns < 0:
        return RunVerdict.HARD_LANDING
    ran_dry = 0 <= seen.dry_t_ns < seen.first_t_ns
    return RunVerdict.OUT_OF_PROPELLANT if ran_dry else RunVerdict.CRASHED
