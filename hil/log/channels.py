"""What a log holds: its channels, and how they map to the flight software's two boxes.

A tick in the log is its messages in, its messages out, and last a TickMark, which closes it.
A message's log_time is the tick that took or gave it, its publish_time when it was sent, where
the wire tells (else the log_time again), and the record's own t_ns when it was true.

`SLOTS` says where in Inbox and Outbox each channel's records stand and which count tells how
many there are. Recording walks it one way and replay the other, so a tick is rebuilt exactly.
Bytes beyond the counts are no message; they are left over from earlier ticks, on both sides.
"""

import hashlib
from dataclasses import dataclass

import numpy as np

from fsw.executive.state import CORE, PARAMS
from fsw.framework.record import Field, Record, i64, record, u8, u32, u64
from fsw.interface.messages import (
    ACTUATOR_COMMAND,
    CLOCK_EXCHANGE,
    COMMAND_ACK,
    CONTACT_SAMPLE,
    EVENT,
    GROUND_COMMAND,
    IMU_SAMPLE,
    NAV_UPDATE,
    PROPULSION_STATUS,
    RANGE_COMMAND,
    TELEMETRY,
)
from fsw.navigation.estimate import ESTIMATE
from hil.log.ros2msg import check_cdr, schema_text
from hil.wire.session_messages import HOPS
from hil.wire.slots import RANGE_ARRIVAL, Slot, member_offset
from sim.evaluation.requirements import MARGINS
from sim.faults.records import INJECTION
from sim.plant.world import TRUTH_L

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


CHANNELS = (
    Channel("tick", TICK_MARK),
    Channel("params", PARAMS),
    Channel("core", CORE),
    Channel("imu", IMU_SAMPLE),
    Channel("range", RANGE_ARRIVAL),
    Channel("contact", CONTACT_SAMPLE),
    Channel("propulsion", PROPULSION_STATUS),
    Channel("command", GROUND_COMMAND),
    Channel("nav_update", NAV_UPDATE),
    Channel("clock", CLOCK_EXCHANGE),
    Channel("actuators", ACTUATOR_COMMAND),
    Channel("range_command", RANGE_COMMAND),
    Channel("telemetry", TELEMETRY),
    Channel("event", EVENT),
    Channel("ack", COMMAND_ACK),
    Channel("estimate", ESTIMATE),
    Channel("truth", TRUTH_L),
    Channel("hops", HOPS),
    Channel("injection", INJECTION),
    Channel("margins", MARGINS),
)
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
            slot.room,
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


def log_schema_hash() -> str:
    """SHA-256 over everything that gives a log's bytes their meaning, in hex."""
    text = "".join(f"{channel.topic}\n{schema_text(channel.record)}\n" for channel in CHANNELS)
    return hashlib.sha256(f"{LOG_VERSION}\n{text}".encode()).hexdigest()


def _check_channels() -> None:
    for channel in CHANNELS:
        check_cdr(channel.record)
        if channel.record.dtype.itemsize % 8:
            raise ValueError(f"channel {channel.topic}: {channel.record.name} is no whole words")


_check_channels()
