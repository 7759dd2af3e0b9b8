"""Control at 100 Hz: attitude by thrusters, thrust by throttle.

Attitude: the turn rate wanted follows the stopping curve of the angle still to turn, as the
descent rate follows that of the height, and is limited; torque follows the rate error and takes
away a disturbance (the engine pushes beside the centre of mass) that a momentum observer finds
from what the thrusters were told, so that saturation cannot wind it up. Thrusters have a
smallest impulse: what is asked is summed, and fired once it is worth a pulse.

Thrust: acceleration times mass over full thrust, corrected by an estimate of true over commanded
thrust (fsw.thrust), with a part of the engine's lag compensated. A part only: over-compensating a
lag is as dangerous as ignoring it (Apollo's P66, Eyles, AAS 04-064).
"""

from fsw.descent import stoppable_speed
from fsw.frames import DEG
from fsw.kernel import kernel
from fsw.linear import (
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
from fsw.modes import COAST, engine_may_run
from fsw.record import f64, record, u8
from fsw.thrust import THROTTLE_STEADY, THRUST, THRUST_PARAMS, forget_thrust, gauge_thrust

CONTROL_PARAMS = record(
    "ControlParams",
    "Attitude loop, thruster pulses, throttle.",
    attitude_per_s=f64("turn rate per small angle to turn", default=1.2, lo=0.05, hi=5.0),
    rate_per_s=f64("angular acceleration per rate error", default=3.5, lo=0.1, hi=10.0),
    rate_max_degps=f64("greatest turn rate", default=5.0, lo=0.2, hi=30.0),
    torque_share=f64(
        "share of the thrusters' torque that stopping a turn counts on", default=0.5, lo=0.1, hi=1.0
    ),
    deadband_deg=f64("angle left alone in coast", default=0.5, lo=0.0, hi=10.0),
    rate_deadband_degps=f64("rate error left alone in coast", default=0.1, lo=0.0, hi=2.0),
    min_impulse_Nms=f64(
        "smallest angular impulse of a thruster pulse", 3, default=(0.4, 0.4, 0.2), lo=0.0, hi=100.0
    ),
    observer_per_s=f64("bandwidth of the disturbance observer", default=0.8, lo=0.0, hi=5.0),
    disturbance_max_Nm=f64(
        "greatest disturbance believed, each axis", default=30.0, lo=0.0, hi=100.0
    ),
    lag_compensation=f64("share of the thrust lag taken away", default=0.33, lo=0.0, hi=0.8),
    thrust=THRUST_PARAMS("what the engine gives"),
)

CONTROL = record(
    "Control",
    "What control remembers from one tick to the next.",
    momentum_B_Nms=f64("angular momentum that the observer expects", 3),
    disturbance_B_Nm=f64("torque on the body that no thruster made", 3),
    unfired_B_Nms=f64("angular impulse asked for and not yet fired", 3),
    torque_B_Nm=f64("torque told to the thrusters", 3),
    angle_B_rad=f64("rotation still to make", 3),
    thrust=THRUST("what the engine gives"),
    thrust_share=f64("thrust that the lag model expects, as a share of full thrust"),
    throttle=f64("throttle commanded"),
    fired=u8("1 when this tick commands a thruster"),
    running=u8("1 while the engine is commanded to burn"),
    spare=u8("zero", 6),
)


@kernel
def control(state, params, vehicle, estimate, guidance, mode, actuators, dt_s):
    """One tick: write torque, throttle and engine_on of the actuator command."""
    running = engine_may_run(mode) and int(guidance.engine_cut) == 0
    state.running = 1 if running else 0
    actuators.engine_on = 1 if running else 0
    actuators.throttle = _throttle(state, params, vehicle, estimate, guidance, running, dt_s)
    if running or mode == COAST:
        _attitude(state, params, vehicle, estimate, guidance, running, dt_s)
    else:
        state.fired = 0
        store3(state.unfired_B_Nms, (0.0, 0.0, 0.0))
        store3(state.torque_B_Nm, (0.0, 0.0, 0.0))
    store3(actuators.torque_B_Nm, load3(state.torque_B_Nm))


# --- attitude ----------------------------------------------------------------------------


@kernel
def attitude_wanted(thrust_dir_L, side_L):
    """q_LB with body z along the thrust and body y as near to side_L as that allows.

    Where thrust lies along side_L, any y will do; one is picked.
    """
    z = unit3(thrust_dir_L)
    if norm3(z) < 0.5:
        z = (0.0, 0.0, 1.0)
    x = cross3(side_L, z)
    if norm3(x) < 1e-3:
        x = cross3((0.0, 0.0, 1.0), z)
    if norm3(x) < 1e-3:
        x = (1.0, 0.0, 0.0)
    x = unit3(add_scaled3(x, z, -dot3(x, z)))
    return quat_of_axes(x, cross3(z, x), z)


@kernel
def inertia_at(vehicle, mass_kg):
    """Principal moments of inertia, linear in mass between full and dry [kg m^2]."""
    span_kg = float(vehicle.mass_kg) - float(vehicle.dry_mass_kg)
    share = clamp((mass_kg - float(vehicle.dry_mass_kg)) / max(span_kg, 1.0), 0.0, 1.0)
    full = load3(vehicle.inertia_full_kgm2)
    dry = load3(vehicle.inertia_dry_kgm2)
    return add_scaled3(scale3(dry, 1.0 - share), full, share)


@kernel
def times3(a, b):
    """Product part by part."""
    return (a[0] * b[0], a[1] * b[1], a[2] * b[2])


@kernel
def _beyond(x, band):
    """What of x lies outside [-band, band]."""
    return x - clamp(x, -band, band)


@kernel
def _turn_rate(params, vehicle, inertia, angle, deadband_rad):
    """Rate wanted for a rotation vector still to make: along it, on its stopping curve."""
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
def _attitude(state, params, vehicle, estimate, guidance, running, dt_s):
    omega = load3(estimate.omega_BL_B_radps)
    inertia = inertia_at(vehicle, float(estimate.mass_kg))
    q_LB = load4(estimate.q_LB)
    wanted = attitude_wanted(load3(guidance.thrust_dir_L), load3(guidance.side_L))
    q = quat_mul(quat_conj(q_LB), wanted)
    sign = 2.0 if q[0] >= 0.0 else -2.0
    angle = (sign * q[1], sign * q[2], sign * q[3])
    store3(state.angle_B_rad, angle)
    band = 0.0
    rate_band = 0.0
    if not running:
        band = float(params.deadband_deg) * DEG
        rate_band = float(params.rate_deadband_degps) * DEG
    rate = _turn_rate(params, vehicle, inertia, angle, band)
    gain = float(params.rate_per_s)
    error = (
        gain * _beyond(rate[0] - omega[0], rate_band),
        gain * _beyond(rate[1] - omega[1], rate_band),
        gain * _beyond(rate[2] - omega[2], rate_band),
    )
    _observe(state, params, inertia, omega, running, dt_s)
    ask = times3(inertia, error)
    if running:
        ask = add_scaled3(ask, load3(state.disturbance_B_Nm), -1.0)
    _fire(state, params, vehicle, ask, dt_s)


@kernel
def _observe(state, params, inertia, omega, running, dt_s):
    """Disturbance from the momentum that the last torque command does not explain.

    That takes in the gyroscopic torque, below 1 N m at the turn rates allowed.
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
def _fire(state, params, vehicle, ask, dt_s):
    """Sum what is asked; fire what is worth a pulse, within the thrusters' torque."""
    state.fired = 0
    for i in range(3):
        most = float(vehicle.rcs_torque_Nm[i])
        worth = max(float(params.min_impulse_Nms[i]), 1e-9)
        impulse = float(state.unfired_B_Nms[i]) + clamp(ask[i], -most, most) * dt_s
        torque = 0.0
        if abs(impulse) >= worth * 0.999999:
            torque = clamp(impulse / dt_s, -most, most)
            state.fired = 1
        impulse = clamp(impulse - torque * dt_s, -worth, worth)
        state.unfired_B_Nms[i] = impulse
        state.torque_B_Nm[i] = torque


# --- throttle ----------------------------------------------------------------------------


@kernel
def _throttle(state, params, vehicle, estimate, guidance, running, dt_s):
    """Throttle for the acceleration that guidance wants; 0 when the engine is off."""
    if not running:
        forget_thrust(state.thrust)
        state.thrust_share = 0.0
        state.throttle = 0.0
        return 0.0
    mass_kg = max(float(estimate.mass_kg), 1.0)
    full_N = float(vehicle.thrust_max_N)
    least = float(vehicle.throttle_min)
    felt = float(estimate.f_B_mps2[2]) * mass_kg / full_N
    expected = float(state.thrust_share)
    steady = abs(float(state.throttle) - expected) <= THROTTLE_STEADY
    # an engine that is out still leaves noise; exactly nothing is an accelerometer that is out
    if felt != 0.0:
        late_s = float(vehicle.transport_s) + dt_s
        gauge_thrust(state.thrust, params.thrust, felt, expected, steady, late_s, dt_s)
    wanted = float(guidance.accel_mps2) * mass_kg / (full_N * float(state.thrust.scale))
    wanted = clamp(wanted, least, 1.0)
    share = float(state.thrust_share)
    part = float(params.lag_compensation)
    throttle = clamp(wanted + (wanted - share) * part / (1.0 - part), least, 1.0)
    lag_s = max(float(vehicle.lag_s), dt_s)
    state.thrust_share = share + (throttle - share) * dt_s / lag_s
    state.throttle = throttle
    return throttle
