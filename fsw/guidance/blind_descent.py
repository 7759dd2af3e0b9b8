"""Blind descent and the propellant clock: the floor of descent rates, below which no law slows.

The stopping-distance law alone, with an altitude known to hundreds of metres, would descend at
touchdown speed from kilometres up until the tanks are dry (HAKUTO-R, 2023); with an altitude that
is taken as exact it impacts at speed (Resilience, 2025). So the descent rate has a floor.

A descent at constant speed spends g of delta-v every second, so the delta-v left after the cost of
stopping lasts t = (share dv - v) / g - reserve. Without ranges, with the ground estimated at
h +- sigma:

  hold    never faster than a first range at lock_height still stops,
          v = sqrt(2 hold_share (a_max - g) lock_height)
  search  search_mps, or the speed that reaches ground depth_sigma below the estimate before the
          tanks are dry, (h + depth_sigma sigma) / t, whichever is more
  touch   the time left after the search is spent at a speed that the legs withstand, from w above
          to w below the estimated ground, 2 w = touch speed times that time: there the ground is
          most probable. A window too narrow to help is left out, and the search is slower.

With ranges, the floor is the speed that reaches the ground before the tanks are dry, up to a
steeper curve than the law's: running out of propellant costs more than a smaller margin.
"""

from math import sqrt

from fsw.framework.kernel import kernel
from fsw.framework.record import f64, record
from fsw.guidance.stopping_distance import BEND_EARLY_S, speed_curve, usable_decel
from fsw.mathlib.vectors import clamp
from fsw.models.propulsion import delta_v_left

# upper edge of a window that does not exist: below any altitude
NO_WINDOW_M = -1e9

# least time that a descent is planned for: it is divided by
TIME_MIN_S = 1.0

# the search is faster than the touch speed by at least this factor: slower than that, the window
# would be all of the descent
SEARCH_OVER_TOUCH = 1.1

LETDOWN_PARAMS = record(
    "LetdownParams",
    "Blind descent, and the propellant clock.",
    clock=f64(
        "share of its speed that the propellant clock may command; 0: none, hover until dry",
        default=1.0,
        lo=0.0,
        hi=1.0,
    ),
    propellant_share=f64("share of the delta-v left that counts", default=0.95, lo=0.1, hi=1.0),
    reserve_s=f64("time of hover kept back", default=8.0, lo=0.0, hi=600.0),
    blind_after_s=f64(
        "age of the newest range beyond which the descent is blind", default=3.0, lo=0.2, hi=1e4
    ),
    depth_sigma=f64(
        "deviations below the estimated ground that must stay in reach", default=3.0, lo=0.0, hi=6.0
    ),
    lock_height_m=f64(
        "height at which a first range must still come in time", default=250.0, lo=5.0, hi=5000.0
    ),
    hold_share=f64(
        "share of the spare deceleration used for the stop from there", default=0.75, lo=0.1, hi=1.0
    ),
    search_mps=f64("descent rate in search of the ground", default=15.0, lo=1.0, hi=200.0),
    touch_limit_mps=f64("descent rate that the legs withstand", default=2.0, lo=0.3, hi=10.0),
    touch_sigma=f64(
        "deviations of the descent rate subtracted from it", default=0.8, lo=0.0, hi=6.0
    ),
    touch_margin_mps=f64("further margin subtracted from it", default=0.1, lo=0.0, hi=2.0),
    touch_least_mps=f64("slowest blind descent", default=1.0, lo=0.1, hi=10.0),
    window_least_sigma=f64(
        "half window, in deviations of the altitude, below which there is none",
        default=0.25,
        lo=0.0,
        hi=6.0,
    ),
    window_most_sigma=f64("widest half window", default=3.0, lo=0.0, hi=6.0),
    eta_short=f64(
        "share of the spare deceleration counted on when propellant is short",
        default=0.9,
        lo=0.05,
        hi=1.0,
    ),
)


@kernel
def is_blind(params, estimate):
    """True when no range has been fused, or none for long."""
    age_s = float(estimate.range_age_s)
    return age_s < 0.0 or age_s > float(params.blind_after_s)


@kernel
def touch_speed(params, estimate):
    """Descent rate for ground contact without ranges [m/s].

    Nearly all of a blind descent rate's error comes from the altitude's, by the gravity gradient,
    and is small where the altitude's is, within the window: touch_sigma of it is subtracted, less
    than the 1.65 of an independent error.
    """
    uncertain_mps = float(params.touch_sigma) * float(estimate.sigma_v_down_mps)
    v = float(params.touch_limit_mps) - uncertain_mps - float(params.touch_margin_mps)
    return max(v, float(params.touch_least_mps))


@kernel
def descent_time(params, vehicle, estimate, g_mps2):
    """Time that the propellant lasts in a descent at constant speed, the stop included [s]."""
    left = float(params.propellant_share) * delta_v_left(vehicle, float(estimate.mass_kg))
    t = (left - max(float(estimate.v_down_mps), 0.0)) / g_mps2 - float(params.reserve_s)
    return max(t, TIME_MIN_S)


@kernel
def hold_speed(params, accel_max_mps2, g_mps2):
    """Descent rate from which a first range at the lock height still stops [m/s]."""
    spare = max(accel_max_mps2 - g_mps2, 0.0)
    return sqrt(2.0 * float(params.hold_share) * spare * float(params.lock_height_m))


@kernel
def search_plan(params, estimate, time_s, hold_mps, touch_mps):
    """(speed outside the window, upper edge of the window) [m/s, m above the estimated ground].

    Within the window, at touch speed, the part above the vehicle exceeds half the window by as much
    as the part that the remaining time allows is short of it; so the descent rate is the only
    memory that the plan needs. Below the window no time is left for touch speed: the search
    continues, for a range or for the ground.
    """
    h = float(estimate.altitude_blind_m)
    sigma = float(estimate.sigma_blind_m)
    depth_m = max(float(estimate.altitude_hi_m), h) + float(params.depth_sigma) * sigma
    slowest = SEARCH_OVER_TOUCH * touch_mps
    fastest = max(hold_mps, slowest)
    search = clamp(float(params.search_mps), slowest, fastest)
    window_m = (time_s - depth_m / search) * touch_mps / (1.0 - touch_mps / search)
    half_m = 0.5 * window_m
    if h < half_m and float(estimate.v_down_mps) < 0.5 * search:
        half_m = window_m - h
    half_m = min(half_m, float(params.window_most_sigma) * sigma)
    least = clamp(depth_m / time_s, touch_mps, fastest)
    if h < -half_m:
        return max(least, search), NO_WINDOW_M
    if half_m < float(params.window_least_sigma) * sigma:
        return least, NO_WINDOW_M
    return search, half_m


@kernel
def _blind_floor(params, estimate, time_s, accel_max_mps2, g_mps2):
    """descent_floor without ranges, at full share of the clock."""
    letdown = params.letdown
    descent = params.descent
    slowest = float(descent.v_touchdown_mps)
    h = float(estimate.altitude_blind_m)
    most_m = float(letdown.window_most_sigma) * float(estimate.sigma_blind_m)
    # as slow as propellant allows through the widest window, where it does
    touch = clamp((h + most_m) / time_s, slowest, max(touch_speed(letdown, estimate), slowest))
    hold = hold_speed(letdown, accel_max_mps2, g_mps2)
    search, top_m = search_plan(letdown, estimate, time_s, hold, touch)
    t_s = float(descent.t_d_s) + BEND_EARLY_S
    a_d = usable_decel(descent, accel_max_mps2, g_mps2)
    h_m = h - top_m - float(descent.terminal_height_m)
    v, decel = speed_curve(float(estimate.v_down_mps), touch, h_m, a_d, t_s)
    if search < v:
        return search, 0.0
    return v, decel


@kernel
def _floor_with_ranges(params, estimate, time_s, accel_max_mps2, g_mps2):
    """descent_floor with ranges, at full share of the clock."""
    letdown = params.letdown
    descent = params.descent
    h_lo = float(estimate.altitude_lo_m)
    spare = float(descent.thrust_share) * accel_max_mps2 - g_mps2
    a = usable_decel(descent, accel_max_mps2, g_mps2)
    a = max(min(float(letdown.eta_short) * spare, float(descent.decel_max_mps2)), a)
    t_s = float(descent.t_d_s) + BEND_EARLY_S
    h_m = h_lo - float(descent.h_margin_m)
    touch = touch_speed(letdown, estimate)
    v, decel = speed_curve(float(estimate.v_down_mps), touch, h_m, a, t_s)
    clock = max(h_lo, 0.0) / time_s
    if clock < v:
        return clock, 0.0
    return v, decel


@kernel
def descent_floor(params, estimate, accel_max_mps2, g_mps2):
    """(speed, deceleration) below which the descent is not slowed [m/s, m/s^2]."""
    letdown = params.letdown
    time_s = descent_time(letdown, params.vehicle, estimate, g_mps2)
    if is_blind(letdown, estimate):
        v, decel = _blind_floor(params, estimate, time_s, accel_max_mps2, g_mps2)
    else:
        v, decel = _floor_with_ranges(params, estimate, time_s, accel_max_mps2, g_mps2)
    share = float(letdown.clock)
    v_touchdown = float(params.descent.v_touchdown_mps)
    if share * v <= v_touchdown:
        return v_touchdown, 0.0
    return share * v, share * decel
