"""Approach, descent, terminal: one vertical law, and three ways to lean.

Vertical speed follows the stopping-distance law on the lowest altitude that cannot be ruled out,
no slower than fsw.guidance.blind_descent allows; horizontal speed follows the same curve laid flat.
Approach sheds what the gate has left, descent seeks the site, terminal stands upright and only
damps.
"""

from math import sqrt

from fsw.framework.kernel import kernel
from fsw.guidance.stopping_distance import assured_thrust, stoppable_speed, wanted_descent
from fsw.guidance.thrust_vector import push, turn_towards
from fsw.interface.modes import Cue, Mode
from fsw.mathlib.elementary import sin_cos
from fsw.mathlib.frames import DEG
from fsw.mathlib.vectors import (
    add_scaled3,
    clamp,
    dot3,
    load3,
    load4,
    norm3,
    rotate,
    scale3,
    sub3,
    unit3,
)
from fsw.models.gravity import surface_gravity

# cosine of the greatest lean against which thrust makes up for the height that it costs
LEAST_UPRIGHT = 0.5


@kernel
def descend(guidance, params, estimate, mode, accel_max, dt_s):
    """One run in approach, descent or terminal."""
    own = params.guidance
    guidance.t_go_s = 0.0
    up = load3(estimate.up_L)
    r = load3(estimate.r_BL_L_m)
    v = load3(estimate.v_BL_L_mps)
    drift = add_scaled3(v, up, -dot3(v, up))
    place = add_scaled3(r, up, -dot3(r, up))
    h_lo = float(estimate.altitude_lo_m)
    u = _climb_or_fall(guidance, params, estimate, mode, norm3(drift), accel_max)
    if mode == Mode.APPROACH:
        a_h = _shed_speed(own, place, drift)
    else:
        a_h = _home_in(own, place, drift, h_lo)
    spare = sqrt(max(accel_max * accel_max - u * u, 0.0))
    reach = min(u * _lean_tangent(own, mode), spare)
    a_h = scale3(a_h, min(1.0, reach / max(norm3(a_h), 1e-9)))
    a_L = add_scaled3(a_h, up, u)
    turn_towards(guidance, own, unit3(a_L), dt_s)
    upright = dot3(rotate(load4(estimate.q_LB), (0.0, 0.0, 1.0)), up)
    # while it leans further than any mode asks for, thrust would carry it off
    lift = u / max(upright, LEAST_UPRIGHT) * clamp(upright / LEAST_UPRIGHT, 0.0, 1.0)
    push(guidance, a_L, min(lift, accel_max), accel_max)
    _cue_descent(guidance, params, mode, norm3(drift), h_lo)


@kernel
def _climb_or_fall(guidance, params, estimate, mode, drift_mps, accel_max):
    """Upward thrust acceleration under the stopping-distance law, within the engine's reach.

    Approach also goes no faster than leaves it time to shed the drift above its last height.
    """
    descent = params.descent
    g = surface_gravity(params.moon, params.site)
    h_lo = float(estimate.altitude_lo_m)
    v = float(estimate.v_down_mps)
    a_d = float(guidance.a_d_mps2)
    floor = (float(guidance.v_floor_mps), float(guidance.a_floor_mps2))
    limit = float(descent.v_descent_mps)
    if mode == Mode.APPROACH:
        shed_s = max(drift_mps, 1.0) / float(params.guidance.decel_approach_mps2)
        room_m = max(h_lo - float(params.guidance.shed_above_m), 0.0)
        limit = max(room_m / shed_s, float(descent.v_touchdown_mps))
        limit = min(float(descent.v_approach_mps), limit)
    elif mode == Mode.TERMINAL:
        limit = floor[0]
    v_cmd, a_ff = wanted_descent(descent, v, limit, h_lo, a_d, floor)
    u = g + a_ff + (v - v_cmd) / float(descent.tau_v_s)
    assured = assured_thrust(descent, u, v, h_lo, a_d, g, floor[0])
    guidance.v_cmd_mps = v_cmd
    guidance.u_before_mps2 = u
    guidance.u_assured_mps2 = assured
    guidance.assured = 1 if assured > u else 0
    most = min(accel_max, g + float(descent.decel_max_mps2))
    return clamp(assured, float(params.vehicle.throttle_min) * accel_max, most)


@kernel
def _lean_tangent(own, mode):
    lean_deg = float(own.lean_descent_deg)
    if mode == Mode.APPROACH:
        lean_deg = float(own.lean_approach_deg)
    elif mode == Mode.TERMINAL:
        lean_deg = float(own.lean_terminal_deg)
    s, c = sin_cos(lean_deg * DEG)
    return s / c


@kernel
def _shed_speed(own, place, drift):
    """Approach: horizontal acceleration against the drift, to stop above the site.

    The deceleration that stops there, within 0.3 and 1.3 times the planned one, more when there is
    much to shed, and fading with the speed at the end, so that the vehicle is upright when it
    stops. It never pushes towards the site: what is missing then, the descent makes up for gently.
    """
    planned = float(own.decel_approach_mps2)
    speed = norm3(drift)
    most = max(1.3 * planned, speed / float(own.shed_s))
    needed = 0.5 * speed * speed / max(norm3(place), 1.0)
    if dot3(place, drift) > 0.0:
        needed = most
    decel = clamp(needed, 0.3 * planned, most)
    decel = min(decel, speed / float(own.tau_drift_s))
    return scale3(unit3(drift), -decel)


@kernel
def _home_in(own, place, drift, h_lo_m):
    """Descent: horizontal acceleration that ends above the site; low down, only at rest.

    The speed towards the site follows the stopping curve, with the position loop's time
    constant as its delay; it shrinks with height, so that the last metres are upright.
    """
    decel = float(own.decel_descent_mps2)
    spare_m = h_lo_m - float(own.upright_height_m)
    fastest = float(own.drift_per_height_ps) * max(spare_m, 0.0)
    way_m = norm3(place)
    towards = scale3(place, -1.0 / max(way_m, 1.0))
    stop = stoppable_speed(way_m, decel, float(own.tau_place_s))
    fastest = min(fastest, float(own.drift_max_mps))
    wanted = scale3(towards, min(stop, fastest))
    return scale3(sub3(wanted, drift), 1.0 / float(own.tau_drift_s))


@kernel
def _cue_descent(guidance, params, mode, drift_mps, h_lo_m):
    """Settled, low, or high again. Standing upright would keep what drift approach has left."""
    terminal_m = float(params.descent.terminal_height_m)
    settled = drift_mps < float(params.guidance.settled_mps)
    if mode == Mode.APPROACH and settled:
        guidance.cue = Cue.AT_GATE
    if mode == Mode.TERMINAL and h_lo_m > 2.0 * terminal_m:
        guidance.cue = Cue.HIGH
    if mode != Mode.TERMINAL and h_lo_m < terminal_m and (mode != Mode.APPROACH or settled):
        guidance.cue = Cue.LOW
