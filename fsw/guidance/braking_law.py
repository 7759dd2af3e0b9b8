"""Braking: from orbital speed to the gate, at a thrust that stays as even as it can.

Thrust acceleration is sought as B(s) (c0 + c1 s), where s is time from now and
B(s) = 1 / (1 - s/tau) is how acceleration grows at constant thrust while propellant burns,
tau = mass c / thrust. With velocity and position still to be gained by thrust,

    V = v* - v - int g,   P = r* - r - v t - int int g,

and the moments Mk = int_0^t s^k B ds, the two vector conditions are linear in c0 and c1
(E-guidance, Cherry 1964, with the thrust integrals of powered explicit guidance). Thrust is
even when c1 has no part along V, which is one equation for the time to go t:

    P.V / V.V = t - M1/M0.

Its mean throttle |V| mass / (M0 T) then rises steadily while the vehicle coasts closer: that is
the ignition cue, and afterwards the throttle's small moves are what holds the downrange. Where
full thrust does not suffice, t comes from |V| = a M0 instead and the gate slides downrange, by
as much as makes thrust even again.

Gravity, with the Coriolis term, goes from here to the gate as the distance does under even
braking, with the square of the time left. (Centrifugal acceleration, 1e-5 m/s^2, is left out.)
"""

from math import sqrt

from fsw.framework.kernel import kernel
from fsw.mathlib.elementary import sin_cos
from fsw.mathlib.frames import DEG
from fsw.mathlib.vectors import add3, add_scaled3, clamp, dot3, load3, norm3, scale3, sub3

# Gauss-Legendre with three points on [0, 1]: for t < tau/2 the moments are good to 4e-4
NODE = 0.3872983346207417
WEIGHT_OUTER = 5.0 / 18.0
WEIGHT_INNER = 8.0 / 18.0


@kernel
def thrust_moments(t_s, tau_s):
    """(M0, M1, M2) of B(s) = 1 / (1 - s/tau) over [0, t]; t is kept below 0.9 tau."""
    t = min(t_s, 0.9 * tau_s)
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
    """(V, P): velocity and position that thrust must add within t; state and gate are (r, v)."""
    g = add_scaled3(scale3(g1, t_s * (2.0 / 3.0)), g0, t_s / 3.0)
    gg = add_scaled3(scale3(g1, 0.25 * t_s * t_s), g0, 0.25 * t_s * t_s)
    velocity = sub3(sub3(gate[1], state[1]), g)
    position = sub3(sub3(sub3(gate[0], state[0]), scale3(state[1], t_s)), gg)
    return velocity, position


@kernel
def refine_time(velocity, position, v_gate, moments, t_s, tau_s, accel_mps2):
    """One Newton step of the time to go: (t, 1.0 when full thrust accel_mps2 falls short).

    The slope takes dP/dt = V - v*, and M1/M0 = t/2 for its derivative: approximate, and the
    iteration converges all the same, by a factor of about ten a step.
    """
    m0, m1, _ = moments
    v2 = max(dot3(velocity, velocity), 1e-6)
    surplus = dot3(position, velocity) / v2 - (t_s - m1 / m0)
    slope = max(0.5 - dot3(v_gate, velocity) / v2, 0.3)
    even = t_s - surplus / slope
    growth = 1.0 / max(1.0 - t_s / tau_s, 0.1)
    shortest = t_s + (sqrt(v2) / accel_mps2 - m0) / growth
    short = 1.0 if shortest > even else 0.0
    return clamp(max(even, shortest), 0.8 * t_s, 1.25 * t_s), short


@kernel
def first_guess(state, gate):
    """Time to cover the way to the gate at the mean of first and last speed [s]."""
    way_m = norm3(sub3(gate[0], state[0]))
    return clamp(2.0 * way_m / max(norm3(add3(state[1], gate[1])), 1.0), 1.0, 2000.0)


@kernel
def slide_gate(velocity, position, downrange_L, moments, t_s):
    """Position to gain when the gate slides downrange until thrust is even."""
    m0, m1, _ = moments
    v2 = dot3(velocity, velocity)
    along = dot3(downrange_L, velocity)
    if along * along < 0.01 * v2:
        return position
    surplus = dot3(position, velocity) - (t_s - m1 / m0) * v2
    return add_scaled3(position, downrange_L, -surplus / along)


@kernel
def brake_accel(velocity, position, moments, t_s):
    """Thrust acceleration of now, c0 [m/s^2]."""
    m0, m1, m2 = moments
    det = m1 * m1 - m0 * m2
    lever = t_s * m0 - m1
    c1 = scale3(add_scaled3(scale3(position, m0), velocity, -lever), 1.0 / det)
    return scale3(add_scaled3(velocity, c1, -m1), 1.0 / m0)


@kernel
def steer(moon, site, estimate, gate, downrange_L, last, tau_s, accel_mps2, steps):
    """Solve for the time to go and the thrust: (t, accel_L, mean accel, short).

    `last` is the last (t, short), to be refined `steps` times; accel_mps2 is full thrust over
    mass. The mean is |V| / M0, what even thrust would give now.
    """
    state = (load3(estimate.r_BL_L_m), load3(estimate.v_BL_L_mps))
    g0 = falling_accel(moon, site, state[0], state[1])
    g1 = falling_accel(moon, site, gate[0], gate[1])
    t, short = last
    for _ in range(steps):
        velocity, position = to_gain(state, gate, g0, g1, t)
        moments = thrust_moments(t, tau_s)
        t, short = refine_time(velocity, position, gate[1], moments, t, tau_s, accel_mps2)
    velocity, position = to_gain(state, gate, g0, g1, t)
    moments = thrust_moments(t, tau_s)
    if short > 0.0:
        position = slide_gate(velocity, position, downrange_L, moments, t)
    accel = brake_accel(velocity, position, moments, t)
    return t, accel, norm3(velocity) / moments[0], short
