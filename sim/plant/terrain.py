"""The ground: a deterministic height over the map of the site, fast enough to march a ray through.

Height is a sum of: regional slope that levels off, value noise on four lattices (swells down to
pebbles), craters of three sizes, and one step where a scenario sets it. A lattice cell's features
are hashed from its indices, so the ground is unbounded and needs no memory. A crater stays inside
its own cell, so each size needs one hash. Craters near the site are shallow, as at a site chosen
for that. The ground is continuous everywhere; its slope jumps at rims.

Heights are above the mean radius [m]; x is east, y north of the site along the ground [m].
"""

from math import sqrt

import numpy as np

from fsw.framework.kernel import kernel
from fsw.mathlib.elementary import floor_int, sin_cos
from fsw.mathlib.frames import DEG
from fsw.mathlib.vectors import add3, cross3, dot3, norm3, sub3, unit3
from sim.common.random_streams import Stream, fraction, mix, stream_key
from sim.plant.moon import at_height, map_place
from sim.plant.world import CRATER_LAYERS, NOISE_LAYERS

# Odd constants that spread lattice coordinates over 64 bits (those of xxHash64's primes).
PRIME_X = np.uint64(0x9E3779B185EBCA87)
PRIME_Y = np.uint64(0xC2B2AE3D27D4EB4F)
PRIME_LAYER = np.uint64(0x165667B19E3779F9)
U21 = np.uint64(21)
LOW_21 = np.uint64(0x1FFFFF)
TWO_TO_MINUS_21 = 1.0 / 2097152.0

# offset of cell indices, so that hashed coordinates are never negative
CELL_ORIGIN = 1 << 40

# largest crater radius over its cell; a rim's apron ends at twice the radius
CRATER_SIZE = 0.22

# radius of the smallest crater of a size over the largest
CRATER_SMALLEST = 0.35

# Lattices are turned against each other and shifted, or every ground track along a map axis
# would run between the craters. (cosine, sine) are of Pythagorean triples.
TURN_COS = (4.0 / 5.0, 12.0 / 13.0, 8.0 / 17.0, 24.0 / 25.0)
TURN_SIN = (3.0 / 5.0, 5.0 / 13.0, 15.0 / 17.0, 7.0 / 25.0)
SHIFT = 0.37

# width of the transition around the calm area, in its radii
CALM_FADE = 1.0


@kernel
def _cell_bits(key, layer, i, j):
    return mix(
        key
        + np.uint64(i + CELL_ORIGIN) * PRIME_X
        + np.uint64(j + CELL_ORIGIN) * PRIME_Y
        + np.uint64(layer) * PRIME_LAYER
    )


@kernel
def _lattice(layer, cell_m, x_m, y_m):
    """A place on the map in the turned, shifted lattice of a layer, in cells."""
    c = TURN_COS[layer]
    s = TURN_SIN[layer]
    return ((c * x_m + s * y_m) / cell_m + SHIFT, (c * y_m - s * x_m) / cell_m + SHIFT)


@kernel
def _smooth(t):
    """From 0 to 1 with level ends."""
    return t * t * (3.0 - 2.0 * t)


@kernel
def value_noise(key, layer, cell_m, x_m, y_m):
    """Smooth noise in [-1, 1): hashed at the corners of a lattice, blended between."""
    u, v = _lattice(layer, cell_m, x_m, y_m)
    i = floor_int(u)
    j = floor_int(v)
    a = _smooth(u - float(i))
    b = _smooth(v - float(j))
    south = fraction(_cell_bits(key, layer, i, j)) * (1.0 - a)
    south = south + fraction(_cell_bits(key, layer, i + 1, j)) * a
    north = fraction(_cell_bits(key, layer, i, j + 1)) * (1.0 - a)
    north = north + fraction(_cell_bits(key, layer, i + 1, j + 1)) * a
    return 2.0 * (south + (north - south) * b) - 1.0


@kernel
def _crater(terrain, key, layer, x_m, y_m):
    """Height of this size's crater at a place: bowl, rim, apron, or 0."""
    cell = float(terrain.crater_cell_m[layer])
    u, v = _lattice(layer, cell, x_m, y_m)
    i = floor_int(u)
    j = floor_int(v)
    bits = _cell_bits(key, layer, i, j)
    share = float(np.int64(bits & LOW_21)) * TWO_TO_MINUS_21
    across = float(np.int64((bits >> U21) & LOW_21)) * TWO_TO_MINUS_21
    along = float(np.int64((bits >> U21 >> U21) & LOW_21)) * TWO_TO_MINUS_21
    if share >= float(terrain.crater_share):
        return 0.0
    # where there is a crater, the same draw gives its size
    size = CRATER_SMALLEST + (1.0 - CRATER_SMALLEST) * share / float(terrain.crater_share)
    radius = CRATER_SIZE * size
    du = u - float(i) - 2.0 * radius - (1.0 - 4.0 * radius) * across
    dv = v - float(j) - 2.0 * radius - (1.0 - 4.0 * radius) * along
    rho2 = (du * du + dv * dv) / (radius * radius)
    if rho2 >= 4.0:
        return 0.0
    radius = radius * cell
    rim = float(terrain.crater_rim) * radius
    if rho2 < 1.0:
        return rim * rho2 - float(terrain.crater_depth) * radius * (1.0 - rho2)
    fall = 2.0 - sqrt(rho2)
    return rim * fall * fall


@kernel
def _calm(terrain, x_m, y_m):
    """Depth of craters at a place, as a share: calm_share near the site, 1 far away."""
    calm = float(terrain.calm_share)
    radius = float(terrain.calm_radius_m)
    d2 = x_m * x_m + y_m * y_m
    outer = radius * (1.0 + CALM_FADE)
    if d2 <= radius * radius:
        return calm
    if d2 >= outer * outer:
        return 1.0
    t = (sqrt(d2) - radius) / (outer - radius)
    return calm + (1.0 - calm) * _smooth(t)


@kernel
def _levelled(slope, x_m, reach_m):
    """slope * x near the site, slope * reach far from it."""
    t = x_m / reach_m
    return slope * x_m / sqrt(1.0 + t * t)


@kernel
def _step(terrain, axis, x_m, y_m):
    """The step: 0 before it, its whole height beyond, level at both ends of its run."""
    run = (x_m - float(terrain.step_x_m)) * axis[0] + (y_m - float(terrain.step_y_m)) * axis[1]
    t = run / float(terrain.step_width_m) + 0.5
    if t <= 0.0:
        return 0.0
    if t >= 1.0:
        return float(terrain.step_m)
    return float(terrain.step_m) * _smooth(t)


@kernel
def relief(world, x_m, y_m):
    """Height of the ground at a place, before it is shifted to the site's true height [m]."""
    terrain = world.terrain
    noise_key = stream_key(int(world.seed), Stream.NOISE_GROUND)
    h = 0.0
    for k in range(NOISE_LAYERS):
        cell = float(terrain.noise_cell_m[k])
        h = h + float(terrain.noise_height_m[k]) * value_noise(noise_key, k, cell, x_m, y_m)
    crater_key = stream_key(int(world.seed), Stream.CRATERS)
    craters = 0.0
    for k in range(CRATER_LAYERS):
        craters = craters + _crater(terrain, crater_key, k, x_m, y_m)
    h = h + craters * _calm(terrain, x_m, y_m)
    reach = float(terrain.slope_reach_m)
    h = h + _levelled(float(terrain.slope_east) + float(world.errors.slope[0]), x_m, reach)
    h = h + _levelled(float(terrain.slope_north) + float(world.errors.slope[1]), y_m, reach)
    axis = (float(world.errors.step_axis[0]), float(world.errors.step_axis[1]))
    return h + _step(terrain, axis, x_m, y_m)


@kernel
def ground_height_m(world, r_site_m):
    """Height of the ground above the mean radius, under a position in site axes."""
    x, y = map_place(world, r_site_m)
    return relief(world, x, y) + float(world.errors.ground_m)


@kernel
def clearance_m(world, r_site_m):
    """Height of a position in site axes above the ground straight below it."""
    height = norm3(r_site_m) - float(world.moon.radius_m)
    return height - ground_height_m(world, r_site_m)


@kernel
def ground_normal(world, r_site_m, span_m):
    """Unit normal of the ground under a position, in site axes, over a footprint of span_m."""
    up = unit3(r_site_m)
    east = unit3((up[2], 0.0, -up[0]))
    north = cross3(up, east)
    h = ground_height_m(world, r_site_m)
    ahead = add3(r_site_m, (east[0] * span_m, east[1] * span_m, east[2] * span_m))
    left = add3(r_site_m, (north[0] * span_m, north[1] * span_m, north[2] * span_m))
    here = at_height(world, r_site_m, h)
    a = sub3(at_height(world, ahead, ground_height_m(world, ahead)), here)
    b = sub3(at_height(world, left, ground_height_m(world, left)), here)
    normal = unit3(cross3(a, b))
    if dot3(normal, up) <= 0.0:
        return up
    return normal


@kernel
def albedo_at(world, r_site_m):
    """Normal albedo of the ground under a position in site axes."""
    terrain = world.terrain
    x, y = map_place(world, r_site_m)
    key = stream_key(int(world.seed), Stream.ALBEDO)
    noise = value_noise(key, 0, float(terrain.albedo_cell_m), x, y)
    return float(terrain.albedo) * (1.0 + float(terrain.albedo_spread) * noise)


@kernel
def settle_terrain(world, site_error_m):
    """Derive the constants of the height function for a run, and set the site's true height.

    site_error_m: true minus mapped height of the site.
    """
    terrain = world.terrain
    errors = world.errors
    s, c = sin_cos(float(terrain.step_azimuth_deg) * DEG)
    errors.step_axis[0] = s
    errors.step_axis[1] = c
    errors.site_height_m = float(world.site.height_m) + site_error_m
    errors.ground_m = float(errors.site_height_m) - relief(world, 0.0, 0.0)
    top = float(errors.ground_m) + max(float(terrain.step_m), 0.0)
    for k in range(NOISE_LAYERS):
        top = top + float(terrain.noise_height_m[k])
    for k in range(CRATER_LAYERS):
        top = top + float(terrain.crater_rim) * CRATER_SIZE * float(terrain.crater_cell_m[k])
    reach = float(terrain.slope_reach_m)
    top = top + abs(float(terrain.slope_east) + float(errors.slope[0])) * reach
    errors.relief_m = top + abs(float(terrain.slope_north) + float(errors.slope[1])) * reach
