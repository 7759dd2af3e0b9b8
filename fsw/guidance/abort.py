"""Abort: is orbit still within reach, and the climb back to it.

Legal in braking only. Reaching orbit needs the circular speed less the forward speed there is, plus
what gravity takes on the way. The climb spends thrust upwards first, as much as the climb rate
needs, and the rest along the motion, until forward speed is a little above circular.
"""

from math import sqrt

from fsw.framework.kernel import kernel
from fsw.guidance.thrust_vector import command_thrust, turn_towards
from fsw.mathlib.vectors import add3, add_scaled3, clamp, dot3, load3, norm3, scale3, unit3
from fsw.models.propulsion import delta_v_left

# share of the delta-v left that counts towards orbit: gravity and steering take about 15 %
DELTA_V_SHARE = 0.85

# climb rate per height still to climb: about the time a climb of 3.6 km at 60 m/s takes
CLIMB_TAU_S = 60.0

# time constant of the climb rate loop: slow beside guidance and engine, so that it cannot overshoot
CLIMB_RATE_TAU_S = 8.0

# greatest share of thrust upwards: what is left (0.31 of thrust) still gains forward speed
LIFT_SHARE_MAX = 0.95


@kernel
def orbit_in_reach(moon, vehicle, estimate):
    """True while the propellant left still reaches orbit, gravity loss included."""
    budget = delta_v_left(vehicle, float(estimate.mass_kg))
    circular = sqrt(float(moon.gm_m3ps2) / float(moon.radius_m))
    return DELTA_V_SHARE * budget > circular - _forward_speed(estimate)


@kernel
def _forward_speed(estimate):
    """Horizontal speed over the ground [m/s]."""
    up = load3(estimate.up_L)
    v = load3(estimate.v_BL_L_mps)
    return norm3(add_scaled3(v, up, -dot3(v, up)))


@kernel
def climb_out(guidance, params, estimate, accel_max, dt_s):
    """Full thrust: upwards what the climb needs, the rest along the motion, until in orbit."""
    limits = params.guidance
    moon = params.moon
    guidance.t_go_s = 0.0
    up = load3(estimate.up_L)
    v = load3(estimate.v_BL_L_mps)
    forward = _forward_speed(estimate)
    radius_m = float(moon.radius_m) + max(float(estimate.altitude_m), 0.0)
    g = float(moon.gm_m3ps2) / (radius_m * radius_m)
    height_left = float(limits.abort_height_m) - float(estimate.altitude_m)
    climb = clamp(height_left / CLIMB_TAU_S, 0.0, float(limits.abort_climb_mps))
    rate_error = climb + float(estimate.v_down_mps)
    lift = g - forward * forward / radius_m + rate_error / CLIMB_RATE_TAU_S
    lift = clamp(lift, 0.0, LIFT_SHARE_MAX * accel_max)
    ahead = unit3(add_scaled3(v, up, -dot3(v, up)))
    a_L = add3(scale3(up, lift), scale3(ahead, sqrt(accel_max * accel_max - lift * lift)))
    if forward > sqrt(g * radius_m) + float(limits.abort_surplus_mps):
        guidance.engine_cut = 1
    if int(guidance.engine_cut) == 1:
        command_thrust(guidance, (0.0, 0.0, 0.0), 0.0, accel_max)
        return
    turn_towards(guidance, limits, unit3(a_L), dt_s)
    command_thrust(guidance, a_L, accel_max, accel_max)
