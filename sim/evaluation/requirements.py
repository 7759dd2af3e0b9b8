"""Requirements of a run, each with its normalised margin: 1 comfortable, 0 at the limit."""

import math
from dataclasses import dataclass
from typing import Any

from fsw.framework.record import f64, i64, record
from sim.evaluation.verdict import LANDED_LIMITS, TIPPED_TILT_DEG, touchdown_of

# propellant reserve, as a share of full tanks, at which the margin is 1
RESERVE_SHARE = 0.02

# time with dry tanks at which the margin is -1
DRY_S = 10.0

# time within which truthful and consistent ranges are fused again
NEGLECT_S = 5.0

# greatest age of a range when it is fused: reach of late fusion plus time of a replay
FUSED_AGE_S = 9.0

# time within which missing inputs are reported: ranges, and inertial increments in ticks
RANGE_SILENCE_S = 3.0
IMU_SILENCE_TICKS = 10


# silence of a restart or of missed ticks without an event, over its limit
UNREPORTED = 2.0


@dataclass(frozen=True)
class Requirement:
    """A requirement of a run; `always` where no fault excuses a violation."""

    name: str
    doc: str
    always: bool = False


REQUIREMENTS = (
    Requirement("touchdown", "it touches down and comes to rest upright, hull intact"),
    Requirement("v_down", "descent rate at touchdown"),
    Requirement("v_horizontal", "horizontal speed at touchdown"),
    Requirement("tilt", "tilt at touchdown"),
    Requirement("rate", "angular rate at touchdown"),
    Requirement("propellant", "propellant left at touchdown"),
    Requirement("stopping", "true height left after a stop, over the height available or needed"),
    Requirement("no_latch", "truthful, consistent ranges are fused again once no fault is open"),
    Requirement("fused_age", "age of a range when it is fused as the newest"),
    Requirement("commands", "commands stay within the limits of engine and thrusters", always=True),
    Requirement("finite", "the estimate is finite, and no variance is negative", always=True),
    Requirement("silence", "an event reports every missing input", always=True),
)

# requirements on a figure of Touchdown
AT_TOUCHDOWN = {
    "v_down": "v_down_mps",
    "v_horizontal": "v_horizontal_mps",
    "tilt": "tilt_deg",
    "rate": "rate_degps",
}

# a run has landed exactly when none of these margins is negative
LANDING = ("touchdown", "v_down", "v_horizontal", "tilt", "rate")

MARGINS = record(
    "Margins",
    "Normalised margins of the requirements: 1 comfortable, 0 at the limit, negative violated.",
    t_ns=i64("time of the last tick"),
    **{each.name: f64(f"{each.doc}; not a number without touchdown") for each in REQUIREMENTS},
)


def margins_of(world: Any, monitor: Any) -> dict[str, float | None]:
    """Margin of every requirement: 1 comfortable, 0 at the limit, negative violated.

    Margins of touchdown figures are None for a run without touchdown.
    """
    touchdown, seen = touchdown_of(world), monitor.responsiveness
    limits = {name: getattr(LANDED_LIMITS, field) for name, field in AT_TOUCHDOWN.items()}
    figures = {name: touchdown and getattr(touchdown, AT_TOUCHDOWN[name]) for name in limits}
    silence = max(
        float(seen.range_silence_s) / RANGE_SILENCE_S,
        float(seen.imu_silence_ticks) / IMU_SILENCE_TICKS,
        UNREPORTED if seen.unreported else 0.0,
    )
    margins = {
        "touchdown": _touchdown_margin(world),
        **{n: None if v is None else 1.0 - v / limits[n] for n, v in figures.items()},
        "propellant": _propellant_margin(world),
        "stopping": float(monitor.worst_share),
        "no_latch": 1.0 - float(seen.neglect_s) / NEGLECT_S,
        "fused_age": 1.0 - float(seen.fused_age_s) / FUSED_AGE_S,
        "commands": -1.0 if monitor.illegal_commands else 1.0,
        "finite": -1.0 if monitor.unsound else 1.0,
        "silence": 1.0 - silence,
    }
    return {each.name: margins[each.name] for each in REQUIREMENTS}


def _touchdown_margin(world: Any) -> float:
    """Margin of the tilt at rest; -1 where it does not rest on its legs."""
    seen = world.touchdown
    if seen.settled_t_ns < 0 or seen.struck_t_ns >= 0:
        return -1.0
    return 1.0 - math.degrees(seen.rest_tilt_rad) / TIPPED_TILT_DEG


def _propellant_margin(world: Any) -> float:
    """Propellant left at touchdown over the reserve; negative: time with dry tanks by then."""
    seen = world.touchdown
    end_ns = seen.first_t_ns if seen.first_t_ns >= 0 else world.t_ns
    if 0 <= seen.dry_t_ns < end_ns:
        return -float(end_ns - seen.dry_t_ns) * 1e-9 / DRY_S
    left = seen.propellant_kg if seen.first_t_ns >= 0 else world.truth.propellant_kg
    return min(float(left) / (RESERVE_SHARE * float(world.vehicle.propellant_full_kg)), 1.0)


def broken(margins: dict[str, float | None]) -> list[str]:
    """Names of the requirements with negative margins, the worst first."""
    below = [
        (margin, name) for name, margin in margins.items() if margin is not None and margin < 0
    ]
    return [name for _, name in sorted(below)]


def margins_record(t_ns: int, margins: dict[str, float | None]) -> Any:
    """Margins as a record for a log."""
    figures = {name: math.nan if m is None else m for name, m in margins.items()}
    return MARGINS.new(t_ns=t_ns, **figures)
