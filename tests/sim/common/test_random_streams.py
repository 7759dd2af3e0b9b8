"""Dice are fair, independent, and have an address."""

import numpy as np
import pytest

from fsw.framework.kernel import kernel
from sim.common.random_streams import Stream, bit_count, gauss, stream_key, uniform, word

N = 400_000


@kernel
def draw(out, seed, stream, flat):
    key = stream_key(seed, stream)
    for i in range(len(out)):
        out[i] = uniform(key, i) if flat else gauss(key, i)


@kernel
def bits_of(seed, stream, n):
    return bit_count(word(stream_key(seed, stream), n))


def drawn(seed=0, stream=Stream.GYRO, flat=False, n=N):
    out = np.zeros(n)
    draw(out, seed, stream, flat)
    return out


def test_normals_have_mean_zero_and_deviation_one():
    x = drawn()
    assert abs(x.mean()) < 4.0 / np.sqrt(N)
    assert abs(x.std() - 1.0) < 4.0 / np.sqrt(2.0 * N)


def test_normals_have_the_stated_kurtosis_and_no_skew():
    x = drawn()
    z = (x - x.mean()) / x.std()
    assert abs((z**4).mean() - 3.0 + 0.031) < 0.03
    assert abs((z**3).mean()) < 0.02


def test_normals_fall_into_the_normal_law_s_bins():
    x = np.sort(drawn())
    for sigma, below in ((-2.0, 0.02275), (-1.0, 0.15866), (0.5, 0.69146), (1.5, 0.93319)):
        assert abs(np.searchsorted(x, sigma) / N - below) < 3e-3


def test_uniforms_fill_the_unit_interval_evenly():
    x = drawn(flat=True)
    counts = np.histogram(x, bins=100, range=(0.0, 1.0))[0]
    chi2 = ((counts - N / 100) ** 2 / (N / 100)).sum()
    assert x.min() >= 0.0 and x.max() < 1.0
    assert chi2 < 160.0  # 99 degrees of freedom: 1 in 10,000


@pytest.mark.parametrize("other", [{"seed": 1}, {"stream": Stream.ACCEL}, {"seed": 2**50}], ids=str)
def test_neighbouring_streams_and_seeds_are_uncorrelated(other):
    assert abs(np.corrcoef(drawn(), drawn(**other))[0, 1]) < 4.0 / np.sqrt(N)


def test_successive_draws_are_uncorrelated():
    x = drawn()
    for lag in (1, 2, 3, 8, 64):
        assert abs(np.corrcoef(x[lag:], x[:-lag])[0, 1]) < 4.0 / np.sqrt(N)


def test_a_draw_depends_on_its_address_alone():
    assert np.array_equal(drawn(n=1000), drawn(n=5000)[:1000])


def test_bits_are_counted_as_python_counts_them():
    assert bits_of(7, 3, 11) == int(word_in_python(7, 3, 11)).bit_count()


def word_in_python(seed, stream, n):
    """The hash in unbounded integers, by hand."""
    mask = 2**64 - 1

    def mixed(x):
        x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & mask
        x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & mask
        return x ^ (x >> 31)

    weyl = 0x9E3779B97F4A7C15
    key = mixed(((seed * 4096 + stream) * weyl + 0x94D049BB133111EB) & mask)
    return mixed((key + (n + 1) * weyl) & mask)
