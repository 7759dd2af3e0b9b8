"""The run monitor: gathers, tick by tick, the figures of verdict and margins."""

from fsw.framework.kernel import kernel
from fsw.framework.record import f64, i64, record
from fsw.guidance.stopping_distance import stopping_height, stopping_margin
from fsw.interface.modes import Mode
from sim.evaluation.responsiveness import RESPONSIVENESS, note_responsiveness
from sim.evaluation.truthful_ranges import TRUTHFUL_RANGES, note_truthful_ranges
from sim.plant.truth_observer import motion_over_ground

# least height over which a stopping margin is normalised
LEAST_STOP_M = 0.5

# least deceleration for a stopping height, while guidance has none yet
LEAST_DECEL_MPS2 = 1e-3

# stopping margin of a run without one: no descent under the law yet
NO_MARGIN_M = 1e9

# relative rounding of a command, which travels in single precision
SINGLE_PRECISION = 1e-6

# descent rate of a contact that ends the run: legs and hull are destroyed
WRECK_MPS = 10.0

# time for which a run goes on after its end, so that the last messages arrive
TAIL_NS = 200_000_000

# time after first contact at which a run ends that has not come to rest
UNSETTLED_NS = 60_000_000_000

MONITOR = record(
    "Monitor",
    "Figures of a run, gathered from truth and flight software tick by tick.",
    t_limit_ns=i64("time at which the run times out"),
    over_t_ns=i64("time at which the run was decided; -1 before", default=-1),
    first_valid_m=f64("true clearance at the first valid range; -1 before", default=-1.0),
    first_fused_m=f64("true clearance at the first fused range; -1 before", default=-1.0),
    worst_margin_m=f64("least true stopping margin under the descent law", default=NO_MARGIN_M),
    worst_share=f64("that margin over the greater of height available and needed", default=1.0),
    illegal_commands=i64("ticks with a command beyond the limits of engine or thrusters"),
    unsound=i64("ticks with an estimate that is not finite, or a negative variance"),
    responsiveness=RESPONSIVENESS("truthful ranges not fused, missing inputs not reported"),
    truthful=TRUTHFUL_RANGES("truthful ranges, and the moments from which a loss is evaluated"),
)


@kernel
def watch(monitor, world, view, params, inbox, outbox):
    """Update a Monitor after a tick; view: FlightView. True while the run goes on."""
    _note_ranges(monitor, world, view, inbox)
    mode = int(view.mode)
    note_truthful_ranges(monitor.truthful, world, inbox, mode)
    note_responsiveness(monitor.responsiveness, monitor.truthful, world, view, inbox, outbox)
    _note_soundness(monitor, view, params, outbox.actuators)
    flying = int(world.touchdown.first_t_ns) < 0
    if flying and (mode == Mode.APPROACH or mode == Mode.DESCENT or mode == Mode.TERMINAL):
        _note_margin(monitor, world, view, params)
    now_ns = int(world.t_ns)
    if int(monitor.over_t_ns) < 0 and _is_over(world, view, now_ns):
        monitor.over_t_ns = now_ns
    if now_ns >= int(monitor.t_limit_ns):
        return False
    return int(monitor.over_t_ns) < 0 or now_ns - int(monitor.over_t_ns) < TAIL_NS


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
    """Stopping margin of the true state under the flight software's own descent law."""
    v_down, _, _, _ = motion_over_ground(world)
    a_d = max(float(view.a_d_mps2), LEAST_DECEL_MPS2)
    h_stop = stopping_height(params.descent, float(world.truth.clearance_m), a_d)
    margin = stopping_margin(h_stop, v_down, a_d, float(params.descent.t_d_s))
    monitor.worst_margin_m = min(float(monitor.worst_margin_m), margin)
    height_m = max(h_stop, h_stop - margin)  # the greater of available and needed
    share = margin / max(height_m, LEAST_STOP_M)
    monitor.worst_share = min(float(monitor.worst_share), share)


@kernel
def _note_soundness(monitor, view, params, actuators):
    """Count commands beyond their limits, and estimates that are not finite."""
    if int(view.sound) == 0:
        monitor.unsound = int(monitor.unsound) + 1
    throttle = float(actuators.throttle)
    legal = throttle >= 0.0 and throttle <= 1.0 and int(actuators.engine_on) <= 1
    for axis in range(3):
        most = float(params.vehicle.rcs_torque_Nm[axis]) * (1.0 + SINGLE_PRECISION)
        legal = legal and abs(float(actuators.torque_B_Nm[axis])) <= most
    if not legal:
        monitor.illegal_commands = int(monitor.illegal_commands) + 1


@kernel
def _is_over(world, view, now_ns):
    touchdown = world.touchdown
    mode = int(view.mode)
    if int(touchdown.settled_t_ns) >= 0 or int(touchdown.struck_t_ns) >= 0:
        return True
    if float(touchdown.worst_v_down_mps) > WRECK_MPS:
        return True
    if int(touchdown.first_t_ns) >= 0 and now_ns - int(touchdown.first_t_ns) > UNSETTLED_NS:
        return True
    return mode == Mode.NOT_BEGUN or (mode == Mode.ABORT and int(view.engine_cut) == 1)
