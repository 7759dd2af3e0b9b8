"""Onboard model of the Moon's gravity: central term and J2.

Vallado, Fundamentals of Astrodynamics, section 8.6: with z along the pole and s = z / r,
a = -GM/r**3 [ r - 3/2 J2 (R/r)**2 ( (5 s**2 - 1) r - 2 z k ) ].
"""

from math import sqrt

from fsw.framework.kernel import kernel

# squared radius below which there is no field to compute, at the Moon's centre [m^2]
R2_MIN_M2 = 1.0


@kernel
def gravity_mps2(moon, r_I_m):
    """Gravitational acceleration at an inertial position, in inertial components."""
    r2 = r_I_m[0] * r_I_m[0] + r_I_m[1] * r_I_m[1] + r_I_m[2] * r_I_m[2]
    if r2 < R2_MIN_M2:
        return (0.0, 0.0, 0.0)
    central = -float(moon.gm_m3ps2) / (r2 * sqrt(r2))
    radius = float(moon.gravity_radius_m)
    oblate = 1.5 * float(moon.j2) * radius * radius / r2
    s2 = r_I_m[2] * r_I_m[2] / r2
    equatorial = central * (1.0 + oblate * (1.0 - 5.0 * s2))
    polar = central * (1.0 + oblate * (3.0 - 5.0 * s2))
    return (equatorial * r_I_m[0], equatorial * r_I_m[1], polar * r_I_m[2])


@kernel
def tidal_tensor_scale(moon, r_I_m):
    """(k, u): the gravity gradient is k (3 u u' - 1), central term only, in 1/s**2."""
    r2 = r_I_m[0] * r_I_m[0] + r_I_m[1] * r_I_m[1] + r_I_m[2] * r_I_m[2]
    if r2 < R2_MIN_M2:
        return (0.0, (0.0, 0.0, 0.0))
    r = sqrt(r2)
    return (float(moon.gm_m3ps2) / (r2 * r), (r_I_m[0] / r, r_I_m[1] / r, r_I_m[2] / r))


@kernel
def surface_gravity(moon, site):
    """Gravity at the site [m/s^2]."""
    r_m = float(moon.radius_m) + float(site.height_m)
    return float(moon.gm_m3ps2) / (r_m * r_m)
