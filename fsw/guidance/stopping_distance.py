"""The stopping-distance law: never descend faster than can still be stopped above the ground.

    margin(h, v) = h - v t_d - v^2 / (2 a_d)

h is the lowest height above ground that cannot be ruled out, t_d the time until a decision
becomes thrust (navigation, guidance period, transport, lag), a_d the deceleration held back
for stopping. Mass only falls, so a_d only grows, and the true margin only improves. The cap on
the commanded descent rate is the root of the margin, the runtime assurance keeps the margin
from falling through zero, monitor and plot show it: one function serves all four.
"""

from math import sqrt
from typing import NamedTuple

from fsw.framework.kernel import kernel
from fsw.framework.record import f64, record

# least deceleration that the law counts on: it is divided by, also where thrust cannot hover
SLOWEST_DECEL_MPS2 = 0.02

# least speed to divide by, far below any speed that is flown
TINY_MPS = 1e-9

# lag and dead time of the engine behind a velocity loop at 10 Hz
BEND_EARLY_S = 0.3

DESCENT_PARAMS = record(
    "DescentParams",
    "The stopping-distance law and the speeds of the vertical descent.",
    k_sigma=f64("standard deviations taken off the altitude", default=3.0, lo=0.0, hi=6.0),
    eta=f64("share of the spare deceleration that the law counts on", default=0.7, lo=0.05, hi=1.0),
    thrust_share=f64("share of full thrust that the law counts on", default=0.95, lo=0.1, hi=1.0),
    decel_max_mps2=f64(
        "greatest deceleration counted on or commanded", default=20.0, lo=0.05, hi=20.0
    ),
    t_d_s=f64("time from a true state to the thrust that answers it", default=0.40, lo=0.0, hi=5.0),
    h_margin_m=f64("height at which the touchdown speed is reached", default=2.0, lo=0.0, hi=100.0),
    v_touchdown_mps=f64("descent rate at touchdown", default=1.2, lo=0.2, hi=3.0),
    v_approach_mps=f64("greatest descent rate in approach", default=75.0, lo=5.0, hi=200.0),
    v_descent_mps=f64("greatest descent rate in descent", default=75.0, lo=2.0, hi=200.0),
    terminal_height_m=f64(
        "height of the terminal descent at touchdown speed", default=12.0, lo=2.0, hi=500.0
    ),
    tau_v_s=f64("time constant of the descent rate loop", default=0.8, lo=0.2, hi=10.0),
    alpha_per_s=f64(
        "greatest relative rate at which runtime assurance lets the stopping margin shrink",
        default=2.5,
        lo=0.05,
        hi=20.0,
    ),
)


class Fall(NamedTuple):
    """Vertical state: descent rate, lowest altitude, deceleration counted on, gravity."""

    v_down_mps: float
    h_lo_m: float
    a_d_mps2: float
    g_mps2: float


@kernel
def lowest_altitude(params, altitude_m, sigma_m, latency_m):
    """Altitude less k sigma, less the height fallen within an unproven latency [m]."""
    return altitude_m - float(params.k_sigma) * sigma_m - latency_m


@kernel
def usable_decel(params, accel_max_mps2, g_mps2):
    """Deceleration that the law counts on at this full thrust over mass, never below 0.02 m/s^2."""
    spare = float(params.thrust_share) * accel_max_mps2 - g_mps2
    decel = min(float(params.decel_max_mps2), float(params.eta) * spare)
    return max(decel, SLOWEST_DECEL_MPS2)


@kernel
def stopping_distance(v_mps, a_d_mps2, t_d_s):
    """Height that a stop to rest takes from here, t_d before it begins included [m]."""
    if v_mps <= 0.0:
        return 0.0
    return v_mps * t_d_s + v_mps * v_mps / (2.0 * a_d_mps2)


@kernel
def stopping_margin(h_m, v_mps, a_d_mps2, t_d_s):
    """Height left after a stop that begins t_d from now [m]; negative means too fast."""
    return h_m - stopping_distance(v_mps, a_d_mps2, t_d_s)


@kernel
def stoppable_speed(h_m, a_d_mps2, t_d_s):
    """The speed at which the stopping margin is zero [m/s]; 0 when there is no height."""
    if h_m <= 0.0:
        return 0.0
    wait_mps = a_d_mps2 * t_d_s
    return sqrt(wait_mps * wait_mps + 2.0 * a_d_mps2 * h_m) - wait_mps


@kernel
def profile_decel(v_mps, v_stop_mps, a_d_mps2, t_d_s):
    """Deceleration that keeps v on the curve of stoppable speeds: v dv/dh [m/s^2]."""
    if v_mps <= 0.0:
        return 0.0
    return min(v_mps, v_stop_mps) * a_d_mps2 / (v_stop_mps + a_d_mps2 * t_d_s + TINY_MPS)


@kernel
def stopping_height(params, h_lo_m, a_d_mps2):
    """Height in which to stop to rest, so that touchdown speed is left at the ground [m]."""
    v_td = float(params.v_touchdown_mps)
    return h_lo_m + stopping_distance(v_td, a_d_mps2, float(params.t_d_s))


@kernel
def v_cap(params, h_lo_m, a_d_mps2):
    """Greatest descent rate that can still be brought to touchdown speed [m/s]."""
    h_m = stopping_height(params, h_lo_m - float(params.h_margin_m), a_d_mps2)
    return max(stoppable_speed(h_m, a_d_mps2, float(params.t_d_s)), float(params.v_touchdown_mps))


@kernel
def speed_curve(v_down_mps, v_end_mps, h_m, a_d_mps2, t_s):
    """(speed, deceleration) of the curve that comes to v_end where h is zero [m/s, m/s^2].

    The deceleration is what keeps a vehicle that falls at v_down on it; 0 at its end.
    """
    h_rest_m = h_m + stopping_distance(v_end_mps, a_d_mps2, t_s)
    v = stoppable_speed(h_rest_m, a_d_mps2, t_s)
    if v <= v_end_mps:
        return v_end_mps, 0.0
    return v, profile_decel(v_down_mps, v, a_d_mps2, t_s)


@kernel
def descent_command(params, fall, v_limit_mps, floor):
    """(speed, deceleration) commanded: the descent curve, no slower than floor, below a limit.

    The curve stays inside the cap: it reaches touchdown speed at the terminal height already, and
    bends early enough for the engine to follow, so that runtime assurance does not act in a
    nominal descent. floor is a (speed, deceleration) of fsw.guidance.blind_descent.
    """
    t_s = float(params.t_d_s) + BEND_EARLY_S
    h_m = fall.h_lo_m - float(params.terminal_height_m)
    v_td = float(params.v_touchdown_mps)
    v, decel = speed_curve(fall.v_down_mps, v_td, h_m, fall.a_d_mps2, t_s)
    if floor[0] > v:
        v, decel = floor
    if v > v_limit_mps:
        return v_limit_mps, 0.0
    return v, decel


@kernel
def assured_thrust(params, fall, u_mps2, slowest_mps):
    """Runtime assurance: raise the upward thrust acceleration u where the margin would run out.

    A control barrier function of relative degree one: with B the margin,
    dB/dt = -v + (u - g)(v/a_d + t_d) >= -alpha B, solved for u. Never slower than slowest_mps:
    the speed in excess of it bounds the correction.
    """
    t_d = float(params.t_d_s)
    v = fall.v_down_mps
    excess = v - slowest_mps
    if excess <= 0.0:
        return u_mps2
    h_m = stopping_height(params, fall.h_lo_m - float(params.h_margin_m), fall.a_d_mps2)
    b = stopping_margin(h_m, v, fall.a_d_mps2, t_d)
    rate = v - float(params.alpha_per_s) * b
    needed = fall.g_mps2 + rate / (v / fall.a_d_mps2 + t_d)
    needed = min(needed, fall.g_mps2 + excess / float(params.tau_v_s))
    return max(u_mps2, needed)
