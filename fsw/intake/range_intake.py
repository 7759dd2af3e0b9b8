"""Intake of ranges: what arrives is checked and put into its place in the ring.

Facts of arrival live here and in the counters: late, duplicate, from the future, silent. None
of them enters the estimate; that is decided on the grid, by stamps.
"""

from fsw.filter.buffers import GRID_NS, insert_range
from fsw.framework.kernel import kernel
from fsw.framework.record import i64, record, u8, u16, u32
from fsw.interface.events import EventCode, post_event
from fsw.interface.verdicts import RangeVerdict
from fsw.mathlib.units import seconds_to_ns

INTAKE = record(
    "Intake",
    "Counters and arrival facts of the ranges.",
    dirty_k=i64("earliest grid point that a late range has made wrong"),
    anchor_t_ns=i64("start of the grid: nothing older can be fused"),
    newest_range_t_ns=i64("newest stamp of a range taken; -1 before the first"),
    verdicts=u32("samples per verdict since the start", len(RangeVerdict)),
    unusable_in_a_row=u16("ranges called valid whose value cannot be, since one that can"),
    valid_seen=u8("1 once a range called itself valid"),
    inhibited=u8("1 while the ground keeps ranges from being used"),
)


@kernel
def take_range(
    intake, history, params, sample, t_ns, trusted, now_ns, computed_k, cursor_k, outbox
):
    """Put one range into the ring, or refuse it with a verdict.

    t_ns is its stamp in flight time, trusted is 0 when that cannot be believed. computed_k is
    the newest grid point ever computed, cursor_k the one that the grid stands at: behind it, in
    a replay, there is nothing to redo.
    """
    verdict = RangeVerdict.PENDING
    range_m = float(sample.range_m)
    if int(sample.valid) != 1:
        verdict = RangeVerdict.INVALID
    elif not (float(params.range_min_m) <= range_m <= float(params.range_max_m)):
        verdict = RangeVerdict.OUT_OF_RANGE
    elif trusted == 0 or t_ns > now_ns + seconds_to_ns(float(params.future_s)):
        verdict = RangeVerdict.CLOCK_FAULT
    elif now_ns - t_ns > seconds_to_ns(float(params.reach_s)):
        verdict = RangeVerdict.TOO_OLD
    elif t_ns <= int(intake.anchor_t_ns):
        verdict = RangeVerdict.TOO_OLD
    elif int(intake.inhibited) == 1:
        verdict = RangeVerdict.INHIBITED
    if verdict == RangeVerdict.OUT_OF_RANGE:
        intake.unusable_in_a_row = min(int(intake.unusable_in_a_row) + 1, 65535)
    if verdict == RangeVerdict.PENDING:
        intake.unusable_in_a_row = 0
        verdict = _insert(intake, history, t_ns, range_m, int(sample.seq), computed_k, cursor_k)
        if int(intake.valid_seen) == 0:
            intake.valid_seen = 1
            post_event(outbox, EventCode.RANGE_FIRST_VALID, range_m, float(now_ns - t_ns) * 1e-9)
    intake.verdicts[verdict] = int(intake.verdicts[verdict]) + 1


@kernel
def _insert(intake, history, t_ns, range_m, seq, computed_k, cursor_k):
    """Sort a range into the ring; a late one marks the grid from its point on as wrong."""
    k = (t_ns + GRID_NS - 1) // GRID_NS
    late = 0
    if k <= computed_k:
        late = 1
    place = insert_range(history, t_ns, range_m, seq, late)
    if place == -1:
        return RangeVerdict.DUPLICATE
    if place == -2:
        return RangeVerdict.TOO_OLD
    if k <= cursor_k:
        intake.dirty_k = min(int(intake.dirty_k), k)
    intake.newest_range_t_ns = max(int(intake.newest_range_t_ns), t_ns)
    return RangeVerdict.PENDING
