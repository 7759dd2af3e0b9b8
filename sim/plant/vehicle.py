"""The vehicle: a rigid body whose mass, inertia and centre of mass follow the propellant.

State: position and velocity of the centre of mass and attitude against the inertial frame,
body rate, propellant, thrust. Integrated together by the classical Runge-Kutta method of fourth
order. Neglected, as far below the dispersions: the tide's torque, sloshing, the inertia's own
rate of change (jet damping about cancels it), and the centre of mass moving in the body.

The increments of an ideal inertial unit come out of the same stages: the velocity gained from all
forces but gravity. So a strapdown with the same gravity recovers the truth.
"""

from fsw.framework.kernel import kernel
from fsw.mathlib.vectors import (
    add3,
    add_scaled3,
    cross3,
    load3,
    load4,
    quat_unit,
    rotate,
    scale3,
    store3,
    store4,
)
from fsw.models.gravity import gravity_mps2
from sim.common.constants import STANDARD_GRAVITY_MPS2
from sim.plant.landing_legs import support
from sim.plant.world import VehicleRates, VehicleState


@kernel
def mass_kg(world, propellant_kg):
    """Mass of the vehicle."""
    return float(world.vehicle.dry_mass_kg) * float(world.errors.mass) + propellant_kg


@kernel
def fill_share(world, propellant_kg):
    """Propellant over full tanks, both with this run's mass error."""
    return propellant_kg / (float(world.vehicle.propellant_full_kg) * float(world.errors.mass))


@kernel
def centre_of_mass_B(world, propellant_kg):
    """Current centre of mass from that with full tanks on the axis, in body components [m]."""
    rise = float(world.vehicle.cm_rise_m) * (1.0 - fill_share(world, propellant_kg))
    return (float(world.errors.cm_B_m[0]), float(world.errors.cm_B_m[1]), rise)


@kernel
def inertia_kgm2(world, propellant_kg):
    """Principal moments of inertia, linear in the propellant."""
    share = fill_share(world, propellant_kg)
    dry = load3(world.vehicle.inertia_dry_kgm2)
    full = load3(world.vehicle.inertia_full_kgm2)
    return add_scaled3(scale3(dry, 1.0 - share), full, share)


@kernel
def thrust_B_N(world, thrust_N):
    """Force of the main engine, whose axis is off z_B by two small angles."""
    ax = float(world.errors.thrust_axis_B_rad[0])
    ay = float(world.errors.thrust_axis_B_rad[1])
    return (thrust_N * ax, thrust_N * ay, thrust_N * (1.0 - 0.5 * (ax * ax + ay * ay)))


@kernel
def thruster_flow_kgps(world):
    """Propellant that the thrusters use for the mean torque of this tick; pairs, no net force."""
    torque = load3(world.actuators.torque_B_Nm)
    force = (abs(torque[0]) + abs(torque[1]) + abs(torque[2])) / float(world.vehicle.rcs_arm_m)
    return force / (float(world.vehicle.rcs_isp_s) * STANDARD_GRAVITY_MPS2)


@kernel
def engine_flow_kgps(world, thrust_N):
    """Propellant that the main engine uses."""
    isp = float(world.vehicle.isp_s) * float(world.errors.isp)
    return thrust_N / (isp * STANDARD_GRAVITY_MPS2)


@kernel
def vehicle_state(world):
    """The VehicleState of the truth."""
    truth = world.truth
    return VehicleState(
        load3(truth.r_BM_I_m),
        load3(truth.v_BM_I_mps),
        load4(truth.q_IB),
        load3(truth.omega_BI_B_radps),
        float(truth.propellant_kg),
        float(truth.thrust_N),
    )


@kernel
def _rates(world, near, elapsed_s, state):
    """VehicleRates of a VehicleState, elapsed_s into the tick; near: legs may touch."""
    vehicle = world.vehicle
    q = state.q_IB
    w = state.omega_BI_B_radps
    mass = mass_kg(world, state.propellant_kg)
    cm = centre_of_mass_B(world, state.propellant_kg)
    push_B = thrust_B_N(world, state.thrust_N)
    engine = (-cm[0], -cm[1], -float(vehicle.engine_below_m) - cm[2])
    torque = add3(load3(world.actuators.torque_B_Nm), cross3(engine, push_B))
    torque = add3(torque, load3(world.actuators.side_torque_B_Nm))
    force = rotate(q, push_B)
    if near:
        load, turn = support(world, elapsed_s, cm, state)
        force = add3(force, load)
        torque = add3(torque, turn)
    flow = engine_flow_kgps(world, state.thrust_N) + thruster_flow_kgps(world)
    thrust_dot = (float(world.actuators.thrust_target_N) - state.thrust_N) / (
        float(vehicle.lag_s) + float(world.effects.lag_s)
    )
    return VehicleRates(
        scale3(force, 1.0 / mass),
        gravity_mps2(world.moon, state.r_BM_I_m),
        _attitude_rate(q, w),
        _angular_acceleration(inertia_kgm2(world, state.propellant_kg), w, torque),
        -flow,
        thrust_dot,
    )


@kernel
def _angular_acceleration(inertia, w, torque):
    """Euler's equations about the principal axes [rad/s^2]."""
    spin = (inertia[0] * w[0], inertia[1] * w[1], inertia[2] * w[2])
    gyro = cross3(w, spin)
    return (
        (torque[0] - gyro[0]) / inertia[0],
        (torque[1] - gyro[1]) / inertia[1],
        (torque[2] - gyro[2]) / inertia[2],
    )


@kernel
def _attitude_rate(q, w):
    """Time derivative of a quaternion that turns at the body rate w."""
    return (
        -0.5 * (q[1] * w[0] + q[2] * w[1] + q[3] * w[2]),
        0.5 * (q[0] * w[0] + q[2] * w[2] - q[3] * w[1]),
        0.5 * (q[0] * w[1] + q[3] * w[0] - q[1] * w[2]),
        0.5 * (q[0] * w[2] + q[1] * w[1] - q[2] * w[0]),
    )


@kernel
def _acceleration(rates):
    return add3(rates.specific_force_I_mps2, rates.gravity_I_mps2)


@kernel
def _stage(start, v_I_mps, rates, dt):
    """The VehicleState dt after `start` at a stage's velocity and VehicleRates."""
    return VehicleState(
        add_scaled3(start.r_BM_I_m, v_I_mps, dt),
        add_scaled3(start.v_BM_I_mps, _acceleration(rates), dt),
        _along(start.q_IB, rates.q_dot, dt),
        add_scaled3(start.omega_BI_B_radps, rates.omega_dot_B_radps2, dt),
        start.propellant_kg + rates.propellant_kgps * dt,
        start.thrust_N + rates.thrust_Nps * dt,
    )


@kernel
def _along(q, q_dot, dt):
    """q + q_dot dt."""
    return (
        q[0] + q_dot[0] * dt,
        q[1] + q_dot[1] * dt,
        q[2] + q_dot[2] * dt,
        q[3] + q_dot[3] * dt,
    )


@kernel
def _mean3(a, b, c, d):
    """Weighted mean of the four stages."""
    return scale3(add3(add3(a, d), scale3(add3(b, c), 2.0)), 1.0 / 6.0)


@kernel
def _mean(a, b, c, d):
    return (a + 2.0 * (b + c) + d) / 6.0


@kernel
def step_vehicle(world, near, elapsed_s, dt):
    """Move the vehicle by dt seconds under the actuators in force.

    near: True where footpads may meet the ground; elapsed_s: since the planes under them were
    laid. Returns the velocity gained from all forces but gravity, in inertial components.
    """
    h = 0.5 * dt
    s1 = vehicle_state(world)
    k1 = _rates(world, near, elapsed_s, s1)
    s2 = _stage(s1, s1.v_BM_I_mps, k1, h)
    k2 = _rates(world, near, elapsed_s + h, s2)
    s3 = _stage(s1, s2.v_BM_I_mps, k2, h)
    k3 = _rates(world, near, elapsed_s + h, s3)
    s4 = _stage(s1, s3.v_BM_I_mps, k3, dt)
    k4 = _rates(world, near, elapsed_s + dt, s4)

    gain = scale3(
        _mean3(
            k1.specific_force_I_mps2,
            k2.specific_force_I_mps2,
            k3.specific_force_I_mps2,
            k4.specific_force_I_mps2,
        ),
        dt,
    )
    fall = scale3(
        _mean3(k1.gravity_I_mps2, k2.gravity_I_mps2, k3.gravity_I_mps2, k4.gravity_I_mps2), dt
    )
    velocity = _mean3(s1.v_BM_I_mps, s2.v_BM_I_mps, s3.v_BM_I_mps, s4.v_BM_I_mps)
    q_dot = (
        _mean(k1.q_dot[0], k2.q_dot[0], k3.q_dot[0], k4.q_dot[0]),
        _mean(k1.q_dot[1], k2.q_dot[1], k3.q_dot[1], k4.q_dot[1]),
        _mean(k1.q_dot[2], k2.q_dot[2], k3.q_dot[2], k4.q_dot[2]),
        _mean(k1.q_dot[3], k2.q_dot[3], k3.q_dot[3], k4.q_dot[3]),
    )
    omega_dot = _mean3(
        k1.omega_dot_B_radps2,
        k2.omega_dot_B_radps2,
        k3.omega_dot_B_radps2,
        k4.omega_dot_B_radps2,
    )
    flow = _mean(k1.propellant_kgps, k2.propellant_kgps, k3.propellant_kgps, k4.propellant_kgps)
    thrust_dot = _mean(k1.thrust_Nps, k2.thrust_Nps, k3.thrust_Nps, k4.thrust_Nps)

    truth = world.truth
    store3(truth.r_BM_I_m, add_scaled3(s1.r_BM_I_m, velocity, dt))
    store3(truth.v_BM_I_mps, add3(s1.v_BM_I_mps, add3(gain, fall)))
    store4(truth.q_IB, quat_unit(_along(s1.q_IB, q_dot, dt)))
    store3(truth.omega_BI_B_radps, add_scaled3(s1.omega_BI_B_radps, omega_dot, dt))
    truth.propellant_kg = max(s1.propellant_kg + flow * dt, 0.0)
    truth.thrust_N = max(s1.thrust_N + thrust_dot * dt, 0.0)
    return gain
