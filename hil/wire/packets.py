"""The packet table: which record travels under which APID, and which way.

A CCSDS Space Packet (CCSDS 133.0-B-2) names its content by an 11-bit APID. Ours are read bit by
bit: 0x400 is set for bench traffic, which a flight computer's software is never handed, 0x080 for
what a flight computer sends, or a board to the bench, and 0x100 of bench traffic for what concerns
a sensor board.

The schema hash covers names, types, shapes, codes and offsets of all that crosses the wire, the
memory regions too; units and wording may change without making two ends strangers.
"""

import functools
import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from fsw.executive.state import CORE, PARAMS
from fsw.filter.buffers import HISTORY
from fsw.framework.record import Record
from fsw.interface.messages import (
    ACTUATOR_COMMAND,
    COMMAND_ACK,
    CONTACT_SAMPLE,
    EVENT,
    GROUND_COMMAND,
    IMU_SAMPLE,
    NAV_UPDATE,
    PROPULSION_STATUS,
    RANGE_COMMAND,
    RANGE_SAMPLE,
    TELEMETRY,
)
from hil.wire.session_messages import (
    ARM,
    BEGIN,
    BLOCK,
    BLOCK_REQUEST,
    CLOCK_ANSWER,
    CLOCK_QUESTION,
    DONE,
    END,
    HELLO,
    HOPS,
    READY,
    SENSOR_DONE,
    TICK,
    TIMING,
    Region,
)
from sim.evaluation.requirements import MARGINS
from sim.faults.records import INJECTION
from sim.plant.world import TRUTH_L
from sim.sensors.records import RANGE_TRUTH, SENSOR_BOARD, SENSOR_TRUTH, STATUS_TRUTH

BENCH_BIT = 0x400
FROM_FLIGHT_BIT = 0x080
IDLE_APID = 0x7FF

TO_FLIGHT, FROM_FLIGHT, BOTH_WAYS = "to flight", "from flight", "both ways"
TO_SENSORS, FROM_SENSORS = "to sensors", "from sensors"
TO_END, FROM_END = "to either", "from either"

# what each end listens to; flight traffic between the two goes through the bench
FLIGHT_HEARS = (TO_FLIGHT, TO_END, BOTH_WAYS)
SENSORS_HEAR = (FROM_FLIGHT, TO_SENSORS, TO_END, BOTH_WAYS)
BENCH_HEARS_FLIGHT = (FROM_FLIGHT, FROM_END, BOTH_WAYS)
BENCH_HEARS_SENSORS = (TO_FLIGHT, FROM_SENSORS, FROM_END, BOTH_WAYS)

HEADER = struct.Struct(">HHH")
HEADER_BYTES = HEADER.size
CRC_BYTES = 4
SEQUENCE_MASK = 0x3FFF
UNSEGMENTED = 0xC000
TYPE_BIT = 0x1000


@dataclass(frozen=True)
class Message:
    """One row of the table: a record, its APID, its way, and whether it asks or reports."""

    apid: int
    record: Record
    way: str
    asks: bool = False  # CCSDS packet type: 1 for what asks to be done, 0 for what reports

    @property
    def name(self) -> str:
        """Name of the record."""
        return self.record.name

    @property
    def is_bench(self) -> bool:
        """True for bench traffic, false for flight traffic."""
        return bool(self.apid & BENCH_BIT)

    @functools.cached_property
    def size(self) -> int:
        """Bytes of the record."""
        return self.record.dtype.itemsize

    @functools.cached_property
    def packet_size(self) -> int:
        """Bytes of the packet, header and CRC included."""
        return HEADER_BYTES + self.size + CRC_BYTES

    @functools.cached_property
    def first_word(self) -> int:
        """First two bytes of the header: version 0, type, no secondary header, APID."""
        return (TYPE_BIT if self.asks else 0) | self.apid

    @functools.cached_property
    def length_word(self) -> int:
        """Last two bytes of the header: length of the data field, minus one."""
        return self.size + CRC_BYTES - 1


MESSAGES = (
    Message(0x101, IMU_SAMPLE, TO_FLIGHT),
    Message(0x102, RANGE_SAMPLE, TO_FLIGHT),
    Message(0x103, CONTACT_SAMPLE, TO_FLIGHT),
    Message(0x104, PROPULSION_STATUS, TO_FLIGHT),
    Message(0x105, GROUND_COMMAND, TO_FLIGHT, asks=True),
    Message(0x106, NAV_UPDATE, TO_FLIGHT, asks=True),
    Message(0x107, CLOCK_ANSWER, TO_FLIGHT),
    Message(0x181, ACTUATOR_COMMAND, FROM_FLIGHT, asks=True),
    Message(0x182, RANGE_COMMAND, FROM_FLIGHT, asks=True),
    Message(0x183, TELEMETRY, FROM_FLIGHT),
    Message(0x184, EVENT, FROM_FLIGHT),
    Message(0x185, COMMAND_ACK, FROM_FLIGHT),
    Message(0x187, CLOCK_QUESTION, FROM_FLIGHT, asks=True),
    Message(0x400, HELLO, BOTH_WAYS),
    Message(0x401, BLOCK, BOTH_WAYS),
    Message(0x402, END, BOTH_WAYS),
    Message(0x410, BLOCK_REQUEST, TO_END, asks=True),
    Message(0x411, BEGIN, TO_END, asks=True),
    Message(0x412, TICK, TO_FLIGHT, asks=True),
    Message(0x420, TRUTH_L, TO_FLIGHT),
    Message(0x421, HOPS, TO_FLIGHT),
    Message(0x422, INJECTION, TO_FLIGHT),
    Message(0x423, MARGINS, TO_FLIGHT),
    Message(0x491, READY, FROM_END),
    Message(0x492, DONE, FROM_FLIGHT),
    Message(0x493, TIMING, FROM_FLIGHT),
    Message(0x500, SENSOR_TRUTH, TO_SENSORS, asks=True),
    Message(0x501, RANGE_TRUTH, TO_SENSORS),
    Message(0x502, STATUS_TRUTH, TO_SENSORS),
    Message(0x503, ARM, TO_SENSORS, asks=True),
    Message(0x580, SENSOR_DONE, FROM_SENSORS),
)
REGIONS = dict(zip(Region.labels(), (PARAMS, CORE, HISTORY, SENSOR_BOARD), strict=True))

BY_NAME = {message.name: message for message in MESSAGES}
BY_FIRST_WORD = {message.first_word: message for message in MESSAGES}
MAX_PACKET_BYTES = max(message.packet_size for message in MESSAGES)
MIN_PACKET_BYTES = min(message.packet_size for message in MESSAGES)


def message_of(record: Record) -> Message:
    """The row under which a record travels. Raises KeyError for one that does not."""
    return BY_NAME[record.name]


@functools.cache
def wire_schema_sha256() -> str:
    """SHA-256 over the layout of everything that crosses the wire, in hex."""
    lines = [line for message in MESSAGES for line in _message_lines(message)]
    for name, region in REGIONS.items():
        lines += [f"region {name} {region.dtype.itemsize}", *_layout(region)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def wire_schema_hash() -> int:
    """First eight bytes of the schema hash as an integer: what Hello carries."""
    return int(wire_schema_sha256()[:16], 16)


def _message_lines(message: Message) -> Iterator[str]:
    yield f"packet {message.first_word:#06x} {message.name} {message.size} {message.way}"
    yield from _layout(message.record)


def _layout(record: Record) -> Iterator[str]:
    for path, field, offset in record.leaves():
        shape = "x".join(str(n) for n in field.shape)
        labels = ",".join(field.codes.labels()) if field.codes else ""
        yield f"{offset} {path} {field.type} {shape} {labels}"
