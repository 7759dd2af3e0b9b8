"""Initial conditions of a run: the nominal state of the scenario, and the errors drawn about it.

The nominal state is what the ground sends up and the flight software starts from; the truth is
that plus errors with the standard deviations of the Dispersions. So the initial error of the
estimate has exactly the covariance that the uplinked state vector states.
"""

from math import sqrt

from fsw.framework.kernel import kernel
from fsw.mathlib.elementary import PI, nearest_int, sin_cos
from fsw.mathlib.frames import DEG, q_FI_at, q_FL_at, up_at
from fsw.mathlib.vectors import (
    add3,
    add_scaled3,
    cross3,
    dot3,
    load3,
    load4,
    quat_conj,
    quat_mul,
    quat_of_axes,
    quat_of_rotation,
    quat_unit,
    rotate,
    scale3,
    store3,
    store4,
    unit3,
)
from sim.common.random_streams import Stream, gauss, gauss3, stream_key
from sim.faults.windows import NEVER_NS
from sim.plant.terrain import settle_terrain
from sim.plant.truth_observer import observe_surroundings
from sim.plant.world import InertialState, StartKind
from sim.sensors.imu import HOUR_S, UG_MPS2

ARCSEC = DEG / 3600.0


@kernel
def inertial_state(truth):
    """The InertialState of a Truth."""
    return InertialState(load3(truth.r_BM_I_m), load3(truth.v_BM_I_mps), load4(truth.q_IB))


@kernel
def perturb_state(dispersions, key, number, state):
    """An InertialState plus errors drawn from the dispersions; key and number address the draws.

    Position errors are radial, along and across the track; attitude errors are about body axes.
    """
    up = unit3(state.r_BM_I_m)
    across = unit3(cross3(up, state.v_BM_I_mps))
    along = cross3(across, up)
    place = gauss3(key, 3 * number)
    speed = gauss3(key, 3 * number + 1)
    turn = gauss3(key, 3 * number + 2)
    horizontal = float(dispersions.horizontal_m)
    r = add_scaled3(state.r_BM_I_m, up, float(dispersions.altitude_m) * place[0])
    r = add_scaled3(r, along, horizontal * place[1])
    r = add_scaled3(r, across, horizontal * place[2])
    v = add_scaled3(state.v_BM_I_mps, speed, float(dispersions.velocity_mps))
    angle = float(dispersions.attitude_arcsec) * ARCSEC
    q = quat_unit(quat_mul(state.q_IB, quat_of_rotation(scale3(turn, angle))))
    return InertialState(r, v, q)


@kernel
def fill_update(update, dispersions, t_ns, seq, state):
    """Write a NavUpdate that holds an InertialState of t_ns and its standard deviations."""
    update.t_ns = t_ns
    update.seq = seq
    store3(update.r_BM_I_m, state.r_BM_I_m)
    store3(update.v_BM_I_mps, state.v_BM_I_mps)
    store4(update.q_IB, state.q_IB)
    update.sigma_radial_m = float(dispersions.altitude_m)
    update.sigma_horizontal_m = float(dispersions.horizontal_m)
    update.sigma_velocity_mps = float(dispersions.velocity_mps)
    update.sigma_attitude_rad = float(dispersions.attitude_arcsec) * ARCSEC


@kernel
def transfer_orbit(world):
    """(speed at apolune [m/s], time from there to perilune [s]) of the start's ellipse."""
    gm = float(world.moon.gm_m3ps2)
    high = float(world.moon.radius_m) + float(world.start.altitude_m)
    low = float(world.moon.radius_m) + float(world.start.perilune_m)
    half_axis = 0.5 * (high + low)
    speed = sqrt(gm * (2.0 / high - 1.0 / half_axis))
    return (speed, PI * half_axis * sqrt(half_axis / gm))


@kernel
def _start_plane(world, pass_ns):
    """(up, heading) of the track at the site when PDI is passed, inertial."""
    latitude = float(world.site.latitude_deg)
    longitude = float(world.site.longitude_deg)
    q_IF = quat_conj(q_FI_at(float(world.moon.omega_radps), pass_ns))
    up = rotate(q_IF, up_at(latitude, longitude))
    q_IL = quat_mul(q_IF, q_FL_at(latitude, longitude))
    s, c = sin_cos(float(world.start.azimuth_deg) * DEG)
    heading = rotate(q_IL, (s, c, 0.0))
    left = cross3(up, heading)
    s, c = sin_cos(float(world.start.crossrange_m) / float(world.moon.radius_m))
    return (add3(scale3(up, c), scale3(left, s)), heading)


@kernel
def nominal_state(world):
    """The InertialState of the scenario's start.

    The thrust axis points against the velocity and x_B down, so that pitching up to the vertical
    is a turn about y_B, which is the track's right-hand side.
    """
    start = world.start
    angle = float(start.downrange_m) / float(world.moon.radius_m)
    speed = float(start.speed_mps)
    climb = float(start.flight_path_deg) * DEG
    pass_ns = 0
    if int(start.kind) == StartKind.ORBIT:
        speed, wait_s = transfer_orbit(world)
        climb = 0.0
        pass_ns = nearest_int(wait_s * 1e9)
        angle = angle + PI
    site_up, heading = _start_plane(world, pass_ns)
    s, c = sin_cos(angle)
    up = unit3(add_scaled3(scale3(site_up, c), heading, -s))
    level = unit3(add_scaled3(scale3(heading, c), site_up, s))
    s, c = sin_cos(climb)
    forward = add3(scale3(level, c), scale3(up, s))
    x_B = unit3(add_scaled3(scale3(up, -1.0), forward, dot3(up, forward)))
    z_B = scale3(forward, -1.0)
    r = scale3(up, float(world.moon.radius_m) + float(start.altitude_m))
    q = quat_of_axes(x_B, cross3(z_B, x_B), z_B)
    return InertialState(r, scale3(forward, speed), q)


@kernel
def place(world):
    """Put the nominal start into the truth, and into the state vector for the first uplink."""
    state = nominal_state(world)
    truth = world.truth
    store3(truth.r_BM_I_m, state.r_BM_I_m)
    store3(truth.v_BM_I_mps, state.v_BM_I_mps)
    store4(truth.q_IB, state.q_IB)
    store3(truth.omega_BI_B_radps, (0.0, 0.0, 0.0))
    truth.propellant_kg = float(world.start.propellant_kg)
    truth.thrust_N = 0.0
    fill_update(world.uplink.nominal, world.dispersions, 0, 0, state)
    latitude = float(world.site.latitude_deg)
    q_FL = q_FL_at(latitude, float(world.site.longitude_deg))
    store4(world.errors.q_LF, quat_conj(q_FL))
    world.board.range_state.ready_t_ns = (
        0 if int(world.board.sensors.range.powered) == 1 else NEVER_NS
    )


@kernel
def _draw_vehicle(world):
    dispersions = world.dispersions
    errors = world.errors
    key = stream_key(int(world.seed), Stream.VEHICLE)
    errors.thrust = 1.0 + float(dispersions.thrust) * gauss(key, 0)
    errors.isp = 1.0 + float(dispersions.isp) * gauss(key, 1)
    errors.mass = 1.0 + float(dispersions.mass) * gauss(key, 2)
    for i in range(2):
        errors.thrust_axis_B_rad[i] = float(dispersions.thrust_axis_rad) * gauss(key, 3 + i)
        errors.cm_B_m[i] = float(dispersions.cm_offset_m) * gauss(key, 5 + i)
    world.truth.propellant_kg = float(world.truth.propellant_kg) * float(errors.mass)


@kernel
def _draw_matrix(matrix, key, first, scale, misalignment):
    """Unit matrix plus scale errors on, and misalignments off, the diagonal."""
    for k in range(9):
        error = gauss(key, first + k)
        if k == 0 or k == 4 or k == 8:
            matrix[k] = 1.0 + scale * error
        else:
            matrix[k] = misalignment * error


@kernel
def _draw_imu(world):
    dispersions = world.dispersions
    errors = world.board.imu_errors
    key = stream_key(int(world.seed), Stream.IMU_ERRORS)
    scale = float(dispersions.imu_scale_ppm) * 1e-6
    misalignment = float(dispersions.imu_misalignment_arcsec) * ARCSEC
    _draw_matrix(errors.gyro_matrix, key, 0, scale, misalignment)
    _draw_matrix(errors.accel_matrix, key, 9, scale, misalignment)
    gyro = float(dispersions.gyro_bias_degph) * DEG / HOUR_S
    accel = float(dispersions.accel_bias_ug) * UG_MPS2
    store3(errors.gyro_bias_radps, scale3(gauss3(key, 6), gyro))
    store3(errors.accel_bias_mps2, scale3(gauss3(key, 7), accel))


@kernel
def _draw_site(world):
    key = stream_key(int(world.seed), Stream.SITE)
    world.errors.slope[0] = float(world.dispersions.slope) * gauss(key, 0)
    world.errors.slope[1] = float(world.dispersions.slope) * gauss(key, 1)
    settle_terrain(world, float(world.dispersions.site_height_m) * gauss(key, 2))


@kernel
def _draw_state(world):
    truth = world.truth
    key = stream_key(int(world.seed), Stream.STATE)
    state = perturb_state(world.dispersions, key, 0, inertial_state(truth))
    store3(truth.r_BM_I_m, state.r_BM_I_m)
    store3(truth.v_BM_I_mps, state.v_BM_I_mps)
    store4(truth.q_IB, state.q_IB)


@kernel
def disperse(world):
    """Draw this run's errors from its seed and add them to a placed world."""
    _draw_vehicle(world)
    _draw_imu(world)
    _draw_site(world)
    _draw_state(world)
    observe_surroundings(world)


@kernel
def prepare(world):
    """Make a world with its figures and seed set ready to fly: place it, then disperse it."""
    world.board.seed = int(world.seed)
    place(world)
    disperse(world)
