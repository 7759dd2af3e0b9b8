"""The executive: one tick, one pass, fixed order, no early return.

`step` is the only door into the flight software. Slower work runs in slots of a (divider,
offset) table; offsets spread the load. A late tick is finished, counted and reported, and the
next one runs on the grid of ticks: no burst. After three late ticks in a row telemetry is shed.
Silence is a failure with a policy: whatever stays away is counted and said.
"""

from fsw.ascent import orbit_in_reach
from fsw.control import control, inertia_at
from fsw.deadreckoning import reckon
from fsw.events import (
    EV_ABORTED,
    EV_BLIND_LET_DOWN,
    EV_CAP_OVERRIDE,
    EV_COMMAND_TAKEN,
    EV_CONTACT,
    EV_ENGINE_CUT,
    EV_IGNITION,
    EV_IMU_SILENT,
    EV_MISSED_TICKS,
    EV_MODE_CHANGED,
    EV_NOT_BEGUN,
    EV_PROPELLANT_LOW,
    EV_RANGE_POWER_CYCLED,
    EV_RESTARTED,
    EV_TELEMETRY_SHED,
    EV_THRUST_BACK,
    EV_THRUST_LOW,
    post_event,
)
from fsw.gravity import surface_gravity
from fsw.guidance import guide
from fsw.history import clear_history
from fsw.hypotheses import drop_dear_rival, heed_challenger, weigh
from fsw.kernel import kernel
from fsw.linear import add3, load3, load4, norm3
from fsw.messages import (
    ACK_ACCEPTED,
    ACK_TRIES_USED_UP,
    ACK_UNKNOWN,
    ACK_WRONG_MODE,
    CMD_ABORT,
    CMD_GO,
    CMD_RANGE_ENABLE,
    CMD_RANGE_INHIBIT,
    CMD_RANGE_POWER_CYCLE,
    RANGE_POWER_CYCLE,
)
from fsw.modes import (
    ABORT,
    APPROACH,
    BRAKING,
    COAST,
    CUE_ABORT,
    CUE_GO,
    CUE_IGNITION_POINT,
    CUE_NONE,
    CUE_PROPULSION_UNFIT,
    CUE_TOUCHDOWN,
    DESCENT,
    LANDED,
    NOT_BEGUN,
    STANDBY,
    TERMINAL,
    engine_may_run,
    next_mode,
)
from fsw.navigation import (
    begin_navigation,
    estimate_now,
    navigate,
    report_silence,
    take_exchange,
    take_nav_update,
    unproven_latency_s,
)
from fsw.propulsion import (
    TICK_S,
    begin_propulsion,
    propellant_left_kg,
    track_mass,
    track_thrust,
)
from fsw.rangecare import contradicts_flight
from fsw.restart import resume
from fsw.touchdown import ground_reached, legs_touching


def slot(divider: int, offset: int) -> tuple[int, int]:
    """A row of the slot table: runs when tick % divider == offset. Refuses one that never could."""
    if not (divider >= 1 and 0 <= offset < divider):
        raise ValueError(f"slot ({divider}, {offset}) can never run")
    return (divider, offset)


GUIDANCE_SLOT = slot(10, 3)
TELEMETRY_SLOT = slot(20, 7)


@kernel
def due(tick, row):
    """True when a slot of the table runs in this tick."""
    return tick % row[0] == row[1]


@kernel
def boot(state, params):
    """Bring a zeroed state to the beginning: standby, no estimate, empty rings."""
    core = state.core
    core.executive.mode = STANDBY
    core.executive.now_ns = -1
    core.control.thrust.scale = 1.0
    core.hypotheses.dropped_since_ns = -1
    clear_history(state.history)
    begin_navigation(core.navigation, params)
    begin_propulsion(core.propulsion, params.propulsion, params.vehicle)


@kernel
def step(state, params, inbox, outbox):
    """One tick of the flight software. All four are single records; outbox is written anew."""
    core = state.core
    executive = core.executive
    tick = int(executive.tick)
    _open_tick(executive, params.executive, inbox, outbox)
    _resume(state, inbox, outbox)
    quiet = _quiet(executive, params.executive)
    if int(inbox.has_clock) == 1:
        take_exchange(core.navigation, params, inbox.clock, int(inbox.now_ns), outbox)
    _take_update(core, state.history, params, inbox, outbox)
    _take_commands(core, params, inbox, outbox)
    pushed_mps2 = _pushed_mps2(core) if quiet == 0 else 0.0
    navigate(core.navigation, state.history, params, inbox, quiet, pushed_mps2, outbox)
    _dead_reckon(core, params, inbox, pushed_mps2)
    gained_mps = float(core.navigation.inertial.gained_mps)
    track_mass(core.propulsion, params.propulsion, params.vehicle, inbox, gained_mps, quiet)
    _renew_estimate(core, params, int(inbox.now_ns))
    _watch_inputs(core, params, inbox, outbox)
    _watch_ground(core, params, inbox, outbox)
    if due(tick, GUIDANCE_SLOT) and int(core.navigation.ready) == 1:
        _guide(core, params, int(inbox.now_ns), outbox)
    _act(core, params, outbox)
    if due(tick, TELEMETRY_SLOT) and int(executive.late_in_a_row) < int(
        params.executive.shed_after
    ):
        _report(core, params, outbox)
    _close_tick(core, int(inbox.now_ns), outbox)


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
    executive.late_in_a_row = min(int(executive.late_in_a_row) + 1, 255)
    post_event(outbox, EV_MISSED_TICKS, float(missed), float(executive.overruns))
    if int(executive.late_in_a_row) == int(params.shed_after):
        post_event(outbox, EV_TELEMETRY_SHED, float(executive.late_in_a_row), 0.0)


@kernel
def _resume(state, inbox, outbox):
    """Fly on from core when the computer has restarted."""
    if int(inbox.resumed) == 1:
        away_s = float(int(inbox.now_ns) - int(state.core.executive.now_ns)) * 1e-9
        resume(state)
        post_event(outbox, EV_RESTARTED, away_s, float(state.core.estimate.altitude_m))


@kernel
def _quiet(executive, params):
    """1 when neither engine nor thrusters can have acted during the latest increments."""
    engine_quiet = int(executive.engine_off_ticks) >= int(params.engine_off_ticks)
    if engine_quiet and int(executive.torque_off_ticks) >= int(params.torque_off_ticks):
        return 1
    return 0


@kernel
def _take_update(core, history, params, inbox, outbox):
    """An uplinked state is taken only where no force has acted since its epoch."""
    mode = int(core.executive.mode)
    if int(inbox.has_nav_update) == 1 and (mode == STANDBY or mode == COAST):
        update = inbox.nav_update
        take_nav_update(core.navigation, history, params, update, int(inbox.now_ns), outbox)


# --- modes and commands ------------------------------------------------------------------


@kernel
def _cue(core, cue, now_ns, outbox):
    """Give a cue to the mode machine; true when it moved."""
    before = int(core.executive.mode)
    after = next_mode(before, cue)
    if after < 0 or after == before:
        return False
    core.executive.mode = after
    core.executive.mode_since_ns = now_ns
    post_event(outbox, EV_MODE_CHANGED, float(after), float(before))
    estimate = core.estimate
    height = float(estimate.altitude_m)
    speed = float(estimate.v_down_mps)
    if after == BRAKING:
        post_event(outbox, EV_IGNITION, height, norm3(load3(estimate.v_BL_L_mps)))
    elif after == NOT_BEGUN:
        ready = float(int(core.propulsion.ready))
        post_event(outbox, EV_NOT_BEGUN, float(core.propulsion.mass_kg), ready)
    elif after == LANDED:
        post_event(outbox, EV_ENGINE_CUT, speed, height)
    elif after == ABORT:
        post_event(outbox, EV_ABORTED, height, -speed)
    return True


@kernel
def _take_commands(core, params, inbox, outbox):
    """Obey or refuse each command, and answer it."""
    for i in range(int(inbox.n_commands)):
        command = inbox.commands[i]
        result = _obey(core, params, int(command.code), int(inbox.now_ns), outbox)
        ack = outbox.acks[int(outbox.n_acks)]
        ack.seq = command.seq
        ack.code = command.code
        ack.result = result
        outbox.n_acks = int(outbox.n_acks) + 1
        core.executive.last_command_seq = command.seq
        post_event(outbox, EV_COMMAND_TAKEN, float(int(command.code)), float(result))


@kernel
def _obey(core, params, code, now_ns, outbox):
    """Carry out one command; returns the answer."""
    if code == CMD_GO:
        return ACK_ACCEPTED if _cue(core, CUE_GO, now_ns, outbox) else ACK_WRONG_MODE
    if code == CMD_ABORT:
        braking = int(core.executive.mode) == BRAKING
        if braking and not orbit_in_reach(params.moon, params.vehicle, core.estimate):
            return ACK_WRONG_MODE
        return ACK_ACCEPTED if _cue(core, CUE_ABORT, now_ns, outbox) else ACK_WRONG_MODE
    if code == CMD_RANGE_ENABLE:
        core.navigation.intake.inhibited = 0
        return ACK_ACCEPTED
    if code == CMD_RANGE_INHIBIT:
        core.navigation.intake.inhibited = 1
        return ACK_ACCEPTED
    if code == CMD_RANGE_POWER_CYCLE:
        return _power_cycle_range(core.executive, params.executive, now_ns, outbox)
    return ACK_UNKNOWN


@kernel
def _power_cycle_range(executive, params, now_ns, outbox):
    if int(executive.power_cycles) >= int(params.power_cycles_max):
        return ACK_TRIES_USED_UP
    executive.power_cycles = int(executive.power_cycles) + 1
    executive.cycled_ns = now_ns
    outbox.range_command.action = RANGE_POWER_CYCLE
    outbox.has_range_command = 1
    return ACK_ACCEPTED


# --- estimate, inputs, ground ------------------------------------------------------------


@kernel
def _renew_estimate(core, params, now_ns):
    """What guidance and control work from: the head, in the site's frame, and its worst case."""
    estimate = core.estimate
    if int(core.navigation.ready) == 0:
        return
    estimate_now(core.navigation, params, now_ns, estimate)
    estimate.mass_kg = core.propulsion.mass_kg
    trust = core.navigation.grid.trust
    unproven_s = unproven_latency_s(core.navigation, params.navigation, now_ns)
    fallen_m = max(float(estimate.v_down_mps), 0.0) * unproven_s
    terrain_m = float(core.navigation.head.terrain_m)
    weigh(core.hypotheses, params.descent, trust, terrain_m, fallen_m, estimate)
    heed_challenger(trust, params.navigation.trust, params.descent, terrain_m, fallen_m, estimate)


@kernel
def _pushed_mps2(core):
    """Specific force along z_B that the engine should give now."""
    thrust_N = float(core.propulsion.thrust_N) * float(core.control.thrust.scale)
    return thrust_N / float(core.propulsion.mass_kg)


@kernel
def _dead_reckon(core, params, inbox, pushed_mps2):
    """Count ticks without an increment; when they are many, the head flies on by what was told."""
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
        reckon(core.navigation, params.moon, int(inbox.now_ns), pushed_mps2, turn_B_radps2)


@kernel
def _watch_inputs(core, params, inbox, outbox):
    """Report silent and dead instruments and low propellant, once each time."""
    executive = core.executive
    if engine_may_run(int(executive.mode)):
        report_silence(core.navigation, params, int(inbox.now_ns), outbox)
        _care_for_range(core, params, int(inbox.now_ns), outbox)
    limit = int(params.executive.imu_silent_ticks)
    if int(executive.imu_missing_ticks) == limit and int(core.navigation.ready) == 1:
        post_event(outbox, EV_IMU_SILENT, float(limit) * TICK_S, 0.0)
    left = propellant_left_kg(core.propulsion, params.vehicle)
    low = left < float(params.propulsion.propellant_low_kg)
    if low and int(core.propulsion.low_reported) == 0 and engine_may_run(int(executive.mode)):
        core.propulsion.low_reported = 1
        rate = float(core.propulsion.mass_kg) * surface_gravity(params.moon, params.site)
        hover_s = left * float(params.vehicle.exhaust_mps) / max(rate, 1.0)
        post_event(outbox, EV_PROPELLANT_LOW, left, hover_s)


@kernel
def _care_for_range(core, params, now_ns, outbox):
    """Power-cycle a rangefinder that contradicts flight, while height and tries are left."""
    executive = core.executive
    care = params.range_care
    nav = core.navigation
    altitude_m = float(core.estimate.altitude_m)
    since_s = float(now_ns - int(executive.cycled_ns)) * 1e-9
    ready = int(executive.cycled_ns) == 0 or since_s > float(care.spacing_s)
    may = ready and altitude_m > float(care.lowest_m)
    may = may and int(executive.power_cycles) < int(care.tries_max)
    unusable = int(nav.intake.unusable_in_a_row)
    if may and contradicts_flight(care, nav.grid.trust, unusable, now_ns):
        _power_cycle_range(executive, params.executive, now_ns, outbox)
        post_event(outbox, EV_RANGE_POWER_CYCLED, float(executive.power_cycles), altitude_m)


@kernel
def _watch_ground(core, params, inbox, outbox):
    """Listen to the witnesses of touchdown; report the first contact."""
    touchdown = core.touchdown
    estimate = core.estimate
    reached = ground_reached(
        touchdown,
        params.touchdown,
        estimate,
        float(core.propulsion.thrust_N) * float(core.control.thrust.scale),
        surface_gravity(params.moon, params.site),
        int(core.executive.mode),
        inbox,
        TICK_S,
    )
    legs = legs_touching(int(touchdown.legs))
    if legs > 0 and int(touchdown.reported) == 0:
        touchdown.reported = 1
        post_event(outbox, EV_CONTACT, float(legs), float(estimate.v_down_mps))
    if reached:
        _cue(core, CUE_TOUCHDOWN, int(inbox.now_ns), outbox)


# --- guidance, control, telemetry --------------------------------------------------------


@kernel
def _guide(core, params, now_ns, outbox):
    """Run guidance and hand its cue to the mode machine."""
    executive = core.executive
    guidance = core.guidance
    dt_s = 0.1
    if int(executive.guided_ns) > 0:
        dt_s = min(float(now_ns - int(executive.guided_ns)) * 1e-9, 1.0)
    executive.guided_ns = now_ns
    drop_dear_rival(
        core.hypotheses,
        params.hypotheses,
        core.navigation.grid.trust,
        params.vehicle,
        float(core.estimate.mass_kg),
        surface_gravity(params.moon, params.site),
        float(core.estimate.altitude_m),
        outbox,
    )
    guide(
        guidance,
        params,
        core.estimate,
        int(executive.mode),
        float(core.control.thrust.scale),
        dt_s,
    )
    _report_thrust(core, outbox)
    _report_blindness(guidance, core.estimate, int(executive.mode), outbox)
    if int(guidance.assured) == 1 and int(executive.was_assured) == 0:
        before = float(guidance.u_before_mps2)
        post_event(outbox, EV_CAP_OVERRIDE, before, float(guidance.u_assured_mps2))
    executive.was_assured = guidance.assured
    cue = int(guidance.cue)
    if cue == CUE_IGNITION_POINT and not _fit(core, params):
        cue = CUE_PROPULSION_UNFIT
    if cue != CUE_NONE:
        _cue(core, cue, now_ns, outbox)


@kernel
def _report_thrust(core, outbox):
    """Say once when thrust is lost, and when it is back."""
    thrust = core.control.thrust
    if int(thrust.lost) == int(thrust.reported):
        return
    thrust.reported = thrust.lost
    code = EV_THRUST_LOW if int(thrust.lost) == 1 else EV_THRUST_BACK
    post_event(outbox, code, float(thrust.scale), float(core.control.throttle))


@kernel
def _report_blindness(guidance, estimate, mode, outbox):
    """Say once that the ground comes unseen."""
    low = mode == APPROACH or mode == DESCENT or mode == TERMINAL
    if low and int(guidance.blind) == 1 and int(guidance.blind_reported) == 0:
        guidance.blind_reported = 1
        floor = float(guidance.v_floor_mps)
        post_event(outbox, EV_BLIND_LET_DOWN, floor, float(estimate.altitude_m))


@kernel
def _fit(core, params):
    """True when accelerometers live and propulsion can carry a descent; silence is no refusal."""
    zeros = int(params.navigation.inertial.zero_samples)
    if zeros > 0 and int(core.navigation.inertial.zeros) >= zeros:
        return False
    propulsion = core.propulsion
    if int(propulsion.reported) == 0:
        return True
    least_kg = float(params.propulsion.mass_min_kg)
    return int(propulsion.ready) == 1 and float(propulsion.mass_kg) >= least_kg


@kernel
def _act(core, params, outbox):
    """Write the actuator command of this tick, and keep a copy of it in core."""
    executive = core.executive
    actuators = core.actuators
    if int(core.navigation.ready) == 1:
        control(
            core.control,
            params.control,
            params.vehicle,
            core.estimate,
            core.guidance,
            int(executive.mode),
            actuators,
            TICK_S,
        )
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
def _report(core, params, outbox):
    """Fill the telemetry record."""
    t = outbox.telemetry
    estimate = core.estimate
    guidance = core.guidance
    r = load3(estimate.r_BL_L_m)
    v = load3(estimate.v_BL_L_mps)
    q = load4(estimate.q_LB)
    for i in range(3):
        t.r_BL_L_m[i] = r[i]
        t.v_BL_L_mps[i] = v[i]
    for i in range(4):
        t.q_LB[i] = q[i]
    t.altitude_m = estimate.altitude_m
    t.altitude_lo_m = estimate.altitude_lo_m
    t.sigma_altitude_m = estimate.sigma_altitude_m
    t.v_cap_mps = guidance.v_cap_mps
    t.stopping_margin_m = guidance.stopping_margin_m
    t.throttle = core.actuators.throttle
    t.mass_kg = estimate.mass_kg
    t.propellant_kg = propellant_left_kg(core.propulsion, params.vehicle)
    t.t_go_s = guidance.t_go_s
    t.range_age_s = estimate.range_age_s
    for i in range(len(t.range_verdicts)):
        t.range_verdicts[i] = core.navigation.intake.verdicts[i]
    t.tick = core.executive.tick
    t.overruns = core.executive.overruns
    t.mode = core.executive.mode
    t.range_state = core.navigation.grid.trust.locked
    if int(core.navigation.silent) == 1:
        t.range_state = 2
    outbox.has_telemetry = 1


@kernel
def _close_tick(core, now_ns, outbox):
    """Stamp and count everything that leaves, and move on to the next tick."""
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
