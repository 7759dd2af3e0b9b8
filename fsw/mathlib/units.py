"""Conversion of units inside kernels."""

from fsw.framework.kernel import kernel
from fsw.mathlib.elementary import to_int


@kernel
def seconds_to_ns(seconds):
    """Whole nanoseconds of a duration, clamped to a year."""
    return to_int(seconds * 1e9, -3.2e16, 3.2e16)
