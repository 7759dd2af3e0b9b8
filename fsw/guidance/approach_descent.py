"""Approach, descent, terminal: one vertical law, three horizontal ones.

Vertical speed follows the stopping-distance law on the lowest altitude that cannot be ruled out,
no slower than fsw.guidance.blind_descent requires; horizontal speed follows the same curve in the
plane. Approach sheds the speed left at the gate, descent steers to the site, terminal is upright
and only damps drift.
"""

from math import sqrt

from fsw.framework.kernel import kernel
from fsw.guidance.stopping_distance import (
    Fall,
    assured_thrust,
    descent_command,
    stoppable_speed,
)
from fsw.guidance.thrust_vector import TINY_MPS2, command_thrust, turn_towards
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

# cosine of the greatest lean that thrust is raised for, to keep its vertical part
LEAST_UPRIGHT = 0.5

# bounds of the deceleration in approach, over the planned one: it starts early rather than hard,
# and has 30 % left to correct a late start
DECEL_SHARE_MIN, DECEL_SHARE_MAX = 0.3, 1.3

# least speed and least distance to divide by
SPEED_MIN_MPS = 1.0
DISTANCE_MIN_M = 1.0

# a terminal descent that finds itself above so many terminal heights returns to descent
HIGH_AGAIN = 2.0


@kernel
def descend(guidance, params, estimate, mode, accel_max, dt_s):
    """One run in approach, descent or terminal."""
    limits = params.guidance
    guidance.t_go_s = 0.0
    up = load3(estimate.up_L)
    r = load3(estimate.r_BL_L_m)
    v = load3(estimate.v_BL_L_mps)
    drift = add_scaled3(v, up, -dot3(v, up))
    place = add_scaled3(r, up, -dot3(r, up))
    h_lo = float(estimate.altitude_lo_m)
    u = _vertical_thrust(guidance, params, estimate, mode, norm3(drift), accel_max)
    if mode == Mode.APPROACH:
        a_h = _shed_speed(limits, place, drift)
    else:
        a_h = _steer_to_site(limits, place, drift, h_lo)
    spare = sqrt(max(accel_max * accel_max - u * u, 0.0))
    reach = min(u * _lean_tangent(limits, mode), spare)
    a_h = scale3(a_h, min(1.0, reach / max(norm3(a_h), TINY_MPS2)))
    a_L = add_scaled3(a_h, up, u)
    turn_towards(guidance, limits, unit3(a_L), dt_s)
    upright = dot3(rotate(load4(estimate.q_LB), (0.0, 0.0, 1.0)), up)
    # beyond the greatest lean thrust is reduced: it would drive the vehicle sideways
    lift = u / max(upright, LEAST_UPRIGHT) * clamp(upright / LEAST_UPRIGHT, 0.0, 1.0)
    command_thrust(guidance, a_L, min(lift, accel_max), accel_max)
    _cue_descent(guidance, params, mode, norm3(drift), h_lo)


@kernel
def _vertical_thrust(guidance, params, estimate, mode, drift_mps, accel_max):
    """Upward thrust acceleration under the stopping-distance law, within the engine's reach.

    Approach is also slow enough to shed its drift above the height shed_above_m.
    """
    descent = params.descent
    g = surface_gravity(params.moon, params.site)
    h_lo = float(estimate.altitude_lo_m)
    v = float(estimate.v_down_mps)
    fall = Fall(v, h_lo, float(guidance.a_d_mps2), g)
    floor = (float(guidance.v_floor_mps), float(guidance.a_floor_mps2))
    limit = float(descent.v_descent_mps)
    if mode == Mode.APPROACH:
        shed_s = max(drift_mps, SPEED_MIN_MPS) / float(params.guidance.decel_approach_mps2)
        room_m = max(h_lo - float(params.guidance.shed_above_m), 0.0)
        limit = max(room_m / shed_s, float(descent.v_touchdown_mps))
        limit = min(float(descent.v_approach_mps), limit)
    elif mode == Mode.TERMINAL:
        limit = floor[0]
    v_cmd, a_ff = descent_command(descent, fall, limit, floor)
    u = g + a_ff + (v - v_cmd) / float(descent.tau_v_s)
    assured = assured_thrust(descent, fall, u, floor[0])
    guidance.v_cmd_mps = v_cmd
    guidance.u_before_mps2 = u
    guidance.u_assured_mps2 = assured
    guidance.assured = 1 if assured > u else 0
    most = min(accel_max, g + float(descent.decel_max_mps2))
    return clamp(assured, float(params.vehicle.throttle_min) * accel_max, most)


@kernel
def _lean_tangent(limits, mode):
    """Tangent of the greatest lean of a mode."""
    lean_deg = float(limits.lean_descent_deg)
    if mode == Mode.APPROACH:
        lean_deg = float(limits.lean_approach_deg)
    elif mode == Mode.TERMINAL:
        lean_deg = float(limits.lean_terminal_deg)
    s, c = sin_cos(lean_deg * DEG)
    return s / c


@kernel
def _shed_speed(limits, place, drift):
    """Approach: horizontal acceleration against the drift, to stop above the site [m/s^2].

    The deceleration that stops there, within bounds about the planned one, more for a high speed,
    and in proportion to speed at the end, so that the vehicle is upright when it stops. It never
    accelerates towards the site: descent closes the remaining distance gently.
    """
    planned = float(limits.decel_approach_mps2)
    speed = norm3(drift)
    most = max(DECEL_SHARE_MAX * planned, speed / float(limits.shed_s))
    needed = 0.5 * speed * speed / max(norm3(place), DISTANCE_MIN_M)
    if dot3(place, drift) > 0.0:
        needed = most
    decel = clamp(needed, DECEL_SHARE_MIN * planned, most)
    decel = min(decel, speed / float(limits.tau_drift_s))
    return scale3(unit3(drift), -decel)


@kernel
def _steer_to_site(limits, place, drift, h_lo_m):
    """Descent: horizontal acceleration to stop above the site; low down, drift damping [m/s^2].

    The speed towards the site follows the stopping curve, with the position loop's time
    constant as its delay; it shrinks with height, so that the last metres are upright.
    """
    decel = float(limits.decel_descent_mps2)
    spare_m = h_lo_m - float(limits.upright_height_m)
    fastest = float(limits.drift_per_height_ps) * max(spare_m, 0.0)
    distance_m = norm3(place)
    towards = scale3(place, -1.0 / max(distance_m, DISTANCE_MIN_M))
    stop = stoppable_speed(distance_m, decel, float(limits.tau_place_s))
    fastest = min(fastest, float(limits.drift_max_mps))
    wanted = scale3(towards, min(stop, fastest))
    return scale3(sub3(wanted, drift), 1.0 / float(limits.tau_drift_s))


@kernel
def _cue_descent(guidance, params, mode, drift_mps, h_lo_m):
    """Cues: settled, low, high again. Low waits for settled: terminal would keep the drift."""
    terminal_m = float(params.descent.terminal_height_m)
    settled = drift_mps < float(params.guidance.settled_mps)
    if mode == Mode.APPROACH and settled:
        guidance.cue = Cue.AT_GATE
    if mode == Mode.TERMINAL and h_lo_m > HIGH_AGAIN * terminal_m:
        guidance.cue = Cue.HIGH
    if mode != Mode.TERMINAL and h_lo_m < terminal_m and (mode != Mode.APPROACH or settled):
        guidance.cue = Cue.LOW
