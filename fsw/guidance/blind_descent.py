"""Letting down without ranges, and the propellant clock: the speeds below which nothing slows.

The stopping-distance law alone, told of an altitude known to hundreds of metres, would crawl at
touchdown speed from kilometres up and hang there until the tanks are dry (HAKUTO-R, 2023); told
of no doubt at all it hits at speed (Resilience, 2025). So what the law asks has a floor.

Time is the currency: descending at constant speed burns g every second, so what is left above
the cost of stopping lasts t = (share dv - v) / g - reserve. Blind, with the ground believed at
h +- sigma:

  hold    never faster than a first range at lock_height still stops,
          v = sqrt(2 hold_share (a_max - g) lock_height)
  search  search_mps, or what brings the ground depth_sigma below the believed one within reach
          of the tanks, (h + depth_sigma sigma) / t, whichever is more
  touch   time that the search leaves over is spent at a speed that the legs bear, from w above
          to w below the believed ground, 2 w = touch speed times that time: there the ground is
          most probable. A window too narrow to be worth it is left out, and the search slower.

With ranges, the floor is what brings the ground within reach of the tanks, up to a steeper curve
than the law's: propellant that runs out costs more than the margin does.
"""

from math import sqrt

from fsw.framework.kernel import kernel
from fsw.framework.record import f64, record
from fsw.guidance.stopping_distance import BEND_EARLY_S, speed_curve, usable_decel
from fsw.mathlib.vectors import clamp
from fsw.models.propulsion import delta_v_left

NO_WINDOW_M = -1e9

LETDOWN_PARAMS = record(
    "LetdownParams",
    "Letting down without ranges, and the propellant clock.",
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
        "deviations below the believed ground that must stay in reach", default=3.0, lo=0.0, hi=6.0
    ),
    lock_height_m=f64(
        "height at which a first range must still come in time", default=250.0, lo=5.0, hi=5000.0
    ),
    hold_share=f64(
        "share of the spare deceleration that stops from there", default=0.75, lo=0.1, hi=1.0
    ),
    search_mps=f64("descent rate in search of the ground", default=15.0, lo=1.0, hi=200.0),
    touch_limit_mps=f64("descent rate that the legs bear", default=2.0, lo=0.3, hi=10.0),
    touch_sigma=f64("deviations of the descent rate kept from it", default=0.8, lo=0.0, hi=6.0),
    touch_margin_mps=f64("what is kept from it besides", default=0.1, lo=0.0, hi=2.0),
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
    """Descent rate with which the ground may come unseen [m/s].

    Nearly all of a blind descent rate's error comes from the altitude's, by the gravity gradient,
    and is small where the altitude's is, within the window: half of it is kept off, not 1.65 of it.
    """
    doubt = float(params.touch_sigma) * float(estimate.sigma_v_down_mps)
    v = float(params.touch_limit_mps) - doubt - float(params.touch_margin_mps)
    return max(v, float(params.touch_least_mps))


@kernel
def descent_time(params, vehicle, estimate, g_mps2):
    """Time that the propellant lasts in a descent at constant speed, the stop included [s]."""
    left = float(params.propellant_share) * delta_v_left(vehicle, float(estimate.mass_kg))
    t = (left - max(float(estimate.v_down_mps), 0.0)) / g_mps2 - float(params.reserve_s)
    return max(t, 1.0)


@kernel
def hold_speed(params, accel_max_mps2, g_mps2):
    """Descent rate from which a first range at the lock height still stops [m/s]."""
    spare = max(accel_max_mps2 - g_mps2, 0.0)
    return sqrt(2.0 * float(params.hold_share) * spare * float(params.lock_height_m))


@kernel
def search_plan(params, estimate, time_s, hold_mps, touch_mps):
    """(speed outside the window, upper edge of the window) [m/s, m above believed ground].

    Slow and within the window, what lies behind is as much wider than half of it as what the time
    left still pays for is narrower; so the speed is all the memory that the plan needs. Below the
    window nothing is left to creep with: the search goes on, for a range or for the ground.
    """
    h = float(estimate.altitude_blind_m)
    sigma = float(estimate.sigma_blind_m)
    depth_m = max(float(estimate.altitude_hi_m), h) + float(params.depth_sigma) * sigma
    fastest = max(hold_mps, 1.1 * touch_mps)
    search = clamp(float(params.search_mps), 1.1 * touch_mps, fastest)
    paid_m = (time_s - depth_m / search) * touch_mps / (1.0 - touch_mps / search)
    half_m = 0.5 * paid_m
    if h < half_m and float(estimate.v_down_mps) < 0.5 * search:
        half_m = paid_m - h
    half_m = min(half_m, float(params.window_most_sigma) * sigma)
    bingo = clamp(depth_m / time_s, touch_mps, fastest)
    if h < -half_m:
        return max(bingo, search), NO_WINDOW_M
    if half_m < float(params.window_least_sigma) * sigma:
        return bingo, NO_WINDOW_M
    return search, half_m


@kernel
def _blind_floor(params, descent, estimate, time_s, accel_max_mps2, g_mps2):
    """let_down without ranges, at full share of the clock."""
    slowest = float(descent.v_touchdown_mps)
    h = float(estimate.altitude_blind_m)
    most_m = float(params.window_most_sigma) * float(estimate.sigma_blind_m)
    # as slow as the tanks allow all the way through the widest window, if they do
    touch = clamp((h + most_m) / time_s, slowest, max(touch_speed(params, estimate), slowest))
    hold = hold_speed(params, accel_max_mps2, g_mps2)
    search, top_m = search_plan(params, estimate, time_s, hold, touch)
    t_s = float(descent.t_d_s) + BEND_EARLY_S
    a_d = usable_decel(descent, accel_max_mps2, g_mps2)
    h_m = h - top_m - float(descent.terminal_height_m)
    v, decel = speed_curve(float(estimate.v_down_mps), touch, h_m, a_d, t_s)
    if search < v:
        return search, 0.0
    return v, decel


@kernel
def _seeing_floor(params, descent, estimate, time_s, accel_max_mps2, g_mps2):
    """let_down with ranges, at full share of the clock."""
    h_lo = float(estimate.altitude_lo_m)
    spare = float(descent.thrust_share) * accel_max_mps2 - g_mps2
    a = usable_decel(descent, accel_max_mps2, g_mps2)
    a = max(min(float(params.eta_short) * spare, float(descent.decel_max_mps2)), a)
    t_s = float(descent.t_d_s) + BEND_EARLY_S
    h_m = h_lo - float(descent.h_margin_m)
    touch = touch_speed(params, estimate)
    v, decel = speed_curve(float(estimate.v_down_mps), touch, h_m, a, t_s)
    clock = max(h_lo, 0.0) / time_s
    if clock < v:
        return clock, 0.0
    return v, decel


@kernel
def let_down(params, descent, vehicle, estimate, accel_max_mps2, g_mps2):
    """(speed, deceleration) below which the descent need not be slowed [m/s, m/s^2]."""
    time_s = descent_time(params, vehicle, estimate, g_mps2)
    if is_blind(params, estimate):
        v, decel = _blind_floor(params, descent, estimate, time_s, accel_max_mps2, g_mps2)
    else:
        v, decel = _seeing_floor(params, descent, estimate, time_s, accel_max_mps2, g_mps2)
    share = float(params.clock)
    if share * v <= float(descent.v_touchdown_mps):
        return float(descent.v_touchdown_mps), 0.0
    return share * v, share * decel
