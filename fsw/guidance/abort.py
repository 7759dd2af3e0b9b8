"""Abort: is orbit still in reach, and the climb back to it."""

from math import sqrt

from fsw.framework.kernel import kernel
from fsw.guidance.thrust_vector import push, turn_towards
from fsw.mathlib.vectors import add3, add_scaled3, clamp, dot3, load3, norm3, scale3, unit3
from fsw.models.propulsion import delta_v_left


@kernel
def orbit_in_reach(moon, vehicle, estimate):
    """True while the propellant left still reaches orbit, 15 % of it lost to gravity."""
    budget = delta_v_left(vehicle, float(estimate.mass_kg))
    circular = sqrt(float(moon.gm_m3ps2) / float(moon.radius_m))
    return 0.85 * budget > circular - _forward_speed(estimate)


@kernel
def _forward_speed(estimate):
    up = load3(estimate.up_L)
    v = load3(estimate.v_BL_L_mps)
    return norm3(add_scaled3(v, up, -dot3(v, up)))


@kernel
def climb_out(guidance, own, moon, estimate, accel_max, dt_s):
    """Full thrust: upwards what the climb needs, the rest along the motion, until in orbit."""
    guidance.t_go_s = 0.0
    up = load3(estimate.up_L)
    v = load3(estimate.v_BL_L_mps)
    forward = _forward_speed(estimate)
    radius_m = float(moon.radius_m) + max(float(estimate.altitude_m), 0.0)
    g = float(moon.gm_m3ps2) / (radius_m * radius_m)
    height_left = float(own.abort_height_m) - float(estimate.altitude_m)
    climb = clamp(height_left / 60.0, 0.0, float(own.abort_climb_mps))
    lift = g - forward * forward / radius_m + (climb + float(estimate.v_down_mps)) / 8.0
    lift = clamp(lift, 0.0, 0.95 * accel_max)
    ahead = unit3(add_scaled3(v, up, -dot3(v, up)))
    a_L = add3(scale3(up, lift), scale3(ahead, sqrt(accel_max * accel_max - lift * lift)))
    if forward > sqrt(g * radius_m) + float(own.abort_surplus_mps):
        guidance.engine_cut = 1
    if int(guidance.engine_cut) == 1:
        push(guidance, (0.0, 0.0, 0.0), 0.0, accel_max)
        return
    turn_towards(guidance, own, unit3(a_L), dt_s)
    push(guidance, a_L, accel_max, accel_max)
