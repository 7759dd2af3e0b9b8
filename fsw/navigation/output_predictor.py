"""Output predictor: the grid filter's state propagated through the IMU increments to now.

The filter runs at a delayed horizon, on the fixed grid of stamps; guidance and control need the
state at the present time. PX4's EKF2 uses the same split and the same name.
"""

from math import sqrt

from fsw.filter.buffers import IMU_SLOTS, SUMMED
from fsw.filter.covariance import V0, variance_along
from fsw.filter.imu_increments import increment_until
from fsw.filter.strapdown import strapdown
from fsw.filter.terrain_hypotheses import altitude_variance
from fsw.framework.kernel import kernel
from fsw.intake.clock_sync import timebase_bound_ns
from fsw.mathlib.frames import q_FI_at
from fsw.mathlib.vectors import (
    add_scaled3,
    cross3,
    dot3,
    load3,
    load4,
    norm3,
    quat_conj,
    quat_mul,
    quat_unit,
    rotate,
    scale3,
    store3,
    store4,
    sub3,
    unit3,
)

# an increment longer than this gives a mean that is too old for the rate at its end
GAP_S = 0.05


@kernel
def reset_current(nav, history, params):
    """Take the state from the grid filter, with the deviations of altitude and descent rate."""
    nav.current = nav.grid.nominal
    nav.current_next = nav.grid.imu_next
    P = nav.grid.P
    up = unit3(load3(nav.current.r_BM_I_m))
    nav.sigma_altitude_m = sqrt(altitude_variance(P, up))
    nav.sigma_v_down_mps = sqrt(max(variance_along(P, V0, up), 0.0))


@kernel
def propagate_current(nav, history, params):
    """Propagate the present state through the increments that it has not taken yet."""
    current = nav.current
    end = int(history.imu_count)
    for j in range(max(int(nav.current_next), end - IMU_SLOTS), end):
        end_ns = int(history.imu_t_ns[j % IMU_SLOTS])
        dt = float(end_ns - int(current.t_ns)) * 1e-9
        if dt > 0.0:
            dv, dtheta = increment_until(history, j, current, end_ns)
            strapdown(current, params.moon, end_ns, dv, dtheta)
            # the mean over a gap is not the present rate
            if int(history.imu_flags[j % IMU_SLOTS]) & SUMMED == 0 or dt < GAP_S:
                store3(nav.f_B_mps2, scale3(dv, 1.0 / dt))
                store3(nav.omega_B_radps, scale3(dtheta, 1.0 / dt))
    nav.current_next = end


@kernel
def unproven_latency_s(nav, params, now_ns):
    """Bound on how much later than the measurements their stamps may be [s]."""
    bound_s = float(timebase_bound_ns(nav.timebase, params.timebase, now_ns)) * 1e-9
    if int(nav.timestamps.doubtful) == 1:
        bound_s = bound_s + float(params.timestamps.doubt_s)
    return bound_s


@kernel
def altitude_m(nominal, params):
    """Footpads above the ground under the beam."""
    ground = float(params.moon.radius_m) + float(nominal.terrain_m)
    return norm3(load3(nominal.r_BM_I_m)) - ground - float(params.vehicle.footpad_below_cm_m)


@kernel
def estimate_now(estimate, nav, params, now_ns):
    """Write the present state into the estimate, in the site's frame."""
    current = nav.current
    moon = params.moon
    t_ns = int(current.t_ns)
    q_LI = quat_mul(quat_conj(load4(nav.q_FL)), q_FI_at(float(moon.omega_radps), t_ns))
    r_I = load3(current.r_BM_I_m)
    ground_speed = cross3((0.0, 0.0, float(moon.omega_radps)), r_I)
    v_ground_I = sub3(load3(current.v_BM_I_mps), ground_speed)
    r_L = rotate(q_LI, r_I)
    up_L = unit3(r_L)
    v_L = rotate(q_LI, v_ground_I)
    estimate.t_ns = t_ns
    site_radius = float(moon.radius_m) + float(params.site.height_m)
    store3(estimate.r_BL_L_m, add_scaled3(r_L, (0.0, 0.0, 1.0), -site_radius))
    store3(estimate.v_BL_L_mps, v_L)
    store4(estimate.q_LB, quat_unit(quat_mul(q_LI, load4(current.q_IB))))
    store3(estimate.omega_BL_B_radps, load3(nav.omega_B_radps))
    store3(estimate.f_B_mps2, load3(nav.f_B_mps2))
    store3(estimate.up_L, up_L)
    estimate.altitude_m = altitude_m(current, params)
    estimate.sigma_altitude_m = nav.sigma_altitude_m
    estimate.v_down_mps = -dot3(v_L, up_L)
    estimate.sigma_v_down_mps = nav.sigma_v_down_mps
    estimate.range_age_s = -1.0
    if int(nav.grid.trust.last_fused_t_ns) >= 0:
        estimate.range_age_s = float(now_ns - int(nav.grid.trust.last_fused_t_ns)) * 1e-9
