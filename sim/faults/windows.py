"""Windows of fault rows, and what a row does to any message: loss and false time-tags.

Every row has a random stream of its own, addressed by the row and the number of the message and
drawn from whether the row is open or not. So opening a window changes no other row's draws, and a
row of magnitude zero changes no byte. Nothing here reads the world: a sensor board has the rows,
their memories, time, clearance and flight mode, and these kernels.
"""

from typing import NamedTuple

from fsw.framework.kernel import kernel
from fsw.mathlib.elementary import nearest_int
from sim.common.random_streams import (
    STREAM_FAULT_MESSAGES,
    STREAM_FAULT_PERIODS,
    stream_key,
    uniform,
)
from sim.faults.table import FaultKind

NEVER_NS = -1

# draws of a row for each message
DRAWS = 4


class Message(NamedTuple):
    """One message as one row of faults sees it: seed and slot address its draws."""

    seed: int
    slot: int  # number of the row
    ordinal: int  # of the message in its sensor's stream, from 0
    t_ns: int  # when it was measured


@kernel
def ns(seconds):
    """Seconds as integer nanoseconds."""
    return nearest_int(seconds * 1e9)


@kernel
def watch_windows(board, truth):
    """Open and close the windows of a SensorBoard's rows in the tick of a SensorTruth."""
    opened = 0
    closed = 0
    for row in range(int(board.n_faults)):
        memory = board.fault_memory[row]
        was_open = int(memory.open)
        memory.open = _is_open(memory, board.faults[row], truth)
        if int(memory.open) == 1 and was_open == 0:
            memory.opened_ns = int(truth.t_ns)
            memory.held_t_ns = NEVER_NS
            memory.until_ns = NEVER_NS
            opened = opened | (1 << row)
        elif int(memory.open) == 0 and was_open == 1:
            closed = closed | (1 << row)
    board.effects.opened = opened
    board.effects.closed = closed


@kernel
def _is_open(memory, fault, truth):
    """1 while the row's window is open; notes which bounds of its band have been passed."""
    t_ns = int(truth.t_ns)
    clearance_m = float(truth.clearance_m)
    if clearance_m <= float(fault.from_altitude_m):
        memory.below_from = 1
    if clearance_m <= float(fault.until_altitude_m):
        memory.below_until = 1
    if t_ns < ns(float(fault.start_s)) or t_ns >= ns(float(fault.end_s)):
        return 0
    if int(memory.below_from) == 0 or int(memory.below_until) == 1:
        return 0
    # 0 is any mode, the modes themselves follow
    if int(fault.mode) != 0 and int(fault.mode) != int(truth.mode) + 1:
        return 0
    return 1


@kernel
def open_ns(memory, t_ns):
    """Time since the window opened."""
    return t_ns - int(memory.opened_ns)


@kernel
def message_stream(seed, row):
    """Key of a row's random stream for messages."""
    return stream_key(seed, STREAM_FAULT_MESSAGES + row)


@kernel
def message_uniform(message, n):
    """Draw n < DRAWS of the row for this message, uniform in [0, 1)."""
    key = message_stream(message.seed, message.slot)
    return uniform(key, DRAWS * message.ordinal + n)


@kernel
def acts(memory, fault, message):
    """True when the row is open and its probability lets it act on the message."""
    drawn = message_uniform(message, 0)
    return int(memory.open) == 1 and drawn < float(fault.probability)


@kernel
def is_lost(memory, fault, message):
    """True when the row loses the message."""
    kind = int(fault.kind)
    if kind == FaultKind.OFF or kind == FaultKind.DROP:
        return acts(memory, fault, message)
    if int(memory.open) == 0:
        return False
    if kind == FaultKind.SLOW:
        return _comes_too_soon(memory, fault, message.t_ns)
    period_ns = ns(float(fault.period_s))
    if period_ns == 0:
        return False
    since_ns = open_ns(memory, message.t_ns)
    if kind == FaultKind.DROP_BURST:
        key = stream_key(message.seed, STREAM_FAULT_PERIODS + message.slot)
        return uniform(key, since_ns // period_ns) < float(fault.probability)
    if kind == FaultKind.INTERMITTENT:
        return since_ns % period_ns < ns(float(fault.lost_share) * float(fault.period_s))
    return False


@kernel
def _comes_too_soon(memory, fault, t_ns):
    """Slow: one message in a period passes, the first one at once."""
    sent_ns = int(memory.held_t_ns)
    if sent_ns != NEVER_NS and t_ns - sent_ns < ns(float(fault.period_s)):
        return True
    memory.held_t_ns = t_ns
    return False


@kernel
def false_stamp_ns(memory, fault, message, stamp_ns):
    """The message's time-tag, which was stamp_ns, after the row."""
    kind = int(fault.kind)
    if kind == FaultKind.STAMP_JUMP and int(memory.opened_ns) != NEVER_NS:
        return stamp_ns + ns(float(fault.jump_s))
    if int(memory.open) == 0:
        return stamp_ns
    if kind == FaultKind.STAMP_OFFSET and acts(memory, fault, message):
        return stamp_ns + ns(float(fault.stamp_offset_s))
    if kind == FaultKind.STAMP_WRAP and float(fault.wrap_s) > 0.0:
        return stamp_ns % ns(float(fault.wrap_s))
    if kind == FaultKind.STAMP_DRIFT:
        gained = float(fault.drift) * float(open_ns(memory, message.t_ns))
        return stamp_ns + nearest_int(gained)
    return stamp_ns
