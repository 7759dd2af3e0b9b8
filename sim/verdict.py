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
# legs and hull are gone after a contact this fast: nothing is left to simulate
WRECK_MPS = 10.0
# a run is watched this long beyond its end, so that the last messages are heard
LAST_WORDS_NS = 200_000_000
# and this long after first contact, should it never come to rest
RESTLESS_NS = 60_000_000_000

MONITOR = record(
    "Monitor",
    "What a run is judged by, gathered from truth and flight as it goes.",
    t_limit_ns=i64("the run times out then"),
    over_t_ns=i64("nothing more can happen from then on; -1 before", default=-1),
    first_valid_m=f64("true clearance at the first valid range; -1 before", default=-1.0),
    first_fused_m=f64("true clearance at the first fused range; -1 before", default=-1.0),
    worst_margin_m=f64("least true stopping margin under the descent law", default=1e9),
    knowledge=KNOWLEDGE("what a loss is judged from"),
)


@kernel
def watch(monitor, world, core, params, inbox):
    """After each tick: keep what the verdict needs. True while the run goes on."""
    _note_ranges(monitor, world, core, inbox)
    mode = int(core.executive.mode)
    note_knowledge(monitor.knowledge, world, inbox, mode)
    flying = int(world.touchdown.first_t_ns) < 0
    if flying and (mode == APPROACH or mode == DESCENT or mode == TERMINAL):
        _note_margin(monitor, world, core, params)
    now_ns = int(world.t_ns)
    if int(monitor.over_t_ns) < 0 and _is_over(world, core, now_ns):
        monitor.over_t_ns = now_ns
    if now_ns >= int(monitor.t_limit_ns):
        return False
    return int(monitor.over_t_ns) < 0 or now_ns - int(monitor.over_t_ns) < LAST_WORDS_NS


@kernel
def _note_ranges(monitor, world, core, inbox):
    if float(monitor.first_valid_m) < 0.0:
        for i in range(int(inbox.n_ranges)):
            if int(inbox.ranges[i].valid) == 1 and float(monitor.first_valid_m) < 0.0:
                monitor.first_valid_m = max(float(world.truth.clearance_m), 0.0)
    if float(monitor.first_fused_m) < 0.0 and int(core.navigation.grid.trust.locked) == 1:
        monitor.first_fused_m = max(float(world.truth.clearance_m), 0.0)


@kernel
def _note_margin(monitor, world, core, params):
    """The flight software's own law, asked of the truth."""
    v_down, _, _, _ = motion_over_ground(world)
    a_d = max(float(core.guidance.a_d_mps2), 1e-3)
    h_stop = stopping_height(params.descent, float(world.truth.clearance_m), a_d)
    margin = stopping_margin(h_stop, v_down, a_d, float(params.descent.t_d_s))
    monitor.worst_margin_m = min(float(monitor.worst_margin_m), margin)


@kernel
def _is_over(world, core, now_ns):
    touchdown = world.touchdown
    mode = int(core.executive.mode)
    if int(touchdown.settled_t_ns) >= 0 or int(touchdown.struck_t_ns) >= 0:
        return True
    if float(touchdown.worst_v_down_mps) > WRECK_MPS:
        return True
    if int(touchdown.first_t_ns) >= 0 and now_ns - int(touchdown.first_t_ns) > RESTLESS_NS:
        return True
    return mode == NOT_BEGUN or (mode == ABORT and int(core.guidance.engine_cut) == 1)


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
