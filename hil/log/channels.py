"""What a log holds: its channels, and how they map to the flight software's Inbox and Outbox.

A tick in the log is its inputs, its outputs, and last a TickMark, which closes it. A message's
log_time is the tick that read or wrote it, its publish_time when it was sent, where the wire
carries that (else the log_time again), and the record's own t_ns is its time of validity.

Slots say where in Inbox and Outbox each channel's records stand and which field counts them.
Recording reads them and replay writes them, so a tick is rebuilt exactly. Bytes beyond the counts
are no message; they are left over from earlier ticks, on both sides.
"""

from dataclasses import dataclass

import numpy as np

from fsw.executive.state import CORE, PARAMS
from fsw.framework.record import Field, Record, i64, record, u8, u32, u64
from fsw.navigation.estimate import ESTIMATE
from hil.wire.messages import MESSAGES, Table
from hil.wire.slots import Slot, member_offset

LOG_VERSION = 1
CORE_PARTS = 32

TICK_MARK = record(
    "TickMark",
    "Closes a tick: what else came with its messages, and sums over all that was logged for it.",
    t_ns=i64("time of the tick, flight clock"),
    core_hash=u64("hash of the flight software's core after the tick"),
    tick=u32("tick of the flight software"),
    waiting=u32("messages still in the link, because this tick was full"),
    lost=u32("messages dropped by a full link since the start"),
    events_lost=u32("events that found no room in the outbox, since the start"),
    dropped=u32("records that the recorder had no room for, since the start"),
    missed_ticks=u8("ticks that were skipped before this one, up to 255"),
    n_ranges=u8("ranges in this tick"),
    n_imus=u8("increments in this tick"),
    n_commands=u8("ground commands in this tick"),
    resumed=u8("1 when the flight software flew on from core after a restart"),
    spare=u8("zero", 7),
    core_parts=u8("low byte of the running hash after each part of core", CORE_PARTS),
    # last, so that everything before it can be summed and compared as one run of bytes
    sums=i64("locating sums over the tick's records, this one included up to here", 4),
)


@dataclass(frozen=True)
class Channel:
    """One stream of records of one kind; `topic` names it in the log."""

    topic: str
    record: Record


def channels_of(messages: Table = MESSAGES) -> tuple[Channel, ...]:
    """All channels: the recorder's own, and one for each message with a topic, flight first."""
    logged = [message for message in messages if message.topic]
    flight, bench = (
        [Channel(m.topic, m.logged or m.record) for m in logged if m.is_bench == is_bench]
        for is_bench in (False, True)
    )
    first = (Channel("tick", TICK_MARK), Channel("params", PARAMS), Channel("core", CORE))
    return (*first, *flight, Channel("estimate", ESTIMATE), *bench)


CHANNELS = channels_of()
IDS = {channel.topic: number for number, channel in enumerate(CHANNELS, 1)}
BY_ID = dict(enumerate(CHANNELS, 1))
MARK_ID, PARAMS_ID, CORE_ID = IDS["tick"], IDS["params"], IDS["core"]


def slot_table(slots: tuple[Slot, ...]) -> np.ndarray:
    """The slots as numbers for a kernel: a row of int64 each.

    Channel, first 32-bit word, words of a record, room, byte of the count (-1: always one), first
    word of the arrival times (-1: none).
    """
    rows = [
        (
            IDS[slot.topic],
            slot.offset // 4,
            slot.size // 4,
            slot.capacity,
            slot.count_at,
            slot.received_at // 4,
        )
        for slot in slots
    ]
    return np.array(rows, np.int64)


def core_parts() -> list[tuple[str, int]]:
    """Parts of core whose running hash a mark keeps: name, and the 64-bit word at which it ends.

    The fields of core, and the fields of those fields while there are marks for them.
    """
    parts = [(name, field, member_offset(CORE, name)) for name, field in CORE.fields.items()]
    while wide := [part for part in parts if _may_open(part[1], len(parts))]:
        widest = max(wide, key=lambda part: part[1].base.itemsize)
        at = parts.index(widest)
        parts[at : at + 1] = _inner(*widest)
    ends = [start for _, _, start in parts[1:]] + [CORE.dtype.itemsize]
    return _whole_words([name for name, _, _ in parts], ends)


def _may_open(field: Field, parts: int) -> bool:
    inner = field.record.fields if field.record and not field.shape else None
    return inner is not None and parts + len(inner) - 1 <= CORE_PARTS


def _inner(name: str, field: Field, start: int) -> list[tuple[str, Field, int]]:
    owner = field.record
    fields = owner.fields.items() if owner else ()
    return [
        (f"{name}.{key}", value, start + member_offset(owner, key))
        for key, value in fields
        if owner
    ]


def _whole_words(names: list[str], ends: list[int]) -> list[tuple[str, int]]:
    """Join parts that share a word."""
    joined: list[tuple[str, int]] = []
    waiting: list[str] = []
    for name, end in zip(names, ends, strict=True):
        waiting.append(name)
        if end % 8 == 0:
            joined.append((", ".join(waiting), end // 8))
            waiting = []
    return joined
