"""The inertial measurement unit: ideal increments in, one reading of a real instrument out.

measured = matrix * true + bias * dt + white noise, clipped, then rounded to the resolution; the
rounding residue is carried into the next sample, so that it does not accumulate. White noise of
density n gives an increment over dt the standard deviation n sqrt(dt) (IEEE Std 952, annex C);
the biases are random walks. The ideal unit sits at the centre of mass and corrects coning and
sculling by itself: its angle is the rotation vector between the attitudes at both ends, its
velocity is given in the axes of mid-interval.
"""

from math import sqrt

from fsw.framework.kernel import kernel
from fsw.interface.messages import ANGLE_COUNT_RAD, VELOCITY_COUNT_MPS
from fsw.mathlib.elementary import PI, floor_int, nearest_int
from fsw.mathlib.vectors import clamp, load3
from sim.common.constants import STANDARD_GRAVITY_MPS2
from sim.common.random_streams import Stream, gauss3, stream_key

DEG = PI / 180.0
SQRT_HOUR = 60.0
HOUR_S = 3600.0
UG_MPS2 = 1e-6 * STANDARD_GRAVITY_MPS2


@kernel
def _matrix_times(matrix, v):
    """Row-by-row 3 x 3 matrix times a vector."""
    return (
        float(matrix[0]) * v[0] + float(matrix[1]) * v[1] + float(matrix[2]) * v[2],
        float(matrix[3]) * v[0] + float(matrix[4]) * v[1] + float(matrix[5]) * v[2],
        float(matrix[6]) * v[0] + float(matrix[7]) * v[1] + float(matrix[8]) * v[2],
    )


@kernel
def _walk_biases(errors, imu, seed, count, dt_s):
    """One step of both bias random walks; imu: Imu."""
    key = stream_key(seed, Stream.IMU_WALK)
    gyro = gauss3(key, 2 * count)
    accel = gauss3(key, 2 * count + 1)
    root = sqrt(dt_s) / SQRT_HOUR
    gyro_step = float(imu.gyro_drift_degphprth) * DEG / HOUR_S * root
    accel_step = float(imu.accel_drift_ugprth) * UG_MPS2 * root
    for i in range(3):
        errors.gyro_bias_radps[i] = float(errors.gyro_bias_radps[i]) + gyro_step * gyro[i]
        errors.accel_bias_mps2[i] = float(errors.accel_bias_mps2[i]) + accel_step * accel[i]


@kernel
def _quantise(field, residue, i, measured, limit, quantum):
    """Clip and round one axis, keep the rounding residue; returns 1 when it clipped."""
    if abs(measured) > limit:
        field[i] = clamp(measured, -limit, limit)
        residue[i] = 0.0
        return 1
    due = measured + float(residue[i])
    field[i] = float(floor_int(due / quantum + 0.5)) * quantum
    residue[i] = due - float(field[i])
    return 0


@kernel
def measure_imu(board, truth):
    """Fill the SensorBoard's ImuReading, whose times are set, from a SensorTruth's increments.

    Counts the reading in the board's ImuState, and steps the random walk of its biases.
    """
    imu = board.sensors.imu
    errors = board.imu_errors
    state = board.imu_state
    reading = board.imu_reading
    seed = int(board.seed)
    count = int(state.count)
    dt = float(int(reading.dt_ns)) * 1e-9
    root = sqrt(dt)
    turn = _matrix_times(errors.gyro_matrix, load3(truth.dtheta_B_rad))
    gain = _matrix_times(errors.accel_matrix, load3(truth.dv_B_mps))
    turn_noise = gauss3(stream_key(seed, Stream.GYRO), count)
    gain_noise = gauss3(stream_key(seed, Stream.ACCEL), count)
    angle_sigma = float(imu.gyro_walk_degprth) * DEG / SQRT_HOUR * root
    velocity_sigma = float(imu.accel_walk_ugprtHz) * UG_MPS2 * root
    angle_max = float(imu.rate_max_radps) * dt
    velocity_max = float(imu.accel_max_mps2) * dt
    clipped = 0
    for i in range(3):
        angle = turn[i] + float(errors.gyro_bias_radps[i]) * dt + angle_sigma * turn_noise[i]
        clipped = clipped | _quantise(
            reading.dtheta_B_rad,
            state.angle_residue_rad,
            i,
            angle,
            angle_max,
            float(imu.angle_quantum_rad),
        )
        velocity = gain[i] + float(errors.accel_bias_mps2[i]) * dt + velocity_sigma * gain_noise[i]
        clipped = clipped | _quantise(
            reading.dv_B_mps,
            state.velocity_residue_mps,
            i,
            velocity,
            velocity_max,
            float(imu.velocity_quantum_mps),
        )
    reading.saturated = clipped
    state.count = count + 1
    _walk_biases(errors, imu, seed, count, dt)


@kernel
def report_imu(sample, state, reading):
    """Add a reading to the integrals of an ImuState, and write them into an ImuSample."""
    for i in range(3):
        velocity = float(state.velocity_B_mps[i]) + float(reading.dv_B_mps[i])
        angle = float(state.angle_B_rad[i]) + float(reading.dtheta_B_rad[i])
        state.velocity_B_mps[i] = velocity
        state.angle_B_rad[i] = angle
        sample.velocity_B[i] = _in_32_bits(nearest_int(velocity / VELOCITY_COUNT_MPS))
        sample.angle_B[i] = _in_32_bits(nearest_int(angle / ANGLE_COUNT_RAD))
    sample.t_ns = int(reading.t_ns)
    sample.dt_ns = int(reading.dt_ns)
    sample.seq = int(state.count) & 0xFFFF
    sample.saturated = int(reading.saturated)
    sample.valid = 1


@kernel
def _in_32_bits(counts):
    """The value of a 32-bit counter that wraps around."""
    return ((counts + 0x80000000) & 0xFFFFFFFF) - 0x80000000
