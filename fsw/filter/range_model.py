"""The rangefinder's measurement model: one beam against one sphere of ground.

Ground under the beam is the sphere of radius R_g = R_moon + terrain. With the beam from
p along unit s, |p + rho s| = R_g; at the point hit, n is the outward normal, and
    d rho = (d R_g - n . dp - rho n . (theta x s)) / (n . s).
"""

from math import sqrt

from fsw.framework.kernel import kernel
from fsw.mathlib.elementary import sin_cos
from fsw.mathlib.frames import DEG
from fsw.mathlib.vectors import add3, add_scaled3, cross3, dot3, load3, load4, rotate, scale3

# cosine of 72.5 deg: beyond that incidence relief dominates where the beam meets the ground
COS_INCIDENCE_MIN = 0.3


@kernel
def beam_B(vehicle):
    """(origin, direction) of the beam in body axes, from the centre of mass."""
    s, c = sin_cos(float(vehicle.range_cant_deg) * DEG)
    return ((0.0, 0.0, -float(vehicle.range_below_cm_m)), (s, 0.0, -c))


@kernel
def predict_range(moon, vehicle, nominal):
    """(hits, range_m, d/dr, d/dtheta, d/dterrain, point hit) at the nominal state, frame I.

    hits is 0 when the beam misses the Moon or grazes it, at more than 72.5 deg from the normal.
    """
    origin_B, direction_B = beam_B(vehicle)
    q = load4(nominal.q_IB)
    s = rotate(q, direction_B)
    p = add3(load3(nominal.r_BM_I_m), rotate(q, origin_B))
    ground = float(moon.radius_m) + float(nominal.terrain_m)
    along = dot3(p, s)
    reach2 = along * along - (dot3(p, p) - ground * ground)
    zero = (0.0, 0.0, 0.0)
    if reach2 <= 0.0 or along >= 0.0:
        return (0, 0.0, zero, zero, 0.0, zero)
    rho = -along - sqrt(reach2)
    hit = add_scaled3(p, s, rho)
    n = scale3(hit, 1.0 / ground)
    incidence = dot3(n, s)
    if incidence > -COS_INCIDENCE_MIN:
        return (0, 0.0, zero, zero, 0.0, zero)
    d_r = scale3(n, -1.0 / incidence)
    d_theta = scale3(cross3(s, n), -rho / incidence)
    return (1, rho, d_r, d_theta, 1.0 / incidence, hit)
