"""Where the records of messages stand in the memory of a larger record, such as Inbox or Outbox.

In process the loop passes such a record on as it is; a session takes it apart into packets at one
end and puts it together at the other. All slots are derived from the message table.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from fsw.executive.state import CORE
from fsw.framework.hash64 import HASH_OFFSET, hash_words
from fsw.framework.record import Record, layout
from fsw.interface.messages import INBOX, OUTBOX
from hil.wire.messages import (
    BY_NAME,
    MESSAGES,
    Message,
    Packet,
    Table,
    flight_inputs,
    flight_outputs,
    message_of,
)
from sim.sensors.records import SENSOR_INBOX, SENSOR_TRUTH, TICK_MESSAGES

NO_COUNT = -1


@dataclass(frozen=True)
class Slot:
    """Where in a record the messages of one kind stand, and which of its fields counts them."""

    topic: str
    owner: Record
    member: str
    count: str = ""  # empty: exactly one, every tick
    received: str = ""  # the owner's array of arrival times; logged behind each record

    @cached_property
    def message(self) -> Message:
        """The row of the message table."""
        held = self.owner.fields[self.member].record
        assert held is not None
        return BY_NAME[held.name]

    @cached_property
    def offset(self) -> int:
        """Byte in the owner at which the first record stands."""
        return member_offset(self.owner, self.member)

    @cached_property
    def size(self) -> int:
        """Bytes of one record."""
        return self.owner.fields[self.member].base.itemsize

    @cached_property
    def capacity(self) -> int:
        """Records that the owner can hold."""
        shape = self.owner.fields[self.member].shape
        return shape[0] if shape else 1

    @cached_property
    def count_at(self) -> int:
        """Byte in the owner at which the count stands; NO_COUNT for none."""
        return member_offset(self.owner, self.count) if self.count else NO_COUNT

    @cached_property
    def received_at(self) -> int:
        """Byte in the owner at which the first arrival time stands; -1 for none."""
        return member_offset(self.owner, self.received) if self.received else -1


def member_offset(owner: Record, name: str) -> int:
    """Byte in a record at which a field begins."""
    return layout(owner.dtype)[name][1]


def slot_at(owner: Record, member: str, topic: str) -> Slot:
    """The slot of a member; its count is called n_ or has_, its arrival times topic_rx_ns."""
    counts = [name for name in (f"n_{member}", f"has_{member}") if name in owner.fields]
    received = f"{topic}_rx_ns"
    return Slot(
        topic,
        owner,
        member,
        counts[0] if counts else "",
        received if received in owner.fields else "",
    )


def inbox_slots(messages: Table = MESSAGES) -> tuple[Slot, ...]:
    """Inbox: what reaches the flight software."""
    return tuple(slot_at(INBOX, m.member, m.topic) for m in flight_inputs(messages) if m.member)


def outbox_slots(messages: Table = MESSAGES) -> tuple[Slot, ...]:
    """Outbox: what the flight software sends."""
    return tuple(slot_at(OUTBOX, m.member, m.topic) for m in flight_outputs(messages))


def slots_of(owner: Record, messages: Table = MESSAGES) -> tuple[Slot, ...]:
    """Every member of `owner` that is the record of a message, in the order of the table."""
    members = {field.record.name: name for name, field in owner.fields.items() if field.record}
    return tuple(slot_at(owner, members[m.name], m.topic) for m in messages if m.name in members)


INBOX_SLOTS = inbox_slots()
OUTBOX_SLOTS = outbox_slots()
CORE_SLOTS = (Slot("estimate", CORE, "estimate"),)
ARRIVALS_SLOTS = slots_of(TICK_MESSAGES)

# SensorTruth grants the tick and goes last, so it is no slot like the others
SENSOR_TRUTH_MESSAGE = message_of(SENSOR_TRUTH)
SENSOR_INBOX_SLOTS = tuple(
    slot for slot in slots_of(SENSOR_INBOX) if slot.message is not SENSOR_TRUTH_MESSAGE
)
MESSAGES_AT, WANTS_AT = (member_offset(SENSOR_TRUTH, name) for name in ("messages", "wants"))


def hash_of(words: np.ndarray) -> int:
    """Hash of 64-bit words, as Done and SensorDone carry it."""
    return int(hash_words(words, 0, len(words), HASH_OFFSET))


class MessageView:
    """The memory of one record, seen as the messages that stand in it."""

    def __init__(self, memory: memoryview, slots: tuple[Slot, ...]) -> None:
        """`memory` is where the record lies, and stays."""
        self._bytes = memory
        self._slots = [(slot.message, slot.offset, slot.count_at) for slot in slots]
        self._by_apid = {
            slot.message.apid: (slot.offset, slot.count_at, slot.capacity) for slot in slots
        }

    def packets(self) -> list[Packet]:
        """Every message present, in the order of the table."""
        found: list[Packet] = []
        for message, offset, count_at in self._slots:
            count = 1 if count_at == NO_COUNT else self._bytes[count_at]
            for k in range(count):
                start = offset + k * message.size
                found.append((message, bytes(self._bytes[start : start + message.size])))
        return found

    def clear(self) -> None:
        """Set every count to zero."""
        for _, _, count_at in self._slots:
            if count_at != NO_COUNT:
                self._bytes[count_at] = 0

    def put(self, message: Message, payload: bytes) -> bool:
        """Add a message; a single one is replaced. False when there is no room for another."""
        offset, count_at, capacity = self._by_apid[message.apid]
        k = 0
        if capacity > 1:
            k = self._bytes[count_at]
            if k >= capacity:
                return False
        start = offset + k * message.size
        self._bytes[start : start + message.size] = payload
        if count_at != NO_COUNT:
            self._bytes[count_at] = k + 1
        return True


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


def outbox_of(memory: memoryview) -> MessageView:
    """The flight software's outbox as messages."""
    return MessageView(memory, OUTBOX_SLOTS)


def arrivals_of(memory: memoryview) -> MessageView:
    """The arrivals of a tick as messages."""
    return MessageView(memory, ARRIVALS_SLOTS)


def sensor_inbox_of(memory: memoryview) -> MessageView:
    """The inputs of a sensor board for one tick, but for SensorTruth, as messages."""
    return MessageView(memory, SENSOR_INBOX_SLOTS)
