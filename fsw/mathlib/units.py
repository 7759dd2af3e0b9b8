"""Conversion of units inside kernels."""

from fsw.framework.kernel import kernel
from fsw.mathlib.elementary import to_int

NS_PER_S = 1e9
YEAR_NS = 3.2e16


@kernel
def seconds_to_ns(seconds):
    """Whole nanoseconds of a duration, clamped to about a year, where sums cannot wrap."""
    return to_int(seconds * NS_PER_S, -YEAR_NS, YEAR_NS)
