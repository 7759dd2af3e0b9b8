"""The Moon under the vehicle: the site's axes, heights, and the speed of the ground.

Positions near the ground are given in *site axes*: directions east, north and up of the site,
origin still at the Moon's centre. Gravity is the flight software's formula with the true
Moon's figures; tests hold it against physics.
"""

from math import sqrt

from fsw.framework.kernel import kernel
from fsw.mathlib.frames import q_FI_at
from fsw.mathlib.vectors import load4, norm3, quat_mul, scale3


@kernel
def q_LI_true(world, t_ns):
    """Takes inertial components to east, north, up of the true site at a time."""
    return quat_mul(load4(world.errors.q_LF), q_FI_at(float(world.moon.omega_radps), t_ns))


@kernel
def height_over_mean_m(world, r_I_m):
    """Height above the mean radius; the same in every frame about the Moon's centre."""
    return norm3(r_I_m) - float(world.moon.radius_m)


@kernel
def ground_velocity(world, r_I_m):
    """Inertial velocity of ground that turns with the Moon, at an inertial position [m/s]."""
    omega = float(world.moon.omega_radps)
    return (-omega * r_I_m[1], omega * r_I_m[0], 0.0)


@kernel
def map_place(world, r_site_m):
    """(east, north) on the map of the terrain, from a position in site axes [m].

    Orthographic: good to a metre within 10 km of the site; a quarter of the Moon away it is not
    unique, where nothing touches the ground.
    """
    k = float(world.moon.radius_m) / sqrt(
        r_site_m[0] * r_site_m[0] + r_site_m[1] * r_site_m[1] + r_site_m[2] * r_site_m[2]
    )
    return (r_site_m[0] * k, r_site_m[1] * k)


@kernel
def at_height(world, r_site_m, height_m):
    """The point straight above or below a position, at a height above the mean radius."""
    return scale3(r_site_m, (float(world.moon.radius_m) + height_m) / norm3(r_site_m))
