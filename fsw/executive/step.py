"""The executive: one tick, one pass, fixed order, no early return.

`step` is the only entry into the flight software. Slower work runs in slots of a (divider,
offset) table; offsets spread the load. A late tick is finished, counted and reported, and the
next one runs on the grid of ticks: no burst. After three late ticks in a row telemetry is shed.
A missing input is a failure with a policy: it is counted and reported.
"""

from fsw.control.loop import control
from fsw.executive.commands import take_commands, take_state_update
from fsw.executive.health import (
    commanded_accel_mps2,
    is_fit_for_descent,
    monitor_inputs,
    monitor_touchdown,
    report_blind_descent,
    report_thrust,
)
from fsw.executive.mode_manager import apply_cue
from fsw.executive.telemetry import fill_telemetry
from fsw.filter.buffers import clear_history
from fsw.framework.kernel import kernel
from fsw.framework.record import U8_MAX
from fsw.guidance.altitude_bounds import (
    bound_by_candidate,
    drop_unaffordable_alternate,
    update_altitude_bounds,
)
from fsw.guidance.dispatch import guide
from fsw.interface.events import EventCode, post_event
from fsw.interface.messages import IMUS_PER_TICK
from fsw.interface.modes import Cue, Mode
from fsw.interface.timing import TICK_S, Tick
from fsw.mathlib.vectors import add3, load3
from fsw.models.propulsion import begin_propulsion, track_mass, track_thrust
from fsw.models.vehicle import inertia_at
from fsw.navigation.dead_reckoning import reckon
from fsw.navigation.output_predictor import estimate_now, unproven_latency_s
from fsw.navigation.tick import begin_navigation, navigate, take_exchange
from fsw.navigation.warm_restart import resume

# longest time since the last run that guidance takes into account: after a pause, what it turns and
# moves by rate times time must not jump
GUIDANCE_PERIOD_MAX_S = 1.0


def slot(divider: int, offset: int) -> tuple[int, int]:
    """A row of the slot table: runs when tick % divider == offset. Refuses one that never could."""
    if not (divider >= 1 and 0 <= offset < divider):
        raise ValueError(f"slot ({divider}, {offset}) can never run")
    return (divider, offset)


GUIDANCE_SLOT = slot(10, 3)
GUIDANCE_PERIOD_S = GUIDANCE_SLOT[0] * TICK_S
TELEMETRY_SLOT = slot(20, 7)


@kernel
def due(tick, row):
    """True when a slot of the table runs in this tick."""
    return tick % row[0] == row[1]


@kernel
def boot(state, params):
    """Initialise a zeroed state: standby, no estimate, empty rings."""
    core = state.core
    core.executive.mode = Mode.STANDBY
    core.executive.now_ns = -1
    core.control.thrust.scale = 1.0
    core.hypotheses.dropped_since_ns = -1
    clear_history(state.history)
    begin_navigation(core.navigation, params)
    begin_propulsion(core.propulsion, params.propulsion, params.vehicle)


@kernel
def step(state, params, inbox, outbox):
    """One tick of the flight software. All four are single records; outbox is overwritten."""
    core = state.core
    executive = core.executive
    n = int(executive.tick)
    _open_tick(executive, params.executive, inbox, outbox)
    _resume(state, inbox, outbox)
    tick = _this_tick(core, params, inbox)
    if int(inbox.has_clock) == 1:
        take_exchange(core.navigation, params, inbox.clock, tick.now_ns, outbox)
    take_state_update(core, state.history, params, inbox, outbox)
    take_commands(core, params, inbox, outbox)
    navigate(core.navigation, state.history, params, inbox, tick, outbox)
    _dead_reckon(core, params, inbox, tick)
    delta_v_mps = float(core.navigation.inertial.delta_v_mps)
    track_mass(core.propulsion, params, inbox, delta_v_mps, tick.unpowered)
    _update_estimate(core, params, tick.now_ns)
    monitor_inputs(core, params, inbox, outbox)
    monitor_touchdown(core, params, inbox, outbox)
    if due(n, GUIDANCE_SLOT) and int(core.navigation.ready) == 1:
        _guide(core, params, tick.now_ns, outbox)
    _act(core, params)
    on_time = int(executive.late_in_a_row) < int(params.executive.shed_after)
    if due(n, TELEMETRY_SLOT) and on_time:
        fill_telemetry(outbox, core, params)
    _close_tick(core, tick.now_ns, outbox)


@kernel
def _open_tick(executive, params, inbox, outbox):
    """Count skipped ticks and clear the outbox."""
    outbox.n_events = 0
    outbox.n_acks = 0
    outbox.has_range_command = 0
    outbox.has_telemetry = 0
    missed = int(inbox.missed_ticks)
    executive.overruns = int(executive.overruns) + missed
    if missed == 0:
        executive.late_in_a_row = 0
        return
    executive.late_in_a_row = min(int(executive.late_in_a_row) + 1, U8_MAX)
    post_event(outbox, EventCode.MISSED_TICKS, float(missed), float(executive.overruns))
    if int(executive.late_in_a_row) == int(params.shed_after):
        post_event(outbox, EventCode.TELEMETRY_SHED, float(executive.late_in_a_row), 0.0)


@kernel
def _resume(state, inbox, outbox):
    """Continue from core when the computer has restarted."""
    if int(inbox.resumed) == 1:
        away_s = float(int(inbox.now_ns) - int(state.core.executive.now_ns)) * 1e-9
        resume(state)
        post_event(outbox, EventCode.RESTARTED, away_s, float(state.core.estimate.altitude_m))


@kernel
def _this_tick(core, params, inbox):
    """What all steps of this tick have in common."""
    executive = core.executive
    engine_off = int(executive.engine_off_ticks) >= int(params.executive.engine_off_ticks)
    torque_off = int(executive.torque_off_ticks) >= int(params.executive.torque_off_ticks)
    unpowered = engine_off and torque_off
    # an inbox filled to capacity may leave older samples in the link
    punctual = int(inbox.missed_ticks) == 0 and int(inbox.n_imus) < IMUS_PER_TICK
    thrust_accel_mps2 = 0.0 if unpowered else commanded_accel_mps2(core)
    return Tick(int(inbox.now_ns), punctual, unpowered, thrust_accel_mps2)


# --- estimate, inputs, ground ------------------------------------------------------------


@kernel
def _update_estimate(core, params, now_ns):
    """Write the estimate for guidance and control: present state and altitude bounds."""
    estimate = core.estimate
    if int(core.navigation.ready) == 0:
        return
    estimate_now(estimate, core.navigation, params, now_ns)
    estimate.mass_kg = core.propulsion.mass_kg
    trust = core.navigation.grid.trust
    unproven_s = unproven_latency_s(core.navigation, params.navigation, now_ns)
    fallen_m = max(float(estimate.v_down_mps), 0.0) * unproven_s
    terrain_m = float(core.navigation.current.terrain_m)
    update_altitude_bounds(estimate, core.hypotheses, params.descent, trust, terrain_m, fallen_m)
    bound_by_candidate(estimate, params, trust, terrain_m, fallen_m)


@kernel
def _dead_reckon(core, params, inbox, tick):
    """Count ticks without an increment; after several, propagate by the actuator commands."""
    executive = core.executive
    executive.imu_missing_ticks = int(executive.imu_missing_ticks) + 1
    if int(inbox.n_imus) > 0:
        executive.imu_missing_ticks = 0
    silent = int(executive.imu_missing_ticks) >= int(params.executive.imu_silent_ticks)
    if silent and int(core.navigation.ready) == 1:
        control = core.control
        torque_B_Nm = add3(load3(control.torque_B_Nm), load3(control.disturbance_B_Nm))
        inertia = inertia_at(params.vehicle, float(core.propulsion.mass_kg))
        turn_B_radps2 = (
            torque_B_Nm[0] / inertia[0],
            torque_B_Nm[1] / inertia[1],
            torque_B_Nm[2] / inertia[2],
        )
        reckon(core.navigation, params.moon, tick.now_ns, tick.thrust_accel_mps2, turn_B_radps2)


# --- guidance, control, telemetry --------------------------------------------------------


@kernel
def _guide(core, params, now_ns, outbox):
    """Run guidance and give its cue to the mode manager."""
    executive = core.executive
    guidance = core.guidance
    dt_s = GUIDANCE_PERIOD_S
    if int(executive.guided_ns) > 0:
        since_s = float(now_ns - int(executive.guided_ns)) * 1e-9
        dt_s = min(since_s, GUIDANCE_PERIOD_MAX_S)
    executive.guided_ns = now_ns
    trust = core.navigation.grid.trust
    drop_unaffordable_alternate(core.hypotheses, params, core.estimate, trust, outbox)
    thrust_scale = float(core.control.thrust.scale)
    guide(guidance, params, core.estimate, int(executive.mode), thrust_scale, dt_s)
    report_thrust(core, outbox)
    report_blind_descent(guidance, core.estimate, int(executive.mode), outbox)
    if int(guidance.assured) == 1 and int(executive.was_assured) == 0:
        before = float(guidance.u_before_mps2)
        post_event(outbox, EventCode.CAP_OVERRIDE, before, float(guidance.u_assured_mps2))
    executive.was_assured = guidance.assured
    cue = int(guidance.cue)
    if cue == Cue.IGNITION_POINT and not is_fit_for_descent(core, params):
        cue = Cue.PROPULSION_UNFIT
    if cue != Cue.NONE:
        apply_cue(core, cue, now_ns, outbox)


@kernel
def _act(core, params):
    """Write the actuator command of this tick, and keep a copy of it in core."""
    executive = core.executive
    actuators = core.actuators
    if int(core.navigation.ready) == 1:
        control(core, params, int(executive.mode), TICK_S)
    track_thrust(
        core.propulsion, params.vehicle, float(actuators.throttle), int(actuators.engine_on)
    )
    executive.engine_off_ticks = int(executive.engine_off_ticks) + 1
    if int(actuators.engine_on) == 1:
        executive.engine_off_ticks = 0
    executive.torque_off_ticks = int(executive.torque_off_ticks) + 1
    if int(core.control.fired) == 1:
        executive.torque_off_ticks = 0


@kernel
def _close_tick(core, now_ns, outbox):
    """Stamp and count all outputs, and advance to the next tick."""
    executive = core.executive
    tick = int(executive.tick)
    core.actuators.t_ns = now_ns
    core.actuators.tick = tick
    core.actuators.seq = int(executive.actuator_seq) & 0xFFFF
    core.actuators.mode = executive.mode
    executive.actuator_seq = (int(executive.actuator_seq) + 1) & 0xFFFF
    outbox.actuators = core.actuators
    outbox.telemetry.t_ns = now_ns
    for i in range(int(outbox.n_acks)):
        outbox.acks[i].t_ns = now_ns
    for i in range(int(outbox.n_events)):
        outbox.events[i].t_ns = now_ns
        outbox.events[i].seq = executive.event_seq
        executive.event_seq = (int(executive.event_seq) + 1) & 0xFFFF
    executive.events_lost = outbox.events_lost
    if int(outbox.has_range_command) == 1:
        outbox.range_command.t_ns = now_ns
        outbox.range_command.seq = executive.range_command_seq
        executive.range_command_seq = (int(executive.range_command_seq) + 1) & 0xFFFF
    executive.now_ns = now_ns
    executive.tick = tick + 1
