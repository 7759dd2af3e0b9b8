"""The run monitor: what the verdict and the margins are computed from, tick by tick."""

from fsw.framework.kernel import kernel
from fsw.framework.record import f64, i64, record
from fsw.guidance.stopping_distance import stopping_height, stopping_margin
from fsw.interface.modes import Mode
from sim.evaluation.responsiveness import ATTENTION, note_attention
from sim.evaluation.truthful_ranges import KNOWLEDGE, note_knowledge
from sim.plant.truth_observer import motion_over_ground

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
    if flying and (mode == Mode.APPROACH or mode == Mode.DESCENT or mode == Mode.TERMINAL):
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
    return mode == Mode.NOT_BEGUN or (mode == Mode.ABORT and int(view.engine_cut) == 1)
