"""Guidance at 10 Hz: which way to push, how hard, and when the phase is over.

Coast holds the attitude and waits for the ignition point; braking flies to the gate; approach
and descent share one law, vertical speed by the stopping distance and horizontal speed by the
same curve laid flat, and differ in how far they may lean; terminal stands upright and only
damps. Whatever comes out is limited here: lean, turn rate of the thrust direction, thrust.
Nothing integrates, so nothing winds up.
"""

from math import sqrt

from fsw.braking import first_guess, steer
from fsw.descent import (
    assured_thrust,
    descent_accel,
    descent_speed,
    stoppable_speed,
    stopping_height,
    stopping_margin,
    usable_decel,
    v_cap,
)
from fsw.elementary import log, sin_cos
from fsw.frames import DEG
from fsw.kernel import kernel
from fsw.linear import (
    add3,
    add_scaled3,
    clamp,
    dot3,
    load3,
    load4,
    norm3,
    rotate,
    scale3,
    store3,
    sub3,
    unit3,
)
from fsw.modes import (
    ABORT,
    APPROACH,
    BRAKING,
    COAST,
    CUE_AT_GATE,
    CUE_HIGH,
    CUE_IGNITION_POINT,
    CUE_LOW,
    CUE_NAMES,
    CUE_NEAR_GATE,
    CUE_NONE,
    DESCENT,
    TERMINAL,
)
from fsw.record import f64, record, u8

GUIDANCE_PARAMS = record(
    "GuidanceParams",
    "Braking to the gate, leaning in approach and descent, climbing out.",
    ignition_range_m=f64(
        "distance to the site below which ignition is considered", default=700e3, lo=1e5, hi=1.5e6
    ),
    ignition_throttle=f64("even throttle at which braking begins", default=0.94, lo=0.5, hi=1.0),
    throttle_ceiling=f64(
        "throttle above which the downrange is given up", default=0.995, lo=0.5, hi=1.0
    ),
    gate_height_m=f64("height of the gate, where braking ends", default=3900.0, lo=500.0, hi=20e3),
    gate_short_m=f64("how far the gate stands before the site", default=250.0, lo=0.0, hi=20e3),
    gate_forward_mps=f64("speed towards the site at the gate", default=20.0, lo=0.0, hi=200.0),
    gate_down_mps=f64("descent rate at the gate", default=75.0, lo=0.0, hi=200.0),
    freeze_s=f64("time to go below which it is only counted down", default=8.0, lo=1.0, hi=60.0),
    hold_s=f64("time to go below which the thrust vector is held", default=3.0, lo=0.2, hi=30.0),
    lean_approach_deg=f64("greatest lean in approach", default=50.0, lo=1.0, hi=70.0),
    lean_descent_deg=f64("greatest lean in descent", default=12.0, lo=1.0, hi=45.0),
    lean_terminal_deg=f64("greatest lean in terminal", default=4.0, lo=0.5, hi=15.0),
    decel_approach_mps2=f64(
        "horizontal deceleration planned in approach", default=1.0, lo=0.1, hi=5.0
    ),
    decel_descent_mps2=f64(
        "horizontal deceleration planned in descent", default=0.2, lo=0.02, hi=2.0
    ),
    tau_place_s=f64(
        "time constant of the horizontal position loop", default=10.0, lo=2.0, hi=100.0
    ),
    tau_drift_s=f64("time constant of the horizontal velocity loop", default=4.0, lo=1.0, hi=30.0),
    drift_per_height_ps=f64(
        "horizontal speed allowed per height above the upright height",
        default=0.015,
        lo=0.0,
        hi=1.0,
    ),
    drift_max_mps=f64("horizontal speed allowed towards the site", default=12.0, lo=0.0, hi=100.0),
    upright_height_m=f64(
        "height below which drift is damped and the site no longer sought",
        default=12.0,
        lo=0.0,
        hi=200.0,
    ),
    settled_mps=f64("horizontal speed at which approach ends", default=4.0, lo=0.5, hi=50.0),
    turn_degps=f64("greatest turn rate of the thrust direction", default=4.0, lo=0.2, hi=20.0),
    abort_height_m=f64("height to which an abort climbs", default=20e3, lo=5e3, hi=200e3),
    abort_climb_mps=f64("greatest climb rate in an abort", default=60.0, lo=1.0, hi=500.0),
    abort_surplus_mps=f64(
        "speed above circular at which an abort cuts the engine", default=15.0, lo=0.0, hi=200.0
    ),
)

GUIDANCE = record(
    "Guidance",
    "What guidance wants now, and what it remembers from one run to the next.",
    a_cmd_L_mps2=f64("thrust acceleration wanted", 3),
    thrust_dir_L=f64("where body z shall point; zero until guidance has run", 3),
    side_L=f64("where body y shall point, as far as body z allows", 3),
    downrange_L=f64("horizontal unit vector towards the site, kept from 20 km on", 3),
    accel_mps2=f64("thrust acceleration wanted along body z"),
    throttle=f64("the same as a share of full thrust, before lag compensation"),
    t_go_s=f64("time to the gate; 0 when not braking"),
    even_throttle=f64("throttle that even braking would need from here; 0 out of range"),
    v_cmd_mps=f64("descent rate wanted"),
    v_cap_mps=f64("greatest descent rate that could still be stopped"),
    stopping_margin_m=f64("height left after a stop to touchdown speed that begins now"),
    a_d_mps2=f64("deceleration that the stopping-distance law counts on"),
    u_before_mps2=f64("upward thrust acceleration before runtime assurance"),
    u_assured_mps2=f64("upward thrust acceleration after runtime assurance"),
    cue=u8("cue to the mode machine", codes=CUE_NAMES),
    short=u8("1 while full thrust is too little to hold the downrange"),
    assured=u8("1 while runtime assurance raises the thrust"),
    engine_cut=u8("1 when the engine has done its work"),
    spare=u8("zero", 4),
)
FAR_M = 20e3
# shortest time to go for which the braking equations are well conditioned
T_GO_MIN_S = 0.5
# what is left of it at the gate: 0 would mean that it is not known
T_GO_END_S = 1e-3


@kernel
def guide(guidance, params, descent, moon, site, vehicle, estimate, mode, thrust_scale, dt_s):
    """One run of guidance, dt_s after the last; thrust_scale is true over commanded thrust."""
    guidance.cue = CUE_NONE
    guidance.assured = 0
    accel_max = _accel_max(vehicle, estimate, thrust_scale)
    _hold_attitude_at_first(guidance, estimate)
    _watch_the_stop(guidance, descent, moon, site, estimate, accel_max)
    if mode == COAST or mode == BRAKING:
        _brake(guidance, params, moon, site, vehicle, estimate, mode, accel_max, dt_s)
    elif mode == APPROACH or mode == DESCENT or mode == TERMINAL:
        _descend(guidance, params, descent, moon, site, vehicle, estimate, mode, accel_max, dt_s)
    elif mode == ABORT:
        _climb_out(guidance, params, moon, vehicle, estimate, accel_max, dt_s)
    else:
        _push(guidance, (0.0, 0.0, 0.0), 0.0, accel_max)


@kernel
def orbit_in_reach(moon, vehicle, estimate):
    """True while the propellant left still reaches orbit, 15 % of it lost to gravity."""
    mass_kg = max(float(estimate.mass_kg), float(vehicle.dry_mass_kg))
    budget = float(vehicle.exhaust_mps) * log(mass_kg / float(vehicle.dry_mass_kg))
    circular = sqrt(float(moon.gm_m3ps2) / float(moon.radius_m))
    return 0.85 * budget > circular - _forward_speed(estimate)


@kernel
def _accel_max(vehicle, estimate, thrust_scale):
    mass_kg = max(float(estimate.mass_kg), 0.5 * float(vehicle.dry_mass_kg))
    return float(vehicle.thrust_max_N) * thrust_scale / mass_kg


@kernel
def surface_gravity(moon, site):
    """Gravity at the site [m/s^2]."""
    r_m = float(moon.radius_m) + float(site.height_m)
    return float(moon.gm_m3ps2) / (r_m * r_m)


@kernel
def _hold_attitude_at_first(guidance, estimate):
    if norm3(load3(guidance.thrust_dir_L)) < 0.5:
        q_LB = load4(estimate.q_LB)
        store3(guidance.thrust_dir_L, unit3(rotate(q_LB, (0.0, 0.0, 1.0))))
        store3(guidance.side_L, rotate(q_LB, (0.0, 1.0, 0.0)))


@kernel
def _watch_the_stop(guidance, descent, moon, site, estimate, accel_max):
    h_lo = float(estimate.altitude_lo_m)
    a_d = usable_decel(descent, accel_max, surface_gravity(moon, site))
    h_stop = stopping_height(descent, h_lo, a_d)
    v = float(estimate.v_down_mps)
    guidance.a_d_mps2 = a_d
    guidance.v_cap_mps = v_cap(descent, h_lo, a_d)
    guidance.stopping_margin_m = stopping_margin(h_stop, v, a_d, float(descent.t_d_s))


@kernel
def _push(guidance, a_L, along_z, accel_max):
    store3(guidance.a_cmd_L_mps2, a_L)
    guidance.accel_mps2 = along_z
    guidance.throttle = clamp(along_z / accel_max, 0.0, 1.0)


@kernel
def _turn_towards(guidance, params, wanted, dt_s):
    """Turn the thrust direction towards a unit vector, no faster than the turn rate."""
    now = load3(guidance.thrust_dir_L)
    step = float(params.turn_degps) * DEG * dt_s
    ahead = dot3(now, wanted)
    if norm3(wanted) > 0.5 and ahead < 1.0 - 0.5 * step * step:
        across = add_scaled3(wanted, now, -ahead)
        if norm3(across) < 1e-6:
            across = load3(guidance.side_L)
        wanted = add_scaled3(now, unit3(across), step)
    if norm3(wanted) > 0.5:
        store3(guidance.thrust_dir_L, unit3(wanted))


# --- coast and braking -------------------------------------------------------------------


@kernel
def _gate(guidance, params):
    """(position, velocity) of the gate, on the way to the site."""
    d = load3(guidance.downrange_L)
    up = (0.0, 0.0, 1.0)
    place = scale3(d, -float(params.gate_short_m))
    speed = scale3(d, float(params.gate_forward_mps))
    return (
        add_scaled3(place, up, float(params.gate_height_m)),
        add_scaled3(speed, up, -float(params.gate_down_mps)),
    )


@kernel
def _face_the_site(guidance, estimate):
    """Keep the direction to the site, and body y across it: pitching up then needs no roll."""
    way = (-float(estimate.r_BL_L_m[0]), -float(estimate.r_BL_L_m[1]), 0.0)
    kept = load3(guidance.downrange_L)
    if norm3(kept) < 0.5:
        store3(guidance.downrange_L, (1.0, 0.0, 0.0) if norm3(way) < FAR_M else unit3(way))
    elif dot3(way, kept) > FAR_M:
        store3(guidance.downrange_L, unit3(way))
    d = load3(guidance.downrange_L)
    store3(guidance.side_L, (d[1], -d[0], 0.0))


@kernel
def _brake(guidance, params, moon, site, vehicle, estimate, mode, accel_max, dt_s):
    r = load3(estimate.r_BL_L_m)
    if mode == COAST and norm3(r) > float(params.ignition_range_m):
        guidance.t_go_s = 0.0
        guidance.even_throttle = 0.0
        _push(guidance, (0.0, 0.0, 0.0), 0.0, accel_max)
        return
    t_go = float(guidance.t_go_s) - dt_s
    unsolved = float(guidance.t_go_s) <= 0.0
    if mode == COAST or unsolved or t_go > float(params.hold_s):
        _aim(guidance, params, moon, site, vehicle, estimate, t_go, accel_max)
    else:
        guidance.t_go_s = max(t_go, T_GO_END_S)
    a_L = load3(guidance.a_cmd_L_mps2)
    _push(guidance, a_L, min(norm3(a_L), accel_max), accel_max)
    _turn_towards(guidance, params, unit3(a_L), dt_s)
    if mode == COAST:
        ready = float(guidance.even_throttle) >= float(params.ignition_throttle)
        approaching = dot3(load3(estimate.v_BL_L_mps), load3(guidance.downrange_L)) > 0.0
        if ready and approaching:
            guidance.cue = CUE_IGNITION_POINT
        return
    if float(estimate.altitude_lo_m) < 0.0:
        guidance.cue = CUE_LOW
    if float(guidance.t_go_s) < T_GO_MIN_S:
        guidance.cue = CUE_NEAR_GATE


@kernel
def _aim(guidance, params, moon, site, vehicle, estimate, t_go, accel_max):
    _face_the_site(guidance, estimate)
    gate = _gate(guidance, params)
    nominal = float(params.ignition_throttle) * accel_max
    tau_s = float(vehicle.exhaust_mps) / nominal
    steps = 1
    if float(guidance.t_go_s) <= 0.0:
        t_go = first_guess((load3(estimate.r_BL_L_m), load3(estimate.v_BL_L_mps)), gate)
        steps = 3
    elif t_go < float(params.freeze_s):
        steps = 0
    limit = float(params.throttle_ceiling) * accel_max
    ahead_L = load3(guidance.downrange_L)
    last = (t_go, float(guidance.short))
    t_go, a_L, mean, short = steer(moon, site, estimate, gate, ahead_L, last, tau_s, limit, steps)
    guidance.t_go_s = max(t_go, T_GO_MIN_S)
    guidance.even_throttle = mean / accel_max
    guidance.short = 1 if short > 0.0 else 0
    store3(guidance.a_cmd_L_mps2, a_L)


# --- approach, descent, terminal ---------------------------------------------------------


@kernel
def _lean_tangent(params, mode):
    lean_deg = float(params.lean_descent_deg)
    if mode == APPROACH:
        lean_deg = float(params.lean_approach_deg)
    elif mode == TERMINAL:
        lean_deg = float(params.lean_terminal_deg)
    s, c = sin_cos(lean_deg * DEG)
    return s / c


@kernel
def _shed_speed(params, place, drift):
    """Approach: horizontal acceleration against the drift, to stop above the site.

    The deceleration that stops there, within 0.3 and 1.3 times the planned one, and fading with
    the speed at the end, so that the vehicle is upright when it stops. It never pushes towards
    the site: what is missing then, the descent makes up for gently.
    """
    planned = float(params.decel_approach_mps2)
    speed = norm3(drift)
    needed = 0.5 * speed * speed / max(norm3(place), 1.0)
    if dot3(place, drift) > 0.0:
        needed = 1.3 * planned
    decel = clamp(needed, 0.3 * planned, 1.3 * planned)
    decel = min(decel, speed / float(params.tau_drift_s))
    return scale3(unit3(drift), -decel)


@kernel
def _home_in(params, place, drift, h_lo_m):
    """Descent: horizontal acceleration that ends above the site; low down, only at rest.

    The speed towards the site follows the stopping curve, with the position loop's time
    constant as its delay; it shrinks with height, so that the last metres are upright.
    """
    decel = float(params.decel_descent_mps2)
    spare_m = h_lo_m - float(params.upright_height_m)
    fastest = float(params.drift_per_height_ps) * max(spare_m, 0.0)
    way_m = norm3(place)
    towards = scale3(place, -1.0 / max(way_m, 1.0))
    stop = stoppable_speed(way_m, decel, float(params.tau_place_s))
    fastest = min(fastest, float(params.drift_max_mps))
    wanted = scale3(towards, min(stop, fastest))
    return scale3(sub3(wanted, drift), 1.0 / float(params.tau_drift_s))


@kernel
def _climb_or_fall(guidance, params, descent, moon, site, vehicle, estimate, mode, accel_max):
    """Upward thrust acceleration under the stopping-distance law, within the engine's reach."""
    g = surface_gravity(moon, site)
    h_lo = float(estimate.altitude_lo_m)
    v = float(estimate.v_down_mps)
    a_d = float(guidance.a_d_mps2)
    limit = float(descent.v_descent_mps)
    if mode == APPROACH:
        limit = float(descent.v_approach_mps)
    elif mode == TERMINAL:
        limit = float(descent.v_touchdown_mps)
    u = descent_accel(descent, v, limit, h_lo, a_d, g)
    assured = assured_thrust(descent, u, v, h_lo, a_d, g)
    guidance.v_cmd_mps = descent_speed(descent, limit, h_lo, a_d)
    guidance.u_before_mps2 = u
    guidance.u_assured_mps2 = assured
    guidance.assured = 1 if assured > u else 0
    most = min(accel_max, g + float(descent.decel_max_mps2))
    return clamp(assured, float(vehicle.throttle_min) * accel_max, most)


@kernel
def _descend(guidance, params, descent, moon, site, vehicle, estimate, mode, accel_max, dt_s):
    guidance.t_go_s = 0.0
    up = load3(estimate.up_L)
    r = load3(estimate.r_BL_L_m)
    v = load3(estimate.v_BL_L_mps)
    drift = add_scaled3(v, up, -dot3(v, up))
    place = add_scaled3(r, up, -dot3(r, up))
    h_lo = float(estimate.altitude_lo_m)
    u = _climb_or_fall(guidance, params, descent, moon, site, vehicle, estimate, mode, accel_max)
    if mode == APPROACH:
        a_h = _shed_speed(params, place, drift)
    else:
        a_h = _home_in(params, place, drift, h_lo)
    spare = sqrt(max(accel_max * accel_max - u * u, 0.0))
    reach = min(u * _lean_tangent(params, mode), spare)
    a_h = scale3(a_h, min(1.0, reach / max(norm3(a_h), 1e-9)))
    a_L = add_scaled3(a_h, up, u)
    _turn_towards(guidance, params, unit3(a_L), dt_s)
    upright = dot3(rotate(load4(estimate.q_LB), (0.0, 0.0, 1.0)), up)
    _push(guidance, a_L, min(u / max(upright, 0.5), accel_max), accel_max)
    _cue_descent(guidance, params, descent, mode, norm3(drift), h_lo)


@kernel
def _cue_descent(guidance, params, descent, mode, drift_mps, h_lo_m):
    terminal_m = float(descent.terminal_height_m)
    if mode == APPROACH and drift_mps < float(params.settled_mps):
        guidance.cue = CUE_AT_GATE
    if mode == TERMINAL and h_lo_m > 2.0 * terminal_m:
        guidance.cue = CUE_HIGH
    if mode != TERMINAL and h_lo_m < terminal_m:
        guidance.cue = CUE_LOW


# --- abort -------------------------------------------------------------------------------


@kernel
def _forward_speed(estimate):
    up = load3(estimate.up_L)
    v = load3(estimate.v_BL_L_mps)
    return norm3(add_scaled3(v, up, -dot3(v, up)))


@kernel
def _climb_out(guidance, params, moon, vehicle, estimate, accel_max, dt_s):
    """Full thrust: upwards what the climb needs, the rest along the motion, until in orbit."""
    guidance.t_go_s = 0.0
    up = load3(estimate.up_L)
    v = load3(estimate.v_BL_L_mps)
    forward = _forward_speed(estimate)
    radius_m = float(moon.radius_m) + max(float(estimate.altitude_m), 0.0)
    g = float(moon.gm_m3ps2) / (radius_m * radius_m)
    height_left = float(params.abort_height_m) - float(estimate.altitude_m)
    climb = clamp(height_left / 60.0, 0.0, float(params.abort_climb_mps))
    lift = g - forward * forward / radius_m + (climb + float(estimate.v_down_mps)) / 8.0
    lift = clamp(lift, 0.0, 0.95 * accel_max)
    ahead = unit3(add_scaled3(v, up, -dot3(v, up)))
    a_L = add3(scale3(up, lift), scale3(ahead, sqrt(accel_max * accel_max - lift * lift)))
    if forward > sqrt(g * radius_m) + float(params.abort_surplus_mps):
        guidance.engine_cut = 1
    if int(guidance.engine_cut) == 1:
        _push(guidance, (0.0, 0.0, 0.0), 0.0, accel_max)
        return
    _turn_towards(guidance, params, unit3(a_L), dt_s)
    _push(guidance, a_L, accel_max, accel_max)
