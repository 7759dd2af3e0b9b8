"""From a wanted acceleration to a direction that body z can follow and a throttle."""

from fsw.framework.kernel import kernel
from fsw.mathlib.frames import DEG
from fsw.mathlib.vectors import add_scaled3, clamp, dot3, load3, load4, norm3, rotate, store3, unit3


@kernel
def hold_attitude_at_first(guidance, estimate):
    """Until guidance has run once, point where the vehicle points."""
    if norm3(load3(guidance.thrust_dir_L)) < 0.5:
        q_LB = load4(estimate.q_LB)
        store3(guidance.thrust_dir_L, unit3(rotate(q_LB, (0.0, 0.0, 1.0))))
        store3(guidance.side_L, rotate(q_LB, (0.0, 1.0, 0.0)))


@kernel
def push(guidance, a_L, along_z, accel_max):
    """Ask for a thrust acceleration, and for so much of it along body z as it is now."""
    store3(guidance.a_cmd_L_mps2, a_L)
    guidance.accel_mps2 = along_z
    guidance.throttle = clamp(along_z / accel_max, 0.0, 1.0)


@kernel
def turn_towards(guidance, own, wanted, dt_s):
    """Turn the thrust direction towards a unit vector, no faster than the turn rate."""
    now = load3(guidance.thrust_dir_L)
    step = float(own.turn_degps) * DEG * dt_s
    ahead = dot3(now, wanted)
    if norm3(wanted) > 0.5 and ahead < 1.0 - 0.5 * step * step:
        across = add_scaled3(wanted, now, -ahead)
        if norm3(across) < 1e-6:
            across = load3(guidance.side_L)
        wanted = add_scaled3(now, unit3(across), step)
    if norm3(wanted) > 0.5:
        store3(guidance.thrust_dir_L, unit3(wanted))
