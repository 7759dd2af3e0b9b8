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
from functools import cached_property

import numpy as np

from fsw.beliefs import ESTIMATE
from fsw.messages import (
    ACTUATOR_COMMAND,
    CLOCK_EXCHANGE,
    COMMAND_ACK,
    CONTACT_SAMPLE,
    EVENT,
    GROUND_COMMAND,
    IMU_SAMPLE,
    INBOX,
    NAV_UPDATE,
    OUTBOX,
    PROPULSION_STATUS,
    RANGE_COMMAND,
    RANGE_SAMPLE,
    TELEMETRY,
)
from fsw.record import Field, Record, i64, layout, record, u8, u32, u64
from fsw.state import CORE, PARAMS
from hil.log_schema import check_cdr, schema_text
from sim.fault_state import INJECTION
from sim.verdict import MARGINS
from sim.world import TRUTH_L

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

RANGE_ARRIVAL = record(
    "RangeArrival",
    "A range as it reached the flight software.",
    sample=RANGE_SAMPLE("the message"),
    t_rx_ns=i64("when it arrived, flight clock"),
)

HOPS = record(
    "Hops",
    "One command's way through a session in real time; every time on the flight clock.",
    t_ns=i64("newest sample behind it: when it was measured"),
    sent_t_ns=i64("when that was sent; -1 where the wire does not tell"),
    received_t_ns=i64("when that was received"),
    begun_t_ns=i64("when the tick that fused it really began"),
    commanded_t_ns=i64("when the command was handed to the line"),
    applied_t_ns=i64("when the command took force; -1 where nobody tells"),
    late_ns=i64("how long after its due time the tick began"),
    overruns=u32("ticks skipped so far because one took too long"),
    tick=u32("tick of the flight software"),
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


@dataclass(frozen=True)
class Slot:
    """Where in a box the records of a channel stand, and which of its fields counts them."""

    topic: str
    box: Record
    member: str
    count: str = ""  # empty: exactly one, every tick
    received: str = ""  # the box's array of arrival times; logged behind each record

    @cached_property
    def offset(self) -> int:
        """Byte in the box at which the first record stands."""
        return _start(self.box, self.member)

    @cached_property
    def size(self) -> int:
        """Bytes of one record."""
        return self.box.fields[self.member].base.itemsize

    @cached_property
    def room(self) -> int:
        """Records that the box can hold."""
        shape = self.box.fields[self.member].shape
        return shape[0] if shape else 1

    @cached_property
    def count_at(self) -> int:
        """Byte in the box at which the count stands; -1 for none."""
        return _start(self.box, self.count) if self.count else -1

    @cached_property
    def received_at(self) -> int:
        """Byte in the box at which the first arrival time stands; -1 for none."""
        return _start(self.box, self.received) if self.received else -1


INBOX_SLOTS = (
    Slot("imu", INBOX, "imus", "n_imus"),
    Slot("range", INBOX, "ranges", "n_ranges", "range_rx_ns"),
    Slot("contact", INBOX, "contact", "has_contact"),
    Slot("propulsion", INBOX, "propulsion", "has_propulsion"),
    Slot("command", INBOX, "commands", "n_commands"),
    Slot("nav_update", INBOX, "nav_update", "has_nav_update"),
    Slot("clock", INBOX, "clock", "has_clock"),
)
OUTBOX_SLOTS = (
    Slot("actuators", OUTBOX, "actuators"),
    Slot("range_command", OUTBOX, "range_command", "has_range_command"),
    Slot("telemetry", OUTBOX, "telemetry", "has_telemetry"),
    Slot("event", OUTBOX, "events", "n_events"),
    Slot("ack", OUTBOX, "acks", "n_acks"),
)
CORE_SLOTS = (Slot("estimate", CORE, "estimate"),)


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
    parts = [(name, field, _start(CORE, name)) for name, field in CORE.fields.items()]
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
    return [(f"{name}.{key}", value, start + _start(owner, key)) for key, value in fields if owner]


def _start(owner: Record, name: str) -> int:
    return layout(owner.dtype)[name][1]


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


def schema_hash() -> str:
    """SHA-256 over everything that gives a log's bytes their meaning, in hex."""
    text = "".join(f"{channel.topic}\n{schema_text(channel.record)}\n" for channel in CHANNELS)
    return hashlib.sha256(f"{LOG_VERSION}\n{text}".encode()).hexdigest()


def _check_channels() -> None:
    for channel in CHANNELS:
        check_cdr(channel.record)
        if channel.record.dtype.itemsize % 8:
            raise ValueError(f"channel {channel.topic}: {channel.record.name} is no whole words")


_check_channels()
