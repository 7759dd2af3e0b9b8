"""Vectors and quaternions as tuples, which no kernel can change in place.

Quaternions are Hamilton, scalar first. `q_LB` takes B components to L components, and
`r_BL_L_m` is the position of B with respect to L in L components: adjacent letters cancel.
"""

from math import sqrt

from fsw.framework.kernel import kernel

# length below which a vector counts as zero: a part may then be too small to square
TINY = 1e-300

# 1 + cosine below which two unit vectors are opposite, and cosine of an axis too near to x
OPPOSITE = 1e-12
NEARLY_ALONG_X = 0.9


@kernel
def load3(a):
    """An array of three, as a tuple of float64."""
    return (float(a[0]), float(a[1]), float(a[2]))


@kernel
def store3(a, v):
    """Write a tuple of three into an array."""
    a[0] = v[0]
    a[1] = v[1]
    a[2] = v[2]


@kernel
def load4(a):
    """An array of four, as a tuple of float64."""
    return (float(a[0]), float(a[1]), float(a[2]), float(a[3]))


@kernel
def store4(a, q):
    """Write a tuple of four into an array."""
    a[0] = q[0]
    a[1] = q[1]
    a[2] = q[2]
    a[3] = q[3]


@kernel
def add3(a, b):
    """a + b."""
    return (a[0] + b[0], a[1] + b[1], a[2] + b[2])


@kernel
def sub3(a, b):
    """a - b."""
    return (a[0] - b[0], a[1] - b[1], a[2] - b[2])


@kernel
def scale3(a, s):
    """a times the scalar s."""
    return (a[0] * s, a[1] * s, a[2] * s)


@kernel
def add_scaled3(a, b, s):
    """a + b s."""
    return (a[0] + b[0] * s, a[1] + b[1] * s, a[2] + b[2] * s)


@kernel
def dot3(a, b):
    """Inner product."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@kernel
def cross3(a, b):
    """a x b, right-handed."""
    return (
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    )


@kernel
def norm3(a):
    """Euclidean length."""
    return sqrt(a[0] * a[0] + a[1] * a[1] + a[2] * a[2])


@kernel
def unit3(a):
    """a / |a|, or zero when a is zero: no kernel makes a NaN."""
    n = norm3(a)
    if n < TINY:
        return (0.0, 0.0, 0.0)
    return (a[0] / n, a[1] / n, a[2] / n)


@kernel
def clamp(x, lo, hi):
    """x, but not below lo nor above hi."""
    if x < lo:
        return lo
    if x > hi:
        return hi
    return x


@kernel
def quat_mul(p, q):
    """Hamilton product: q_AC = quat_mul(q_AB, q_BC)."""
    return (
        p[0] * q[0] - p[1] * q[1] - p[2] * q[2] - p[3] * q[3],
        p[0] * q[1] + p[1] * q[0] + p[2] * q[3] - p[3] * q[2],
        p[0] * q[2] - p[1] * q[3] + p[2] * q[0] + p[3] * q[1],
        p[0] * q[3] + p[1] * q[2] - p[2] * q[1] + p[3] * q[0],
    )


@kernel
def quat_conj(q):
    """Inverse of a unit quaternion: q_BA from q_AB."""
    return (q[0], -q[1], -q[2], -q[3])


@kernel
def quat_unit(q):
    """q / |q|."""
    n = sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3])
    if n < TINY:
        return (1.0, 0.0, 0.0, 0.0)
    return (q[0] / n, q[1] / n, q[2] / n, q[3] / n)


@kernel
def rotate(q, v):
    """v_A = rotate(q_AB, v_B), in the two-cross-product form: v + 2w(u x v) + 2u x (u x v)."""
    u = (q[1], q[2], q[3])
    t = scale3(cross3(u, v), 2.0)
    return add3(add_scaled3(v, t, q[0]), cross3(u, t))


@kernel
def unrotate(q, v):
    """v_B = unrotate(q_AB, v_A): the inverse rotation."""
    return rotate(quat_conj(q), v)


@kernel
def quat_of_rotation(phi_rad):
    """Unit quaternion of a rotation vector, to fourth order: for angles below 0.1 rad a step.

    Series of cos and sinc of the half angle; at 0.1 rad the first dropped term is 3e-11.
    """
    half2 = 0.25 * dot3(phi_rad, phi_rad)
    c = 1.0 - half2 * (0.5 - half2 / 24.0)
    s = 0.5 * (1.0 - half2 * (1.0 / 6.0 - half2 / 120.0))
    return quat_unit((c, s * phi_rad[0], s * phi_rad[1], s * phi_rad[2]))


@kernel
def quat_between(a, b):
    """Shortest rotation that takes unit vector a to unit vector b, as a quaternion.

    For opposite vectors any perpendicular axis serves; one is picked.
    """
    w = 1.0 + dot3(a, b)
    if w > OPPOSITE:
        v = cross3(a, b)
        return quat_unit((w, v[0], v[1], v[2]))
    axis = unit3(cross3(a, (1.0, 0.0, 0.0)))
    if abs(a[0]) > NEARLY_ALONG_X:
        axis = unit3(cross3(a, (0.0, 1.0, 0.0)))
    return (0.0, axis[0], axis[1], axis[2])


@kernel
def quat_of_axes(x, y, z):
    """q_AB of a frame B whose right-handed unit axes x, y, z are given in A components."""
    trace = x[0] + y[1] + z[2]
    if trace > 0.0:
        s = 2.0 * sqrt(1.0 + trace)
        return quat_unit((0.25 * s, (y[2] - z[1]) / s, (z[0] - x[2]) / s, (x[1] - y[0]) / s))
    if x[0] >= y[1] and x[0] >= z[2]:
        s = 2.0 * sqrt(1.0 + x[0] - y[1] - z[2])
        return quat_unit(((y[2] - z[1]) / s, 0.25 * s, (y[0] + x[1]) / s, (z[0] + x[2]) / s))
    if y[1] >= z[2]:
        s = 2.0 * sqrt(1.0 + y[1] - x[0] - z[2])
        return quat_unit(((z[0] - x[2]) / s, (y[0] + x[1]) / s, 0.25 * s, (z[1] + y[2]) / s))
    s = 2.0 * sqrt(1.0 + z[2] - x[0] - y[1])
    return quat_unit(((x[1] - y[0]) / s, (z[0] + x[2]) / s, (z[1] + y[2]) / s, 0.25 * s))
