"""Requirements of a run, each with its normalised margin: 1 comfortable, 0 at the limit."""

import math
from dataclasses import dataclass
from typing import Any

from fsw.framework.record import f64, i64, record
from sim.evaluation.verdict import LANDED_LIMITS, TIPPED_TILT_DEG, touchdown_of

# what counts as comfortable: a reserve of this share of full tanks, this long dry as bad as it gets
RESERVE_SHARE = 0.02
DRY_S = 10.0

# truthful and consistent ranges are fused again within this time
NEGLECT_S = 5.0

# no range is older than this when it is fused: the reach of late fusion, and the time of a replay
FUSED_AGE_S = 9.0

# silence is told of within this time: of ranges, and of the inertial unit in ticks
RANGE_SILENCE_S = 3.0
IMU_SILENCE_TICKS = 10


@dataclass(frozen=True)
class Requirement:
    """What a run is asked for; `always` where no fault excuses a breach."""

    name: str
    doc: str
    always: bool = False


REQUIREMENTS = (
    Requirement("touchdown", "it comes to the ground, and to rest upright, hull unhurt"),
    Requirement("v_down", "descent rate at touchdown"),
    Requirement("v_horizontal", "horizontal speed at touchdown"),
    Requirement("tilt", "tilt at touchdown"),
    Requirement("rate", "angular rate at touchdown"),
    Requirement("propellant", "propellant left at touchdown"),
    Requirement("stopping", "true height left after a stop, over the height there is or needed"),
    Requirement("no_latch", "truthful, consistent ranges are fused again once no fault is open"),
    Requirement("fused_age", "age of a range when it is fused as the newest"),
    Requirement("commands", "engine and thrusters are asked for what they can do", always=True),
    Requirement("finite", "the estimate is finite, and no variance below zero", always=True),
    Requirement("silence", "an event tells of every silence", always=True),
)

# those that are a figure of Touchdown over its limit
AT_TOUCHDOWN = {
    "v_down": "v_down_mps",
    "v_horizontal": "v_horizontal_mps",
    "tilt": "tilt_deg",
    "rate": "rate_degps",
}

# of a run that landed none of these is negative, and of every other one of them is
LANDING = ("touchdown", "v_down", "v_horizontal", "tilt", "rate")

MARGINS = record(
    "Margins",
    "How far a run stayed within its requirements: 1 comfortable, 0 at the limit, negative broken.",
    t_ns=i64("time of the last tick"),
    **{each.name: f64(f"{each.doc}; not a number without touchdown") for each in REQUIREMENTS},
)


def margins_of(world: Any, monitor: Any) -> dict[str, float | None]:
    """Signed margin of every requirement: 1 comfortable, 0 at the limit, negative broken.

    What is measured at touchdown is None of a run without one.
    """
    touchdown, seen = touchdown_of(world), monitor.attention
    limits = {name: getattr(LANDED_LIMITS, field) for name, field in AT_TOUCHDOWN.items()}
    figures = {name: touchdown and getattr(touchdown, AT_TOUCHDOWN[name]) for name in limits}
    silence = max(
        float(seen.range_silence_s) / RANGE_SILENCE_S,
        float(seen.imu_silence_ticks) / IMU_SILENCE_TICKS,
        2.0 if seen.unsaid else 0.0,
    )
    margins = {
        "touchdown": _touchdown_margin(world),
        **{n: None if v is None else 1.0 - v / limits[n] for n, v in figures.items()},
        "propellant": _propellant_margin(world),
        "stopping": float(monitor.worst_share),
        "no_latch": 1.0 - float(seen.neglect_s) / NEGLECT_S,
        "fused_age": 1.0 - float(seen.fused_age_s) / FUSED_AGE_S,
        "commands": -1.0 if monitor.broken_commands else 1.0,
        "finite": -1.0 if monitor.unsound else 1.0,
        "silence": 1.0 - silence,
    }
    return {each.name: margins[each.name] for each in REQUIREMENTS}


def _touchdown_margin(world: Any) -> float:
    """How upright it rests; -1 where it does not rest on its legs, or never came down."""
    seen = world.touchdown
    if seen.settled_t_ns < 0 or seen.struck_t_ns >= 0:
        return -1.0
    return 1.0 - math.degrees(seen.rest_tilt_rad) / TIPPED_TILT_DEG


def _propellant_margin(world: Any) -> float:
    """Propellant left at touchdown over a reserve; negative: how long tanks were dry by then."""
    seen = world.touchdown
    end_ns = seen.first_t_ns if seen.first_t_ns >= 0 else world.t_ns
    if 0 <= seen.dry_t_ns < end_ns:
        return -float(end_ns - seen.dry_t_ns) * 1e-9 / DRY_S
    left = seen.propellant_kg if seen.first_t_ns >= 0 else world.truth.propellant_kg
    return min(float(left) / (RESERVE_SHARE * float(world.vehicle.propellant_full_kg)), 1.0)


def broken(margins: dict[str, float | None]) -> list[str]:
    """Names of the requirements whose margins are negative, the worst first."""
    below = [
        (margin, name) for name, margin in margins.items() if margin is not None and margin < 0
    ]
    return [name for _, name in sorted(below)]


def margins_record(t_ns: int, margins: dict[str, float | None]) -> Any:
    """Margins as a record for a log."""
    figures = {name: math.nan if m is None else m for name, m in margins.items()}
    return MARGINS.new(t_ns=t_ns, **figures)
