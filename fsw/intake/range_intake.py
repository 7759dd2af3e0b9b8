"""Range intake: checks what arrives and inserts it into the ring in order of stamp.

Facts of arrival stay here and in the counters: late, duplicate, from the future, silent. None
of them enters the estimate, which is a function of stamps and is decided on the grid.
"""

from typing import NamedTuple

from fsw.filter.buffers import GRID_NS, NO_PLACE_DUPLICATE, NO_PLACE_TOO_OLD, insert_range
from fsw.framework.kernel import kernel
from fsw.framework.record import U16_MAX, i64, record, u8, u16, u32
from fsw.interface.events import EventCode, post_event
from fsw.interface.verdicts import RangeVerdict
from fsw.mathlib.units import seconds_to_ns

INTAKE = record(
    "Intake",
    "Facts of arrival and counters of the ranges.",
    dirty_k=i64("earliest grid point that a late range has made wrong"),
    anchor_t_ns=i64("start of the grid: older ranges cannot be fused"),
    newest_range_t_ns=i64("newest stamp of a range taken; -1 before the first"),
    verdicts=u32("samples per verdict since the start", len(RangeVerdict)),
    unusable_in_a_row=u16("samples in a row flagged valid with a value out of range"),
    valid_seen=u8("1 once a sample flagged valid arrived"),
    inhibited=u8("1 while ranges are inhibited by command"),
)


class Arrival(NamedTuple):
    """When a range was measured and when it is taken in.

    t_ns: its stamp, flight clock. trusted: 0 when that stamp cannot be used. now_ns: time of the
    tick.
    """

    t_ns: int
    trusted: int
    now_ns: int


@kernel
def take_range(nav, history, params, sample, arrival, outbox):
    """Insert one range into the ring, or refuse it with a verdict."""
    intake = nav.intake
    range_m = float(sample.range_m)
    age_ns = arrival.now_ns - arrival.t_ns
    verdict = _verdict_at_intake(intake, params, sample, arrival)
    if verdict == RangeVerdict.OUT_OF_RANGE:
        intake.unusable_in_a_row = min(int(intake.unusable_in_a_row) + 1, U16_MAX)
    if verdict == RangeVerdict.PENDING:
        intake.unusable_in_a_row = 0
        verdict = _insert(nav, history, arrival.t_ns, range_m, int(sample.seq))
        if int(intake.valid_seen) == 0:
            intake.valid_seen = 1
            post_event(outbox, EventCode.RANGE_FIRST_VALID, range_m, float(age_ns) * 1e-9)
    intake.verdicts[verdict] = int(intake.verdicts[verdict]) + 1


@kernel
def _verdict_at_intake(intake, params, sample, arrival):
    """PENDING for a range that may enter the ring, otherwise the verdict that refuses it."""
    age_ns = arrival.now_ns - arrival.t_ns
    if int(sample.valid) != 1:
        return RangeVerdict.INVALID
    if not (float(params.range_min_m) <= float(sample.range_m) <= float(params.range_max_m)):
        return RangeVerdict.OUT_OF_RANGE
    if arrival.trusted == 0 or -age_ns > seconds_to_ns(float(params.future_s)):
        return RangeVerdict.CLOCK_FAULT
    if age_ns > seconds_to_ns(float(params.reach_s)) or arrival.t_ns <= int(intake.anchor_t_ns):
        return RangeVerdict.TOO_OLD
    if int(intake.inhibited) == 1:
        return RangeVerdict.INHIBITED
    return RangeVerdict.PENDING


@kernel
def _insert(nav, history, t_ns, range_m, seq):
    """Insert a range into the ring; a late one marks the grid as wrong from its point on.

    A point between the grid's present one and the newest ever computed is redone in a replay
    anyway and needs no mark.
    """
    intake = nav.intake
    k = (t_ns + GRID_NS - 1) // GRID_NS
    late = 0
    if k <= int(nav.computed_k):
        late = 1
    place = insert_range(history, t_ns, range_m, seq, late)
    if place == NO_PLACE_DUPLICATE:
        return RangeVerdict.DUPLICATE
    if place == NO_PLACE_TOO_OLD:
        return RangeVerdict.TOO_OLD
    if k <= int(nav.grid.k):
        intake.dirty_k = min(int(intake.dirty_k), k)
    intake.newest_range_t_ns = max(int(intake.newest_range_t_ns), t_ns)
    return RangeVerdict.PENDING
