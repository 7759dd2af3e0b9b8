"""Frames: I Moon-centred inertial, L at the landing site with x east, y north, z up, B body.

I and the Moon-fixed frame F share the pole (z) and coincide at flight time 0; F turns with
the Moon. L is fixed in F. Body z is the thrust axis.
"""

from fsw.framework.kernel import kernel
from fsw.mathlib.elementary import PI, sin_cos
from fsw.mathlib.vectors import cross3, quat_of_axes

DEG = PI / 180.0


@kernel
def q_FI_at(omega_radps, t_ns):
    """Attitude of I seen from F: takes I components to F components at a flight time."""
    half = 0.5 * omega_radps * (float(t_ns) * 1e-9)
    s, c = sin_cos(half)
    return (c, 0.0, 0.0, -s)


@kernel
def up_at(latitude_deg, longitude_deg):
    """Unit vector up, in F, at a place on the sphere."""
    s_lat, c_lat = sin_cos(latitude_deg * DEG)
    s_lon, c_lon = sin_cos(longitude_deg * DEG)
    return (c_lat * c_lon, c_lat * s_lon, s_lat)


@kernel
def q_FL_at(latitude_deg, longitude_deg):
    """Attitude of the local frame east, north, up seen from F."""
    s_lon, c_lon = sin_cos(longitude_deg * DEG)
    east = (-s_lon, c_lon, 0.0)
    up = up_at(latitude_deg, longitude_deg)
    return quat_of_axes(east, cross3(up, east), up)
