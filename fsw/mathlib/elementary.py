"""Elementary functions that agree to the last bit on every machine.

sin, cos, exp and log differ between C libraries, so kernels use these: range reduction by a
clamped integer, then a polynomial of fixed length. Each states its error, and a test holds it
against the standard library over its domain.
"""

from math import sqrt

from fsw.framework.kernel import kernel

PI = 3.141592653589793
HALF_PI = 1.5707963267948966

# pi/2 in two parts: the first has 33 bits, so that k * HALF_PI_HI is exact for |k| < 2**20
HALF_PI_HI = 1.5707963267341256
HALF_PI_LO = 6.077100506506192e-11
LN2_HI = 6.93147180369123816490e-01
LN2_LO = 1.90821492927058770002e-10
SQRT_HALF = 0.7071067811865476
SMALLEST_NORMAL = 2.2250738585072014e-308
LARGEST = 1.7976931348623157e308


@kernel
def to_int(x, lo, hi):
    """The only way from float to integer: clamp to [lo, hi], then truncate towards zero.

    Outside an integer's range the machines disagree, and a NaN becomes lo.
    """
    if not x > lo:
        return int(lo)
    if x > hi:
        return int(hi)
    return int(x)


@kernel
def floor_int(x):
    """Largest integer not above x, for |x| < 2**53."""
    k = to_int(x, -9007199254740992.0, 9007199254740992.0)
    if float(k) > x:
        return k - 1
    return k


@kernel
def nearest_int(x):
    """Integer nearest to x, halves upwards, for |x| < 2**52."""
    return floor_int(x + 0.5)


@kernel
def _sin_poly(x):
    """sin on [-pi/4, pi/4]; Taylor to x**15, error below 5e-17."""
    z = x * x
    p = -1.0 / 1307674368000.0
    p = p * z + 1.0 / 6227020800.0
    p = p * z - 1.0 / 39916800.0
    p = p * z + 1.0 / 362880.0
    p = p * z - 1.0 / 5040.0
    p = p * z + 1.0 / 120.0
    p = p * z - 1.0 / 6.0
    return x + x * z * p


@kernel
def _cos_poly(x):
    """cos on [-pi/4, pi/4]; Taylor to x**16, error below 5e-17."""
    z = x * x
    p = 1.0 / 20922789888000.0
    p = p * z - 1.0 / 87178291200.0
    p = p * z + 1.0 / 479001600.0
    p = p * z - 1.0 / 3628800.0
    p = p * z + 1.0 / 40320.0
    p = p * z - 1.0 / 720.0
    p = p * z + 1.0 / 24.0
    return 1.0 - 0.5 * z + z * z * p


@kernel
def sin_cos(x):
    """(sin x, cos x), absolute error below 4e-16 for |x| < 1e5 rad."""
    k = nearest_int(x / HALF_PI)
    r = (x - float(k) * HALF_PI_HI) - float(k) * HALF_PI_LO
    s = _sin_poly(r)
    c = _cos_poly(r)
    quadrant = k & 3
    if quadrant == 0:
        return (s, c)
    if quadrant == 1:
        return (c, -s)
    if quadrant == 2:
        return (-s, -c)
    return (-c, s)


@kernel
def _atan_poly(x):
    """atan on [0, tan(pi/16)] by its series to x**19; error below 1e-16."""
    z = x * x
    p = -1.0 / 19.0
    p = p * z + 1.0 / 17.0
    p = p * z - 1.0 / 15.0
    p = p * z + 1.0 / 13.0
    p = p * z - 1.0 / 11.0
    p = p * z + 1.0 / 9.0
    p = p * z - 1.0 / 7.0
    p = p * z + 1.0 / 5.0
    p = p * z - 1.0 / 3.0
    return x + x * z * p


@kernel
def atan2(y, x):
    """Angle of (x, y) in (-pi, pi], absolute error below 1e-15; 0 at the origin.

    The smaller over the larger part is an angle up to pi/4; halving it twice with
    tan(a/2) = t / (1 + sqrt(1 + t*t)) brings it where the series is short.
    """
    ax = abs(x)
    ay = abs(y)
    if ax == 0.0 and ay == 0.0:
        return 0.0
    t = min(ax, ay) / max(ax, ay)
    t = t / (1.0 + sqrt(1.0 + t * t))
    t = t / (1.0 + sqrt(1.0 + t * t))
    angle = 4.0 * _atan_poly(t)
    if ay > ax:
        angle = HALF_PI - angle
    if x < 0.0:
        angle = PI - angle
    if y < 0.0:
        return -angle
    return angle


@kernel
def power_of_two(k):
    """2.0**k for an integer k, by squaring; exact for |k| < 1023."""
    result = 1.0
    factor = 2.0 if k >= 0 else 0.5
    n = abs(k)
    for _ in range(11):
        if n & 1:
            result = result * factor
        n = n >> 1
        if n > 0:
            factor = factor * factor
    return result


@kernel
def exp(x):
    """e**x, relative error below 1e-15; x is clamped to [-700, 700]."""
    x = min(max(x, -700.0), 700.0)
    k = nearest_int(x / 0.6931471805599453)
    r = (x - float(k) * LN2_HI) - float(k) * LN2_LO
    p = 1.0
    for i in range(14):
        p = 1.0 + p * r / float(14 - i)
    return p * power_of_two(k)


@kernel
def log(x):
    """Natural logarithm, error below 1e-15 relative to max(1, |ln x|), from 2**-1022 on.

    Whatever is smaller gives -745, and infinity the logarithm of the largest number.
    """
    if not x >= SMALLEST_NORMAL:
        return -745.0
    k = 0
    m = min(x, LARGEST)
    for i in range(10):
        step = 512 >> i
        big = power_of_two(step)
        if m >= big:
            m = m / big
            k = k + step
        elif m * big < 2.0:
            m = m * big
            k = k - step
    if m * SQRT_HALF > 1.0:
        m = 0.5 * m
        k = k + 1
    s = (m - 1.0) / (m + 1.0)
    z = s * s
    p = 1.0 / 23.0
    for i in range(11):
        p = p * z + 1.0 / float(21 - 2 * i)
    return (2.0 * s * p + float(k) * LN2_LO) + float(k) * LN2_HI
