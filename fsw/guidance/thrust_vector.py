"""Thrust vector: commanded acceleration, and a direction that turns no faster than body z."""

from fsw.framework.kernel import kernel
from fsw.mathlib.frames import DEG
from fsw.mathlib.vectors import add_scaled3, clamp, dot3, load3, load4, norm3, rotate, store3, unit3

# sine of the angle below which two directions have no plane of rotation between them
OPPOSITE = 1e-6

# least acceleration to divide by, far below any command
TINY_MPS2 = 1e-9


@kernel
def hold_attitude_at_first(guidance, estimate):
    """Before the first run of guidance, set the thrust direction to the present attitude."""
    if norm3(load3(guidance.thrust_dir_L)) < 0.5:
        q_LB = load4(estimate.q_LB)
        store3(guidance.thrust_dir_L, unit3(rotate(q_LB, (0.0, 0.0, 1.0))))
        store3(guidance.side_L, rotate(q_LB, (0.0, 1.0, 0.0)))


@kernel
def command_thrust(guidance, a_L, along_z, accel_max):
    """Command a thrust acceleration a_L, and along_z of it along body z as it is now [m/s^2]."""
    store3(guidance.a_cmd_L_mps2, a_L)
    guidance.accel_mps2 = along_z
    guidance.throttle = clamp(along_z / accel_max, 0.0, 1.0)


@kernel
def turn_towards(guidance, params, wanted, dt_s):
    """Turn the thrust direction towards a unit vector, no faster than the turn rate."""
    now = load3(guidance.thrust_dir_L)
    step = float(params.turn_degps) * DEG * dt_s
    ahead = dot3(now, wanted)
    if norm3(wanted) > 0.5 and ahead < 1.0 - 0.5 * step * step:
        across = add_scaled3(wanted, now, -ahead)
        if norm3(across) < OPPOSITE:
            across = load3(guidance.side_L)
        wanted = add_scaled3(now, unit3(across), step)
    if norm3(wanted) > 0.5:
        store3(guidance.thrust_dir_L, unit3(wanted))
