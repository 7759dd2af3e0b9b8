"""Braking law: from orbital speed to the gate, at thrust as even as possible.

Thrust acceleration is sought as B(s) (c0 + c1 s), where s is time from now and
B(s) = 1 / (1 - s/tau) is how acceleration grows at constant thrust while propellant burns,
tau = mass c / thrust. With velocity and position that thrust must still add,

    V = v* - v - int g,   P = r* - r - v t - int int g,

and the moments Mk = int_0^t s^k B ds, the two vector conditions are linear in c0 and c1
(E-guidance, Cherry 1964, with the thrust integrals of powered explicit guidance). Thrust is
even when c1 has no part along V, which is one equation for the time to go t:

    P.V / V.V = t - M1/M0.

Its mean throttle |V| mass / (M0 T) then rises steadily while the vehicle coasts closer: that is
the ignition cue, and afterwards small changes of throttle hold the downrange. Where
full thrust does not suffice, t comes from |V| = a M0 instead and the gate slides downrange, by
as much as makes thrust even again.

Gravity, with the Coriolis term, goes from here to the gate as the distance does under even
braking, with the square of the time left. (Centrifugal acceleration, 1e-5 m/s^2, is left out.)
"""

from math import sqrt
from typing import NamedTuple

from fsw.framework.kernel import kernel
from fsw.mathlib.elementary import sin_cos
from fsw.mathlib.frames import DEG
from fsw.mathlib.vectors import add3, add_scaled3, clamp, dot3, load3, norm3, scale3, sub3

# Gauss-Legendre with three points on [0, 1]: for t < tau/2 the moments are good to 4e-4
NODE = 0.3872983346207417
WEIGHT_OUTER = 5.0 / 18.0
WEIGHT_INNER = 8.0 / 18.0

# the moments diverge where t reaches tau, all mass burnt: time used, at most, over tau
BURN_SHARE_MAX = 0.9

# bounds of the first guess of time to go: at the gate, and longer than any braking from low orbit
T_GO_LEAST_S = 1.0
T_GO_MAX_S = 2000.0

# least slope of the residual, so that a Newton step stays finite; 0.5 at constant thrust
SLOPE_MIN = 0.3

# least share of mass left for the growth of acceleration
MASS_SHARE_MIN = 0.1

# one Newton step changes the time to go by these factors at most: enough to converge in three
STEP_DOWN, STEP_UP = 0.8, 1.25

# squared cosine of downrange and velocity to gain below which sliding the gate cannot help
ALONG_MIN2 = 0.01

# least squared speed and least speed to divide by [m^2/s^2, m/s]
SPEED2_MIN = 1e-6
SPEED_MIN_MPS = 1.0


class State(NamedTuple):
    """Position [m] and velocity [m/s] in the site's frame."""

    r_L_m: tuple[float, float, float]
    v_L_mps: tuple[float, float, float]


class Aim(NamedTuple):
    """What braking solves for: gate, direction in which it may slide, and the engine.

    downrange_L: horizontal unit vector. tau_s: mass over mass flow at even thrust. accel_mps2:
    full thrust over mass.
    """

    gate: State
    downrange_L: tuple[float, float, float]
    tau_s: float
    accel_mps2: float


@kernel
def thrust_moments(t_s, tau_s):
    """(M0, M1, M2) of B(s) = 1 / (1 - s/tau) over [0, t]; t is kept below
    BURN_SHARE_MAX tau.
    """
    t = min(t_s, BURN_SHARE_MAX * tau_s)
    s1 = t * (0.5 - NODE)
    s2 = t * 0.5
    s3 = t * (0.5 + NODE)
    b1 = WEIGHT_OUTER * t * tau_s / (tau_s - s1)
    b2 = WEIGHT_INNER * t * tau_s / (tau_s - s2)
    b3 = WEIGHT_OUTER * t * tau_s / (tau_s - s3)
    return (
        b1 + b2 + b3,
        b1 * s1 + b2 * s2 + b3 * s3,
        b1 * s1 * s1 + b2 * s2 * s2 + b3 * s3 * s3,
    )


@kernel
def falling_accel(moon, site, r_BL_L_m, v_BL_L_mps):
    """Gravity of a round Moon and Coriolis acceleration, seen from the turning site [m/s^2]."""
    centre_m = float(moon.radius_m) + float(site.height_m)
    r = (r_BL_L_m[0], r_BL_L_m[1], r_BL_L_m[2] + centre_m)
    r2 = max(dot3(r, r), 1.0)
    k = -float(moon.gm_m3ps2) / (r2 * sqrt(r2))
    s_lat, c_lat = sin_cos(float(site.latitude_deg) * DEG)
    north = 2.0 * float(moon.omega_radps) * c_lat
    up = 2.0 * float(moon.omega_radps) * s_lat
    v = v_BL_L_mps
    coriolis = (up * v[1] - north * v[2], -up * v[0], north * v[0])
    return add_scaled3(coriolis, r, k)


@kernel
def to_gain(state, gate, g0, g1, t_s):
    """(V, P): velocity and position that thrust must add within t."""
    g = add_scaled3(scale3(g1, t_s * (2.0 / 3.0)), g0, t_s / 3.0)
    gg = add_scaled3(scale3(g1, 0.25 * t_s * t_s), g0, 0.25 * t_s * t_s)
    velocity = sub3(sub3(gate.v_L_mps, state.v_L_mps), g)
    position = sub3(sub3(sub3(gate.r_L_m, state.r_L_m), scale3(state.v_L_mps, t_s)), gg)
    return velocity, position


@kernel
def refine_time(velocity, position, aim, moments, t_s):
    """One Newton step of the time to go: (t, 1.0 when full thrust falls short).

    The slope takes dP/dt = V - v*, and M1/M0 = t/2 for its derivative: approximate, and the
    iteration converges all the same, by a factor of about ten a step.
    """
    m0, m1, _ = moments
    v2 = max(dot3(velocity, velocity), SPEED2_MIN)
    surplus = dot3(position, velocity) / v2 - (t_s - m1 / m0)
    slope = max(0.5 - dot3(aim.gate.v_L_mps, velocity) / v2, SLOPE_MIN)
    even = t_s - surplus / slope
    growth = 1.0 / max(1.0 - t_s / aim.tau_s, MASS_SHARE_MIN)
    shortest = t_s + (sqrt(v2) / aim.accel_mps2 - m0) / growth
    short = 1.0 if shortest > even else 0.0
    return clamp(max(even, shortest), STEP_DOWN * t_s, STEP_UP * t_s), short


@kernel
def first_guess(state, gate):
    """Time to the gate at the mean of first and last velocity [s]."""
    distance_m = norm3(sub3(gate.r_L_m, state.r_L_m))
    both_mps = max(norm3(add3(state.v_L_mps, gate.v_L_mps)), SPEED_MIN_MPS)
    return clamp(2.0 * distance_m / both_mps, T_GO_LEAST_S, T_GO_MAX_S)


@kernel
def slide_gate(velocity, position, downrange_L, moments, t_s):
    """Position to gain when the gate slides downrange until thrust is even."""
    m0, m1, _ = moments
    v2 = dot3(velocity, velocity)
    along = dot3(downrange_L, velocity)
    if along * along < ALONG_MIN2 * v2:
        return position
    surplus = dot3(position, velocity) - (t_s - m1 / m0) * v2
    return add_scaled3(position, downrange_L, -surplus / along)


@kernel
def brake_accel(velocity, position, moments, t_s):
    """Present thrust acceleration, c0 [m/s^2]."""
    m0, m1, m2 = moments
    det = m1 * m1 - m0 * m2
    lever = t_s * m0 - m1
    c1 = scale3(add_scaled3(scale3(position, m0), velocity, -lever), 1.0 / det)
    return scale3(add_scaled3(velocity, c1, -m1), 1.0 / m0)


@kernel
def steer(params, estimate, aim, last, steps):
    """Solve for the time to go and the thrust: (t, accel_L, mean accel, short).

    `last` is the last (t, short), to be refined `steps` times. The mean is |V| / M0, the present
    acceleration of even thrust.
    """
    gate = aim.gate
    state = State(load3(estimate.r_BL_L_m), load3(estimate.v_BL_L_mps))
    g0 = falling_accel(params.moon, params.site, state.r_L_m, state.v_L_mps)
    g1 = falling_accel(params.moon, params.site, gate.r_L_m, gate.v_L_mps)
    t, short = last
    for _ in range(steps):
        velocity, position = to_gain(state, gate, g0, g1, t)
        moments = thrust_moments(t, aim.tau_s)
        t, short = refine_time(velocity, position, aim, moments, t)
    velocity, position = to_gain(state, gate, g0, g1, t)
    moments = thrust_moments(t, aim.tau_s)
    if short > 0.0:
        position = slide_gate(velocity, position, aim.downrange_L, moments, t)
    accel = brake_accel(velocity, position, moments, t)
    return t, accel, norm3(velocity) / moments[0], short
