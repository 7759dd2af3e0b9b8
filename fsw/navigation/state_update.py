"""State-vector update: an uplinked state anchors the grid filter while no force acts."""

from fsw.filter.buffers import GRID_NS, IMU_SLOTS, NEVER, clear_checkpoints
from fsw.filter.checkpoints import save
from fsw.filter.grid_filter import Sigmas, anchor
from fsw.filter.strapdown import strapdown
from fsw.framework.kernel import kernel
from fsw.interface.events import EventCode, post_event
from fsw.mathlib.units import seconds_to_ns
from fsw.mathlib.vectors import load3, load4, norm3, quat_unit, store3, store4, sub3
from fsw.navigation.output_predictor import reset_current

# limits of an uplinked state: not inside the Moon, within its sphere of influence, below arrival
# speed from Earth
UPDATE_NEAREST_M = 1.6e6
UPDATE_FURTHEST_M = 6.0e7
UPDATE_FASTEST_MPS = 1.0e4

# squared norm of an attitude quaternion that can be normalised without doubt
QUATERNION_NORM2_MIN, QUATERNION_NORM2_MAX = 0.9, 1.1

# standard deviation of attitude up to which errors are small angles
UPDATE_SIGMA_ATTITUDE_RAD = 1.0


@kernel
def take_nav_update(nav, history, params, update, now_ns, outbox):
    """Anchor the grid in an uplinked state; legal while no force acts. True when it was taken.

    The state is moved from its epoch back to the grid point before it, by gravity alone.
    """
    t_ns = int(update.t_ns)
    age_max_ns = seconds_to_ns(float(params.navigation.update_age_max_s))
    if t_ns < 0 or t_ns > now_ns or now_ns - t_ns > age_max_ns or not _plausible(update):
        return False
    before_r = load3(nav.current.r_BM_I_m)
    before_v = load3(nav.current.v_BM_I_mps)
    fresh = history.at_stamp
    fresh.t_ns = t_ns
    store3(fresh.r_BM_I_m, load3(update.r_BM_I_m))
    store3(fresh.v_BM_I_mps, load3(update.v_BM_I_mps))
    store4(fresh.q_IB, quat_unit(load4(update.q_IB)))
    store3(fresh.gyro_bias_B_radps, (0.0, 0.0, 0.0))
    store3(fresh.accel_bias_B_mps2, (0.0, 0.0, 0.0))
    k = t_ns // GRID_NS
    strapdown(fresh, params.moon, k * GRID_NS, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
    sigmas = Sigmas(
        float(update.sigma_radial_m),
        float(update.sigma_horizontal_m),
        float(update.sigma_velocity_mps),
        float(update.sigma_attitude_rad),
    )
    anchor(nav.grid, k, fresh, sigmas, params.navigation.filter, params.site)
    nav.grid.imu_next = _first_increment_after(history, k * GRID_NS)
    nav.computed_k = k
    nav.intake.dirty_k = NEVER
    nav.intake.anchor_t_ns = k * GRID_NS
    clear_checkpoints(history)
    save(history, nav.grid)
    reset_current(nav, history, params)
    moved = (0.0, 0.0)
    if int(nav.ready) == 1:
        moved = (
            norm3(sub3(load3(nav.current.r_BM_I_m), before_r)),
            norm3(sub3(load3(nav.current.v_BM_I_mps), before_v)),
        )
    nav.ready = 1
    post_event(outbox, EventCode.NAV_UPDATED, moved[0], moved[1])
    return True


@kernel
def _plausible(update):
    """True within the limits above; a NaN or an infinity fails the comparison."""
    r = load3(update.r_BM_I_m)
    v = load3(update.v_BM_I_mps)
    q = load4(update.q_IB)
    norm2 = q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3]
    return (
        UPDATE_NEAREST_M < norm3(r) < UPDATE_FURTHEST_M
        and norm3(v) < UPDATE_FASTEST_MPS
        and QUATERNION_NORM2_MIN < norm2 < QUATERNION_NORM2_MAX
        and 0.0 <= float(update.sigma_radial_m) < UPDATE_NEAREST_M
        and 0.0 <= float(update.sigma_horizontal_m) < UPDATE_NEAREST_M
        and 0.0 <= float(update.sigma_velocity_mps) < UPDATE_FASTEST_MPS
        and 0.0 <= float(update.sigma_attitude_rad) < UPDATE_SIGMA_ATTITUDE_RAD
    )


@kernel
def _first_increment_after(history, t_ns):
    """Count of the first increment that ends after t_ns, searched from the newest back."""
    end = int(history.imu_count)
    place = end
    for i in range(min(end, IMU_SLOTS)):
        if int(history.imu_t_ns[(end - 1 - i) % IMU_SLOTS]) > t_ns:
            place = end - 1 - i
    return place
