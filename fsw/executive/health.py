"""Health monitoring (FDIR): silent inputs, contradicting ranges, lost thrust, touchdown.

Each condition is reported once when it begins, and where it can end, once when it ends.
"""

from fsw.executive.commands import power_cycle_range
from fsw.executive.mode_manager import apply_cue
from fsw.executive.range_recovery import contradicts_flight
from fsw.executive.touchdown import ground_reached, legs_touching
from fsw.framework.kernel import kernel
from fsw.interface.events import EventCode, post_event
from fsw.interface.modes import Cue, Mode, engine_may_run
from fsw.interface.timing import TICK_S
from fsw.models.gravity import surface_gravity
from fsw.models.propulsion import propellant_left_kg
from fsw.navigation.nav_events import report_silence

# least weight to divide by
WEIGHT_MIN_N = 1.0


@kernel
def commanded_accel_mps2(core):
    """Specific force along z_B that the engine should give at present [m/s^2]."""
    thrust_N = float(core.propulsion.thrust_N) * float(core.control.thrust.scale)
    return thrust_N / float(core.propulsion.mass_kg)


@kernel
def monitor_inputs(core, params, inbox, outbox):
    """Report silent instruments and low propellant, and recover the rangefinder."""
    executive = core.executive
    if engine_may_run(int(executive.mode)):
        report_silence(core.navigation, params, int(inbox.now_ns), outbox)
        _recover_range(core, params, int(inbox.now_ns), outbox)
    limit = int(params.executive.imu_silent_ticks)
    if int(executive.imu_missing_ticks) == limit and int(core.navigation.ready) == 1:
        post_event(outbox, EventCode.IMU_SILENT, float(limit) * TICK_S, 0.0)
    left = propellant_left_kg(core.propulsion, params.vehicle)
    low = left < float(params.propulsion.propellant_low_kg)
    if low and int(core.propulsion.low_reported) == 0 and engine_may_run(int(executive.mode)):
        core.propulsion.low_reported = 1
        weight_N = float(core.propulsion.mass_kg) * surface_gravity(params.moon, params.site)
        hover_s = left * float(params.vehicle.exhaust_mps) / max(weight_N, WEIGHT_MIN_N)
        post_event(outbox, EventCode.PROPELLANT_LOW, left, hover_s)


@kernel
def _recover_range(core, params, now_ns, outbox):
    """Power-cycle a rangefinder that contradicts flight, while altitude and tries allow it."""
    executive = core.executive
    recovery = params.range_recovery
    nav = core.navigation
    altitude_m = float(core.estimate.altitude_m)
    since_s = float(now_ns - int(executive.cycled_ns)) * 1e-9
    ready = int(executive.cycled_ns) == 0 or since_s > float(recovery.spacing_s)
    allowed = ready and altitude_m > float(recovery.lowest_m)
    allowed = allowed and int(executive.power_cycles) < int(recovery.tries_max)
    unusable = int(nav.intake.unusable_in_a_row)
    if allowed and contradicts_flight(recovery, nav.grid.trust, unusable, now_ns):
        power_cycle_range(executive, params.executive, now_ns, outbox)
        post_event(outbox, EventCode.RANGE_POWER_CYCLED, float(executive.power_cycles), altitude_m)


@kernel
def monitor_touchdown(core, params, inbox, outbox):
    """Detect touchdown; report the first contact."""
    touchdown = core.touchdown
    estimate = core.estimate
    thrust_N = float(core.propulsion.thrust_N) * float(core.control.thrust.scale)
    mode = int(core.executive.mode)
    reached = ground_reached(touchdown, params, estimate, inbox, mode, thrust_N)
    legs = legs_touching(int(touchdown.legs))
    if legs > 0 and int(touchdown.reported) == 0:
        touchdown.reported = 1
        post_event(outbox, EventCode.CONTACT, float(legs), float(estimate.v_down_mps))
    if reached:
        apply_cue(core, Cue.TOUCHDOWN, int(inbox.now_ns), outbox)


@kernel
def report_thrust(core, outbox):
    """Report once when thrust is lost, and once when it is back."""
    thrust = core.control.thrust
    if int(thrust.lost) == int(thrust.reported):
        return
    thrust.reported = thrust.lost
    code = EventCode.THRUST_LOW if int(thrust.lost) == 1 else EventCode.THRUST_BACK
    post_event(outbox, code, float(thrust.scale), float(core.control.throttle))


@kernel
def report_blind_descent(guidance, estimate, mode, outbox):
    """Report once that the descent is blind."""
    low = mode == Mode.APPROACH or mode == Mode.DESCENT or mode == Mode.TERMINAL
    if low and int(guidance.blind) == 1 and int(guidance.blind_reported) == 0:
        guidance.blind_reported = 1
        floor = float(guidance.v_floor_mps)
        post_event(outbox, EventCode.BLIND_DESCENT, floor, float(estimate.altitude_m))


@kernel
def is_fit_for_descent(core, params):
    """True when accelerometers work and propulsion suffices for a descent.

    A propulsion controller that has not reported does not forbid it.
    """
    zeros = int(params.navigation.inertial.zero_samples)
    if zeros > 0 and int(core.navigation.inertial.zeros) >= zeros:
        return False
    propulsion = core.propulsion
    if int(propulsion.reported) == 0:
        return True
    least_kg = float(params.propulsion.mass_min_kg)
    return int(propulsion.ready) == 1 and float(propulsion.mass_kg) >= least_kg
