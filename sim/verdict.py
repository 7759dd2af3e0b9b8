"""What landed means, and how near a run came to its limits. Nothing else defines either.

Chandrayaan-3 tested its legs to 3 m/s down and 1 m/s across, Apollo allowed 3.0 and 1.2 m/s:
landed is stricter than both, hard is about there. Speeds, tilt and rate count at first contact;
a later contact that is faster still counts for the vertical speed.
"""

import math
from dataclasses import dataclass
from typing import Any

from fsw.descent import stopping_height, stopping_margin
from fsw.kernel import kernel
from fsw.modes import ABORT, APPROACH, DESCENT, NOT_BEGUN, TERMINAL
from fsw.record import f64, i64, record
from sim.attention import ATTENTION, note_attention
from sim.knowledge import KNOWLEDGE, note_knowledge
from sim.observe import motion_over_ground

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
# heights below this are not what a margin is measured against
LEAST_STOP_M = 0.5
# commands travel in single precision
SINGLE_PRECISION = 1e-6
# legs and hull are gone after a contact this fast: nothing is left to simulate
WRECK_MPS = 10.0
# a run is watched this long beyond its end, so that the last messages are heard
LAST_WORDS_NS = 200_000_000
# and this long after first contact, should it never come to rest
RESTLESS_NS = 60_000_000_000


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

MONITOR = record(
    "Monitor",
    "What a run is judged by, gathered from truth and flight as it goes.",
    t_limit_ns=i64("the run times out then"),
    over_t_ns=i64("nothing more can happen from then on; -1 before", default=-1),
    first_valid_m=f64("true clearance at the first valid range; -1 before", default=-1.0),
    first_fused_m=f64("true clearance at the first fused range; -1 before", default=-1.0),
    worst_margin_m=f64("least true stopping margin under the descent law", default=1e9),
    worst_share=f64("the same over the height there is, or needed if more", default=1.0),
    broken_commands=i64("ticks with a command beyond the limits of engine or thrusters"),
    unsound=i64("ticks with an estimate that is not finite, or a variance below zero"),
    attention=ATTENTION("what the flight software made of what it was told"),
    knowledge=KNOWLEDGE("what a loss is judged from"),
)


@kernel
def watch(monitor, world, view, params, inbox, outbox):
    """After each tick: keep what the verdict needs; view is a FlightView. True while it goes on."""
    _note_ranges(monitor, world, view, inbox)
    mode = int(view.mode)
    note_knowledge(monitor.knowledge, world, inbox, mode)
    note_attention(monitor.attention, monitor.knowledge, world, view, inbox, outbox)
    _note_soundness(monitor, view, params, outbox.actuators)
    flying = int(world.touchdown.first_t_ns) < 0
    if flying and (mode == APPROACH or mode == DESCENT or mode == TERMINAL):
        _note_margin(monitor, world, view, params)
    now_ns = int(world.t_ns)
    if int(monitor.over_t_ns) < 0 and _is_over(world, view, now_ns):
        monitor.over_t_ns = now_ns
    if now_ns >= int(monitor.t_limit_ns):
        return False
    return int(monitor.over_t_ns) < 0 or now_ns - int(monitor.over_t_ns) < LAST_WORDS_NS


@kernel
def _note_ranges(monitor, world, view, inbox):
    if float(monitor.first_valid_m) < 0.0:
        for i in range(int(inbox.n_ranges)):
            if int(inbox.ranges[i].valid) == 1 and float(monitor.first_valid_m) < 0.0:
                monitor.first_valid_m = max(float(world.truth.clearance_m), 0.0)
    if float(monitor.first_fused_m) < 0.0 and int(view.locked) == 1:
        monitor.first_fused_m = max(float(world.truth.clearance_m), 0.0)


@kernel
def _note_margin(monitor, world, view, params):
    """The flight software's own law, asked of the truth."""
    v_down, _, _, _ = motion_over_ground(world)
    a_d = max(float(view.a_d_mps2), 1e-3)
    h_stop = stopping_height(params.descent, float(world.truth.clearance_m), a_d)
    margin = stopping_margin(h_stop, v_down, a_d, float(params.descent.t_d_s))
    monitor.worst_margin_m = min(float(monitor.worst_margin_m), margin)
    way = max(h_stop, h_stop - margin)  # the greater of what there is and what is needed
    share = margin / max(way, LEAST_STOP_M)
    monitor.worst_share = min(float(monitor.worst_share), share)


@kernel
def _note_soundness(monitor, view, params, actuators):
    """Count what must never be: a command beyond its limits, an estimate that is no number."""
    if int(view.sound) == 0:
        monitor.unsound = int(monitor.unsound) + 1
    throttle = float(actuators.throttle)
    legal = throttle >= 0.0 and throttle <= 1.0 and int(actuators.engine_on) <= 1
    for axis in range(3):
        most = float(params.vehicle.rcs_torque_Nm[axis]) * (1.0 + SINGLE_PRECISION)
        legal = legal and abs(float(actuators.torque_B_Nm[axis])) <= most
    if not legal:
        monitor.broken_commands = int(monitor.broken_commands) + 1


@kernel
def _is_over(world, view, now_ns):
    touchdown = world.touchdown
    mode = int(view.mode)
    if int(touchdown.settled_t_ns) >= 0 or int(touchdown.struck_t_ns) >= 0:
        return True
    if float(touchdown.worst_v_down_mps) > WRECK_MPS:
        return True
    if int(touchdown.first_t_ns) >= 0 and now_ns - int(touchdown.first_t_ns) > RESTLESS_NS:
        return True
    return mode == NOT_BEGUN or (mode == ABORT and int(view.engine_cut) == 1)


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
