"""IMU increments split at stamps: one that ends after a stamp counts in part."""

from fsw.filter.buffers import FREE_FALL, IMU_SLOTS
from fsw.framework.kernel import kernel
from fsw.mathlib.vectors import add_scaled3, load3, scale3


@kernel
def increment_share(history, j, from_ns, to_ns):
    """Share of increment j between two times inside it; 1 where its start is not in the ring."""
    end_ns = int(history.imu_t_ns[j % IMU_SLOTS])
    if j == 0 or int(history.imu_count) - j >= IMU_SLOTS:
        return 1.0
    begin_ns = int(history.imu_t_ns[(j - 1) % IMU_SLOTS])
    if end_ns <= begin_ns:
        return 1.0
    return float(to_ns - from_ns) / float(end_ns - begin_ns)


@kernel
def increment_until(history, j, nominal, to_ns):
    """(dv_B, dtheta_B) of increment j from the nominal state's time on, bias removed.

    In free fall the accelerometers measure only their bias and noise, so dv_B is zero.
    """
    slot = j % IMU_SLOTS
    from_ns = int(nominal.t_ns)
    share = increment_share(history, j, from_ns, to_ns)
    dt = float(to_ns - from_ns) * 1e-9
    turned = scale3(load3(history.imu_dtheta_B_rad[slot]), share)
    dth = add_scaled3(turned, load3(nominal.gyro_bias_B_radps), -dt)
    if int(history.imu_flags[slot]) & FREE_FALL:
        return ((0.0, 0.0, 0.0), dth)
    dv = scale3(load3(history.imu_dv_B_mps[slot]), share)
    return (add_scaled3(dv, load3(nominal.accel_bias_B_mps2), -dt), dth)
