"""Boxes and packets: the records that lie in one of the loop's boxes, as messages of the wire.

The in-process loop hands boxes over as they are; a session takes them apart into packets at one
end and puts them together at the other. Both go by the same table.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from fsw.executive.state import CORE
from fsw.framework.hash64 import HASH_OFFSET, hash_words
from fsw.framework.record import Record, i64, layout, record
from fsw.interface.messages import INBOX, OUTBOX, RANGE_COMMAND, RANGE_SAMPLE
from hil.wire.framing import Packet
from hil.wire.packets import BY_NAME, Message, message_of
from sim.sensors.records import RANGE_TRUTH, SENSOR_INBOX, SENSOR_TRUTH, STATUS_TRUTH, TICK_MESSAGES

RANGE_ARRIVAL = record(
    "RangeArrival",
    "A range as it reached the flight software.",
    sample=RANGE_SAMPLE("the message"),
    t_rx_ns=i64("when it arrived, flight clock"),
)


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
        return member_offset(self.box, self.member)

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
        return member_offset(self.box, self.count) if self.count else -1

    @cached_property
    def received_at(self) -> int:
        """Byte in the box at which the first arrival time stands; -1 for none."""
        return member_offset(self.box, self.received) if self.received else -1


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

TOLD_SLOTS = (
    Slot("beam", SENSOR_INBOX, "beam", "has_beam"),
    Slot("status", SENSOR_INBOX, "status", "has_status"),
    Slot("order", SENSOR_INBOX, "range_command", "has_range_command"),
)
TOLD = tuple(message_of(record) for record in (RANGE_TRUTH, STATUS_TRUTH, RANGE_COMMAND))
SENSOR_TRUTH_MESSAGE = message_of(SENSOR_TRUTH)
MESSAGES_AT, WANTS_AT = (
    next(at for path, _, at in SENSOR_TRUTH.leaves() if path == name)
    for name in ("messages", "wants")
)

ARRIVALS_SLOTS = (
    Slot("imu", TICK_MESSAGES, "imus", "n_imus"),
    Slot("range", TICK_MESSAGES, "ranges", "n_ranges"),
    Slot("contact", TICK_MESSAGES, "contact", "has_contact"),
    Slot("propulsion", TICK_MESSAGES, "propulsion", "has_propulsion"),
    Slot("nav_update", TICK_MESSAGES, "nav_update", "has_nav_update"),
    Slot("command", TICK_MESSAGES, "command", "has_command"),
)
ALWAYS = -1


def hash_of(words: np.ndarray) -> int:
    """Hash of 64-bit words, as Done and SensorDone tell it."""
    return int(hash_words(words, 0, len(words), HASH_OFFSET))


class Box:
    """One box in memory, seen as messages."""

    def __init__(self, memory: memoryview, slots: tuple[Slot, ...]) -> None:
        """`memory` is where the box lies, and stays."""
        self._bytes = memory
        self._places = [_place(slot) for slot in slots]
        self._by_apid = {message.apid: place for message, *place in self._places}

    def packets(self) -> list[Packet]:
        """Every message in the box, in the order of the table."""
        found: list[Packet] = []
        for message, offset, count_at, _ in self._places:
            count = 1 if count_at == ALWAYS else self._bytes[count_at]
            for k in range(count):
                start = offset + k * message.size
                found.append((message, bytes(self._bytes[start : start + message.size])))
        return found

    def clear(self) -> None:
        """Nothing is in the box."""
        for _, _, count_at, _ in self._places:
            if count_at != ALWAYS:
                self._bytes[count_at] = 0

    def put(self, message: Message, payload: bytes) -> bool:
        """Add a message; a single one replaces what was there. False when there is no room."""
        offset, count_at, room = self._by_apid[message.apid]
        k = 0
        if room > 1:
            k = self._bytes[count_at]
            if k >= room:
                return False
        start = offset + k * message.size
        self._bytes[start : start + message.size] = payload
        if count_at != ALWAYS:
            self._bytes[count_at] = k + 1
        return True

    def holds(self, message: Message) -> bool:
        """True for messages that belong in this box."""
        return message.apid in self._by_apid


def _place(slot: Slot) -> tuple[Message, int, int, int]:
    """The slot's message, where its first record and its count stand, and its room."""
    field, places = slot.box.fields[slot.member], slot.box.dtype.fields
    assert field.record is not None and places is not None
    count_at = places[slot.count][1] if slot.count else ALWAYS
    room = field.shape[0] if field.shape else 1
    return BY_NAME[field.record.name], places[slot.member][1], count_at, room


def rows_of(record: Record) -> np.ndarray:
    """An array of one fresh record, of the plain kind that a kernel is called with quickest."""
    return np.frombuffer(record.array(1), record.dtype)


def memory_of(rows: np.ndarray, member: str = "") -> memoryview:
    """The bytes of an array of one record, or of a member (dotted), where they lie."""
    flat: Any = rows.view(np.uint8)
    memory, kind = memoryview(flat), rows.dtype
    for name in member.split(".") if member else ():
        kind, start = layout(kind)[name][:2]
        memory = memory[start : start + kind.itemsize]
    return memory


def outbox_of(memory: memoryview) -> Box:
    """The flight software's outbox as messages."""
    return Box(memory, OUTBOX_SLOTS)


def arrivals_of(memory: memoryview) -> Box:
    """The arrivals of a tick as messages."""
    return Box(memory, ARRIVALS_SLOTS)


def member_offset(owner: Record, name: str) -> int:
    """Byte in a record at which a field begins."""
    return layout(owner.dtype)[name][1]


def told_of(memory: memoryview) -> Box:
    """What a sensor board is told for a tick, but for SensorTruth, as messages."""
    return Box(memory, TOLD_SLOTS)
