"""Random streams: noise as a pure function of (seed, stream, number of the draw).

There is no generator state. A draw has an address, so opening a fault window, adding a sensor or
running backwards changes no other draw; draw unconditionally, decide afterwards. Integer
arithmetic modulo 2**64 gives the same bits on every machine, 32-bit ones too.

The hash is the finaliser of SplitMix64 (Steele, Lea, Flood 2014), applied to a Weyl sequence
in the draw's number whose start is itself hashed from seed and stream.
"""

from math import sqrt

import numpy as np

from fsw.framework.codes import Code
from fsw.framework.kernel import kernel
from fsw.framework.kernel_cache import INTERPRETED

if INTERPRETED:
    # a hash wraps around by design; NumPy's scalars warn of it
    np.seterr(over="ignore")


class Stream(Code):
    """Random streams of a run: those of sensors are drawn by sample, the rest once a run."""

    GYRO = 0
    ACCEL = 1
    IMU_WALK = 2
    RANGE = 3
    RANGE_LATENCY = 4
    GAUGE = 5
    STATE = 6
    UPDATE = 7
    VEHICLE = 8
    IMU_ERRORS = 9
    SITE = 10
    NOISE_GROUND = 11
    CRATERS = 12
    ALBEDO = 13


# streams of a row of faults, for its messages and for its periods, plus the row's number
STREAM_FAULT_MESSAGES, STREAM_FAULT_PERIODS = 64, 128

WEYL = np.uint64(0x9E3779B97F4A7C15)
MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
MIX_2 = np.uint64(0x94D049BB133111EB)
PAIRS = np.uint64(0x5555555555555555)
FOURS = np.uint64(0x3333333333333333)
NIBBLES = np.uint64(0x0F0F0F0F0F0F0F0F)
ONES = np.uint64(0x0101010101010101)
U1, U2, U4, U11, U27, U30, U31, U56 = (np.uint64(k) for k in (1, 2, 4, 11, 27, 30, 31, 56))

STREAMS_PER_SEED = 4096
TWO_TO_MINUS_53 = 1.0 / 9007199254740992.0

# a fair binomial of 64 has variance 16, the uniform that fills its steps 1/12
GAUSS_SCALE = 1.0 / sqrt(16.0 + 1.0 / 12.0)


@kernel
def mix(x):
    """SplitMix64's finaliser: a bijection of 64-bit words."""
    x = (x ^ (x >> U30)) * MIX_1
    x = (x ^ (x >> U27)) * MIX_2
    return x ^ (x >> U31)


@kernel
def stream_key(seed, stream):
    """Key of a stream of a seed; 0 <= seed < 2**51, 0 <= stream < 4096."""
    return mix(np.uint64(seed * STREAMS_PER_SEED + stream) * WEYL + MIX_2)


@kernel
def word(key, n):
    """64 fair bits: draw n >= 0 of the stream with this key."""
    return mix(key + np.uint64(n + 1) * WEYL)


@kernel
def fraction(bits):
    """Uniform in [0, 1) from the upper 53 bits of a word."""
    return float(np.int64(bits >> U11)) * TWO_TO_MINUS_53


@kernel
def bit_count(x):
    """Number of set bits in a word (Hacker's Delight, section 5-1)."""
    x = x - ((x >> U1) & PAIRS)
    x = (x & FOURS) + ((x >> U2) & FOURS)
    x = (x + (x >> U4)) & NIBBLES
    return np.int64((x * ONES) >> U56)


@kernel
def bell(bits):
    """Nearly Gaussian from one word: sd exactly 1, excess kurtosis -0.03, never beyond 8.

    The count of bits is binomial; an independent uniform, as wide as its steps, is added.
    """
    step = fraction(mix(bits + WEYL)) - 0.5
    return (float(bit_count(bits) - 32) + step) * GAUSS_SCALE


@kernel
def uniform(key, n):
    """Draw n of a stream, uniform in [0, 1)."""
    return fraction(word(key, n))


@kernel
def gauss(key, n):
    """Draw n of a stream, normal with mean 0 and sd 1."""
    return bell(word(key, n))


@kernel
def gauss3(key, n):
    """Draws 3 n to 3 n + 2 of a stream: three independent normals."""
    return (gauss(key, 3 * n), gauss(key, 3 * n + 1), gauss(key, 3 * n + 2))
