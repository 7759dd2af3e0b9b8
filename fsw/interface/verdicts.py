"""Verdicts on a range sample, in the order of their counters."""

from fsw.framework.codes import Code


class RangeVerdict(Code):
    """Verdicts on a range sample."""

    PENDING = 0
    FUSED_NOW = 1
    FUSED_LATE = 2
    TOO_OLD = 3
    DUPLICATE = 4
    STALE_REPEAT = 5
    CLOCK_FAULT = 6
    REJECTED = 7
    HELD = 8
    HELD_FOR_HYPOTHESIS = 9
    INVALID = 10
    OUT_OF_RANGE = 11
    BAD_GEOMETRY = 12
    EXCESS = 13
    INHIBITED = 14
