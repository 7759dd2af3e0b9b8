"""Coast and braking: hold the attitude, wait for the ignition point, fly to the gate.

The gate is where the stopping-distance law requires braking to end: at its own height, or higher
by the uncertainty of the altitude, so that the descent rate at the gate can still be stopped above
the lowest ground that cannot be ruled out. It moves no faster than braking can follow; uncertainty
that appears late is left to the descent. Where that does not suffice, because the ground rises on
the way, runtime assurance turns as much thrust upwards as the law needs, and the rest still brakes.
A gate out of reach is given up: approach sheds the remaining speed.
"""

from math import sqrt

from fsw.framework.kernel import kernel
from fsw.guidance.braking_law import T_GO_MAX_S, Aim, State, first_guess, steer
from fsw.guidance.stopping_distance import Fall, assured_thrust
from fsw.guidance.thrust_vector import TINY_MPS2, command_thrust, turn_towards
from fsw.interface.modes import Cue, Mode
from fsw.mathlib.vectors import add_scaled3, clamp, dot3, load3, norm3, scale3, store3, unit3
from fsw.models.gravity import surface_gravity

# distance to the site up to which its direction is updated: nearer, cross-range would swing it
FAR_M = 20e3

# shortest time to go for which the braking equations are well conditioned
T_GO_MIN_S = 0.5

# time to go kept at the gate: 0 means that it is not known
T_GO_END_S = 1e-3

# commanded over available thrust beyond which the gate is out of reach
OUT_OF_REACH = 1.3

# Newton steps for the time to go: from a first guess it converges to 2 %, then one a run keeps it
STEPS_AT_FIRST = 3


@kernel
def gate_height(params, estimate):
    """Height of the gate above the site that the present uncertainty requires [m]."""
    uncertain_m = float(estimate.altitude_m) - float(estimate.altitude_lo_m)
    clear_m = uncertain_m + float(params.gate_clear_m)
    return clamp(clear_m, float(params.gate_height_m), float(params.gate_highest_m))


@kernel
def _move_gate(guidance, params, estimate, mode, t_go, dt_s):
    """Move the gate to the height required: at once in coast, limited by time to go in braking."""
    wanted = gate_height(params, estimate)
    kept = float(guidance.gate_m)
    step = float(params.gate_shift_mps2) * max(t_go, 0.0) * dt_s
    if mode == Mode.COAST or kept <= 0.0:
        guidance.gate_m = wanted
    else:
        guidance.gate_m = kept + clamp(wanted - kept, -step, step)


@kernel
def _gate(guidance, params):
    """Position and velocity of the gate, before the site."""
    d = load3(guidance.downrange_L)
    up = (0.0, 0.0, 1.0)
    place = scale3(d, -float(params.gate_short_m))
    speed = scale3(d, float(params.gate_forward_mps))
    return State(
        add_scaled3(place, up, float(guidance.gate_m)),
        add_scaled3(speed, up, -float(params.gate_down_mps)),
    )


@kernel
def _point_downrange(guidance, estimate):
    """Keep the direction to the site, and body y across it: pitching up then needs no roll."""
    to_site = (-float(estimate.r_BL_L_m[0]), -float(estimate.r_BL_L_m[1]), 0.0)
    kept = load3(guidance.downrange_L)
    if norm3(kept) < 0.5:
        store3(guidance.downrange_L, (1.0, 0.0, 0.0) if norm3(to_site) < FAR_M else unit3(to_site))
    elif dot3(to_site, kept) > FAR_M:
        store3(guidance.downrange_L, unit3(to_site))
    d = load3(guidance.downrange_L)
    store3(guidance.side_L, (d[1], -d[0], 0.0))


@kernel
def brake(guidance, params, estimate, mode, accel_max, dt_s):
    """One run in coast or braking."""
    limits = params.guidance
    r = load3(estimate.r_BL_L_m)
    if mode == Mode.COAST and norm3(r) > float(limits.ignition_range_m):
        guidance.t_go_s = 0.0
        guidance.even_throttle = 0.0
        command_thrust(guidance, (0.0, 0.0, 0.0), 0.0, accel_max)
        return
    t_go = float(guidance.t_go_s) - dt_s
    unsolved = float(guidance.t_go_s) <= 0.0
    _move_gate(guidance, limits, estimate, mode, t_go, dt_s)
    if mode == Mode.COAST or unsolved or t_go > float(limits.hold_s):
        _solve(guidance, params, estimate, t_go, accel_max)
    else:
        guidance.t_go_s = max(t_go, T_GO_END_S)
    a_L = load3(guidance.a_brake_L_mps2)
    if mode == Mode.COAST:
        _cue_ignition(guidance, limits, estimate)
    else:
        a_L = _assure(guidance, params, estimate, a_L, accel_max)
        _cue_gate(guidance, limits, estimate, accel_max)
    command_thrust(guidance, a_L, min(norm3(a_L), accel_max), accel_max)
    turn_towards(guidance, limits, unit3(a_L), dt_s)


@kernel
def _solve(guidance, params, estimate, t_go, accel_max):
    """Solve the braking equations for time to go, throttle and thrust acceleration."""
    limits = params.guidance
    _point_downrange(guidance, estimate)
    gate = _gate(guidance, limits)
    nominal = float(limits.ignition_throttle) * accel_max
    tau_s = float(params.vehicle.exhaust_mps) / nominal
    steps = 1
    if float(guidance.t_go_s) <= 0.0:
        t_go = first_guess(State(load3(estimate.r_BL_L_m), load3(estimate.v_BL_L_mps)), gate)
        steps = STEPS_AT_FIRST
    elif t_go < float(limits.freeze_s):
        steps = 0
    limit = float(limits.throttle_ceiling) * accel_max
    aim = Aim(gate, load3(guidance.downrange_L), tau_s, limit)
    last = (t_go, float(guidance.short))
    t_go, a_L, mean, short = steer(params, estimate, aim, last, steps)
    guidance.t_go_s = clamp(t_go, T_GO_MIN_S, T_GO_MAX_S)
    guidance.even_throttle = mean / accel_max
    guidance.short = 1 if short > 0.0 else 0
    store3(guidance.a_brake_L_mps2, a_L)


@kernel
def _assure(guidance, params, estimate, a_L, accel_max):
    """Runtime assurance in braking: vertical thrust first, then horizontal towards the gate.

    At speed over a round Moon the ground falls away: v^2/r of gravity needs no thrust.
    """
    up = load3(estimate.up_L)
    v = load3(estimate.v_BL_L_mps)
    level = add_scaled3(v, up, -dot3(v, up))
    r_m = float(params.moon.radius_m)
    g = surface_gravity(params.moon, params.site) - dot3(level, level) / r_m
    level_L = add_scaled3(a_L, up, -dot3(a_L, up))
    # a gate above and behind requires thrust downwards: gravity is enough
    u = max(dot3(a_L, up), 0.0)
    fall = Fall(
        float(estimate.v_down_mps), float(estimate.altitude_lo_m), float(guidance.a_d_mps2), g
    )
    assured = assured_thrust(params.descent, fall, u, float(guidance.v_floor_mps))
    guidance.v_cmd_mps = guidance.v_cap_mps
    guidance.u_before_mps2 = u
    guidance.u_assured_mps2 = assured
    if assured <= u:
        return add_scaled3(level_L, up, u)
    guidance.assured = 1
    u = min(assured, accel_max)
    most = sqrt(max(accel_max * accel_max - u * u, 0.0))
    level_L = scale3(level_L, min(1.0, most / max(norm3(level_L), TINY_MPS2)))
    return add_scaled3(level_L, up, u)


@kernel
def _cue_ignition(guidance, params, estimate):
    """Give the ignition cue where even braking needs the ignition throttle."""
    ready = float(guidance.even_throttle) >= float(params.ignition_throttle)
    approaching = dot3(load3(estimate.v_BL_L_mps), load3(guidance.downrange_L)) > 0.0
    if ready and approaching:
        guidance.cue = Cue.IGNITION_POINT


@kernel
def _cue_gate(guidance, params, estimate, accel_max):
    """Give the cue at the gate, or where the gate is out of reach."""
    v = load3(estimate.v_BL_L_mps)
    up = load3(estimate.up_L)
    drift = norm3(add_scaled3(v, up, -dot3(v, up)))
    lost = norm3(load3(guidance.a_brake_L_mps2)) > OUT_OF_REACH * accel_max
    if (lost or int(guidance.assured) == 1) and drift < float(params.give_up_mps):
        guidance.cue = Cue.NEAR_GATE
    # slower than at the gate: further braking would fly back to a gate that was missed
    ahead_mps = dot3(v, load3(guidance.downrange_L))
    if float(guidance.t_go_s) < T_GO_MIN_S or ahead_mps < float(params.gate_forward_mps):
        guidance.cue = Cue.NEAR_GATE
