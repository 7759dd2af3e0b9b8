"""Attitude control: reference attitude, rate-limited quaternion feedback, pulsed thrusters.

The turn rate commanded is along the rotation vector still to make, on its stopping curve; torque
follows the rate error less the observed disturbance, and is fired in pulses of at least the
thrusters' smallest impulse.
"""

from fsw.framework.kernel import kernel
from fsw.guidance.stopping_distance import stoppable_speed
from fsw.mathlib.frames import DEG
from fsw.mathlib.vectors import (
    add_scaled3,
    clamp,
    cross3,
    dot3,
    load3,
    load4,
    norm3,
    quat_conj,
    quat_mul,
    quat_of_axes,
    scale3,
    store3,
    unit3,
)
from fsw.models.vehicle import inertia_at

# sine of the angle below which two axes count as parallel
PARALLEL = 1e-3

# rounding allowed where an impulse equals the smallest one
PULSE_SHARE = 0.999999

# least impulse to divide by, for thrusters without a smallest one
TINY_NMS = 1e-9


@kernel
def attitude_wanted(thrust_dir_L, side_L):
    """q_LB with body z along the thrust and body y as near to side_L as that allows.

    Where thrust is along side_L, any y serves; one is picked.
    """
    z = unit3(thrust_dir_L)
    if norm3(z) < 0.5:
        z = (0.0, 0.0, 1.0)
    x = cross3(side_L, z)
    if norm3(x) < PARALLEL:
        x = cross3((0.0, 0.0, 1.0), z)
    if norm3(x) < PARALLEL:
        x = (1.0, 0.0, 0.0)
    x = unit3(add_scaled3(x, z, -dot3(x, z)))
    return quat_of_axes(x, cross3(z, x), z)


@kernel
def times3(a, b):
    """Product by components."""
    return (a[0] * b[0], a[1] * b[1], a[2] * b[2])


@kernel
def _beyond(x, band):
    """Part of x outside [-band, band]."""
    return x - clamp(x, -band, band)


@kernel
def _turn_rate(params, vehicle, inertia, angle, deadband_rad):
    """Turn rate for a rotation vector still to make: along it, on its stopping curve [rad/s]."""
    size = norm3(angle)
    beyond = size - deadband_rad
    if beyond <= 0.0:
        return (0.0, 0.0, 0.0)
    torque = load3(vehicle.rcs_torque_Nm)
    slowest = min(torque[0] / inertia[0], min(torque[1] / inertia[1], torque[2] / inertia[2]))
    decel = float(params.torque_share) * slowest
    rate = stoppable_speed(beyond, decel, 1.0 / float(params.attitude_per_s))
    rate = min(rate, float(params.rate_max_degps) * DEG)
    return scale3(angle, rate / size)


@kernel
def control_attitude(core, params, running, dt_s):
    """Turn the vehicle towards guidance's thrust direction; writes the torque of `core.control`."""
    state = core.control
    estimate = core.estimate
    guidance = core.guidance
    limits = params.control
    omega = load3(estimate.omega_BL_B_radps)
    inertia = inertia_at(params.vehicle, float(estimate.mass_kg))
    q_LB = load4(estimate.q_LB)
    wanted = attitude_wanted(load3(guidance.thrust_dir_L), load3(guidance.side_L))
    q = quat_mul(quat_conj(q_LB), wanted)
    sign = 2.0 if q[0] >= 0.0 else -2.0
    angle = (sign * q[1], sign * q[2], sign * q[3])
    store3(state.angle_B_rad, angle)
    band = 0.0
    rate_band = 0.0
    if not running:
        band = float(limits.deadband_deg) * DEG
        rate_band = float(limits.rate_deadband_degps) * DEG
    rate = _turn_rate(limits, params.vehicle, inertia, angle, band)
    gain = float(limits.rate_per_s)
    error = (
        gain * _beyond(rate[0] - omega[0], rate_band),
        gain * _beyond(rate[1] - omega[1], rate_band),
        gain * _beyond(rate[2] - omega[2], rate_band),
    )
    _observe(state, limits, inertia, omega, running, dt_s)
    torque_Nm = times3(inertia, error)
    if running:
        torque_Nm = add_scaled3(torque_Nm, load3(state.disturbance_B_Nm), -1.0)
    _fire(state, limits, params.vehicle, torque_Nm, dt_s)


@kernel
def _observe(state, params, inertia, omega, running, dt_s):
    """Estimate the disturbance: torque beside the last command, from angular momentum.

    That includes the gyroscopic torque, below 1 N m at the turn rates allowed.
    """
    most = float(params.disturbance_max_Nm)
    gain = float(params.observer_per_s)
    for i in range(3):
        momentum = inertia[i] * omega[i]
        if not running or gain <= 0.0:
            state.disturbance_B_Nm[i] = 0.0
            state.momentum_B_Nms[i] = momentum
        else:
            known = float(state.torque_B_Nm[i]) + float(state.disturbance_B_Nm[i])
            expected = float(state.momentum_B_Nms[i]) + known * dt_s
            torque = clamp(gain * (momentum - expected), -most, most)
            state.disturbance_B_Nm[i] = torque
            state.momentum_B_Nms[i] = momentum - torque / gain


@kernel
def _fire(state, params, vehicle, torque_Nm, dt_s):
    """Sum the impulse commanded; fire it once it is a pulse, within the thrusters' torque."""
    state.fired = 0
    for i in range(3):
        most = float(vehicle.rcs_torque_Nm[i])
        smallest = max(float(params.min_impulse_Nms[i]), TINY_NMS)
        impulse = float(state.unfired_B_Nms[i]) + clamp(torque_Nm[i], -most, most) * dt_s
        torque = 0.0
        if abs(impulse) >= smallest * PULSE_SHARE:
            torque = clamp(impulse / dt_s, -most, most)
            state.fired = 1
        impulse = clamp(impulse - torque * dt_s, -smallest, smallest)
        state.unfired_B_Nms[i] = impulse
        state.torque_B_Nm[i] = torque
