"""Faults at work: when a row's window is open, which messages it loses, what it does to stamps.

A row acts on a message by dice of its own, addressed by the row and the message's number, and
thrown whether it is open or not: so a window that opens moves nobody else's dice, and a row of no
magnitude changes no byte. Nothing here sees the world: a sensor board has rows, memories, the
time, the clearance and the mode, and these kernels.
"""

from fsw.framework.kernel import kernel
from fsw.mathlib.elementary import nearest_int
from sim.common.random_streams import (
    STREAM_FAULT_MESSAGES,
    STREAM_FAULT_PERIODS,
    stream_key,
    uniform,
)
from sim.faults.table import FaultKind

NOTHING = -1

# every message draws so many dice of its row
DRAWS = 4


@kernel
def ns(seconds):
    """Seconds as integer nanoseconds."""
    return nearest_int(seconds * 1e9)


@kernel
def watch_windows(faults, memories, n, t_ns, clearance_m, mode):
    """Open and close the windows of n rows; returns bits of the rows (opened, closed)."""
    opened = 0
    closed = 0
    for i in range(n):
        memory = memories[i]
        was_open = int(memory.open)
        memory.open = _is_open(faults[i], memory, t_ns, clearance_m, mode)
        if int(memory.open) == 1 and was_open == 0:
            memory.opened_ns = t_ns
            memory.held_t_ns = NOTHING
            memory.until_ns = NOTHING
            opened = opened | (1 << i)
        elif int(memory.open) == 0 and was_open == 1:
            closed = closed | (1 << i)
    return (opened, closed)


@kernel
def _is_open(fault, memory, t_ns, clearance_m, mode):
    if clearance_m <= float(fault.from_altitude_m):
        memory.below_from = 1
    if clearance_m <= float(fault.until_altitude_m):
        memory.below_until = 1
    if t_ns < ns(float(fault.start_s)) or t_ns >= ns(float(fault.end_s)):
        return 0
    if int(memory.below_from) == 0 or int(memory.below_until) == 1:
        return 0
    # 0 is any mode, the modes themselves follow
    if int(fault.mode) != 0 and int(fault.mode) != mode + 1:
        return 0
    return 1


@kernel
def open_ns(memory, t_ns):
    """How long ago the window opened."""
    return t_ns - int(memory.opened_ns)


@kernel
def message_stream(seed, row):
    """Key of the dice of a row's messages."""
    return stream_key(seed, STREAM_FAULT_MESSAGES + row)


@kernel
def acts(fault, memory, key, count):
    """True when an open row acts on message number `count`, as far as chance has a say."""
    die = uniform(key, DRAWS * count)
    return int(memory.open) == 1 and die < float(fault.probability)


@kernel
def is_lost(fault, memory, seed, row, count, t_ns):
    """True when the row loses message number `count`, which is sent at t_ns."""
    kind = int(fault.kind)
    if (
        kind != FaultKind.OFF
        and kind != FaultKind.DROP
        and kind != FaultKind.DROP_BURST
        and kind != FaultKind.INTERMITTENT
    ):
        return (
            kind == FaultKind.SLOW
            and int(memory.open) == 1
            and _comes_too_soon(fault, memory, t_ns)
        )
    if kind == FaultKind.OFF or kind == FaultKind.DROP:
        return acts(fault, memory, message_stream(seed, row), count)
    period_ns = ns(float(fault.period_s))
    if int(memory.open) == 0 or period_ns == 0:
        return False
    since_ns = open_ns(memory, t_ns)
    if kind == FaultKind.DROP_BURST:
        die = uniform(stream_key(seed, STREAM_FAULT_PERIODS + row), since_ns // period_ns)
        return die < float(fault.probability)
    return since_ns % period_ns < ns(float(fault.lost_share) * float(fault.period_s))


@kernel
def _comes_too_soon(fault, memory, t_ns):
    """Slow: one message in a period gets through, the first one at once."""
    sent_ns = int(memory.held_t_ns)
    if sent_ns != NOTHING and t_ns - sent_ns < ns(float(fault.period_s)):
        return True
    memory.held_t_ns = t_ns
    return False


@kernel
def false_stamp_ns(fault, memory, key, count, t_ns, stamp_ns):
    """The stamp of message number `count`, sent at t_ns, as the row makes it."""
    kind = int(fault.kind)
    if kind == FaultKind.STAMP_JUMP and int(memory.opened_ns) != NOTHING:
        return stamp_ns + ns(float(fault.jump_s))
    if int(memory.open) == 0:
        return stamp_ns
    if kind == FaultKind.STAMP_OFFSET and acts(fault, memory, key, count):
        return stamp_ns + ns(float(fault.stamp_offset_s))
    if kind == FaultKind.STAMP_WRAP and float(fault.wrap_s) > 0.0:
        return stamp_ns % ns(float(fault.wrap_s))
    if kind == FaultKind.STAMP_DRIFT:
        return stamp_ns + nearest_int(float(fault.drift) * float(open_ns(memory, t_ns)))
    return stamp_ns
