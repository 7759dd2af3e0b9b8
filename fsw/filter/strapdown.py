"""Strapdown: integrates inertial increments into the nominal state, in the inertial frame.

The instrument integrates specific force and rate over an interval. The delta-v is rotated by the
attitude in the middle of the interval, gravity is taken at the midpoint of the path: second
order, and at 10 ms far below the instrument's noise.
"""

from fsw.framework.kernel import kernel
from fsw.framework.record import f64, i64, record
from fsw.mathlib.vectors import (
    add3,
    add_scaled3,
    load3,
    load4,
    quat_mul,
    quat_of_rotation,
    quat_unit,
    rotate,
    scale3,
    store3,
    store4,
)
from fsw.models.gravity import gravity_mps2

NOMINAL = record(
    "Nominal",
    "Navigation's best estimate at one instant.",
    t_ns=i64("time to which it belongs, flight clock"),
    r_BM_I_m=f64("position with respect to the Moon's centre", 3),
    v_BM_I_mps=f64("velocity in the inertial frame", 3),
    q_IB=f64("attitude", 4),
    gyro_bias_B_radps=f64("bias of the gyroscopes", 3),
    accel_bias_B_mps2=f64("bias of the accelerometers", 3),
    terrain_m=f64("ground under the beam above the mean radius"),
)


@kernel
def strapdown(nominal, moon, t_end_ns, dv_B_mps, dtheta_B_rad):
    """Move the nominal state to t_end_ns; the increments have their bias removed already.

    Returns the delta-v of specific force, in inertial components.
    """
    dt = float(t_end_ns - int(nominal.t_ns)) * 1e-9
    q = load4(nominal.q_IB)
    dq_half = quat_of_rotation(scale3(dtheta_B_rad, 0.5))
    q_mid = quat_mul(q, dq_half)
    dv_I = rotate(q_mid, dv_B_mps)
    r = load3(nominal.r_BM_I_m)
    v = load3(nominal.v_BM_I_mps)
    g = gravity_mps2(moon, add_scaled3(r, v, 0.5 * dt))
    gain = add_scaled3(dv_I, g, dt)
    store3(nominal.r_BM_I_m, add_scaled3(add_scaled3(r, v, dt), gain, 0.5 * dt))
    store3(nominal.v_BM_I_mps, add3(v, gain))
    store4(nominal.q_IB, quat_unit(quat_mul(q_mid, dq_half)))
    nominal.t_ns = t_end_ns
    return dv_I
