"""The message table: one row a message, and everything else about messages is derived from it.

A row names the record, its APID, its direction, the member of Inbox or Outbox in which the flight
software finds it, whether the mailbox queues it or keeps the latest, its channel in the log, and
its period. Packets, log channels, message slots, the payloads' inputs and outputs, the C tables of
the firmware and the interface control document come from the rows. Only `post` of the flight
payload and the mailbox's `collect` are written by hand, since they are kernels; a test compares
them with the table.

A CCSDS Space Packet (CCSDS 133.0-B-2) names its content by an 11-bit APID. Ours are read bit by
bit: 0x400 is set for bench traffic, which never reaches a flight computer's software, 0x080 for
what a flight computer sends, or a board to the bench, and 0x100 of bench traffic for what concerns
a sensor board.
"""

import functools
from dataclasses import KW_ONLY, dataclass
from enum import Enum

from fsw.executive.state import CORE, PARAMS
from fsw.filter.buffers import HISTORY
from fsw.framework.record import Record, i64, record
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
HEADER_BYTES = 6
CRC_BYTES = 4
TYPE_BIT = 0x1000


class Direction(Enum):
    """Sender and receiver of a message; "either" is a flight computer or a sensor board."""

    TO_FLIGHT = "to flight"
    FROM_FLIGHT = "from flight"
    TO_SENSORS = "to sensors"
    FROM_SENSORS = "from sensors"
    TO_EITHER = "to either"
    FROM_EITHER = "from either"
    BOTH = "both ways"


class Delivery(Enum):
    """How the mailbox treats messages that arrive between two ticks."""

    QUEUED = "queued"
    LATEST = "latest"


# what each end receives; flight traffic between the two goes through the bench
FLIGHT_RECEIVES = (Direction.TO_FLIGHT, Direction.TO_EITHER, Direction.BOTH)
SENSORS_RECEIVE = (
    Direction.FROM_FLIGHT,
    Direction.TO_SENSORS,
    Direction.TO_EITHER,
    Direction.BOTH,
)
BENCH_RECEIVES_FROM_FLIGHT = (Direction.FROM_FLIGHT, Direction.FROM_EITHER, Direction.BOTH)
BENCH_RECEIVES_FROM_SENSORS = (
    Direction.TO_FLIGHT,
    Direction.FROM_SENSORS,
    Direction.FROM_EITHER,
    Direction.BOTH,
)

RANGE_ARRIVAL = record(
    "RangeArrival",
    "A range as it reached the flight software.",
    sample=RANGE_SAMPLE("the message"),
    t_rx_ns=i64("when it arrived, flight clock"),
)


@dataclass(frozen=True, eq=False)
class Message:
    """One row of the table."""

    apid: int
    record: Record
    direction: Direction
    _: KW_ONLY
    asks: bool = False  # CCSDS packet type: 1 for a request, 0 for a report
    topic: str = ""  # channel in the log, place in a payload's memory; empty: neither
    member: str = ""  # of Inbox or Outbox; empty: does not reach the flight software
    delivery: Delivery | None = None  # of what reaches the flight software
    from_ground: bool = False  # uplinked; its t_ns is no sensor's clock
    logged: Record | None = None  # record in the log, where it is not the message's own
    period_ms: int = 0  # mean interval in nominal flight; 0: sent on occasion

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


TO_FLIGHT, FROM_FLIGHT, BOTH = Direction.TO_FLIGHT, Direction.FROM_FLIGHT, Direction.BOTH
TO_SENSORS, FROM_SENSORS = Direction.TO_SENSORS, Direction.FROM_SENSORS
TO_EITHER, FROM_EITHER = Direction.TO_EITHER, Direction.FROM_EITHER
QUEUED, LATEST = Delivery.QUEUED, Delivery.LATEST

# fmt: off
MESSAGES = (
    Message(0x101, IMU_SAMPLE, TO_FLIGHT, period_ms=10,
            topic="imu", member="imus", delivery=QUEUED),
    Message(0x102, RANGE_SAMPLE, TO_FLIGHT, period_ms=50,
            topic="range", member="ranges", delivery=QUEUED, logged=RANGE_ARRIVAL),
    Message(0x103, CONTACT_SAMPLE, TO_FLIGHT, period_ms=1000,
            topic="contact", member="contact", delivery=LATEST),
    Message(0x104, PROPULSION_STATUS, TO_FLIGHT, period_ms=1000,
            topic="propulsion", member="propulsion", delivery=LATEST),
    Message(0x105, GROUND_COMMAND, TO_FLIGHT, asks=True, from_ground=True,
            topic="command", member="commands", delivery=QUEUED),
    Message(0x106, NAV_UPDATE, TO_FLIGHT, asks=True, from_ground=True,
            topic="nav_update", member="nav_update", delivery=LATEST),
    Message(0x107, CLOCK_ANSWER, TO_FLIGHT, period_ms=1000,
            topic="clock", member="clock", delivery=LATEST, logged=CLOCK_EXCHANGE),
    Message(0x181, ACTUATOR_COMMAND, FROM_FLIGHT, asks=True, period_ms=10,
            topic="actuators", member="actuators"),
    Message(0x182, RANGE_COMMAND, FROM_FLIGHT, asks=True,
            topic="range_command", member="range_command"),
    Message(0x183, TELEMETRY, FROM_FLIGHT, period_ms=200, topic="telemetry", member="telemetry"),
    Message(0x184, EVENT, FROM_FLIGHT, topic="event", member="events"),
    Message(0x185, COMMAND_ACK, FROM_FLIGHT, topic="ack", member="acks"),
    Message(0x187, CLOCK_QUESTION, FROM_FLIGHT, asks=True, period_ms=1000),
    Message(0x400, HELLO, BOTH),
    Message(0x401, BLOCK, BOTH),
    Message(0x402, END, BOTH),
    Message(0x410, BLOCK_REQUEST, TO_EITHER, asks=True),
    Message(0x411, BEGIN, TO_EITHER, asks=True),
    Message(0x412, TICK, TO_FLIGHT, asks=True, period_ms=10),
    Message(0x420, TRUTH_L, TO_FLIGHT, period_ms=100, topic="truth"),
    Message(0x421, HOPS, TO_FLIGHT, period_ms=10, topic="hops"),
    Message(0x422, INJECTION, TO_FLIGHT, topic="injection"),
    Message(0x423, MARGINS, TO_FLIGHT, topic="margins"),
    Message(0x491, READY, FROM_EITHER),
    Message(0x492, DONE, FROM_FLIGHT, period_ms=10),
    Message(0x493, TIMING, FROM_FLIGHT, period_ms=10),
    Message(0x500, SENSOR_TRUTH, TO_SENSORS, asks=True, period_ms=10),
    Message(0x501, RANGE_TRUTH, TO_SENSORS, period_ms=50),
    Message(0x502, STATUS_TRUTH, TO_SENSORS, period_ms=1000),
    Message(0x503, ARM, TO_SENSORS, asks=True),
    Message(0x580, SENSOR_DONE, FROM_SENSORS, period_ms=10),
)
# fmt: on
REGIONS = dict(zip(Region.labels(), (PARAMS, CORE, HISTORY, SENSOR_BOARD), strict=True))

Packet = tuple[Message, bytes]  # a message and the bytes of its record
Table = tuple[Message, ...]

BY_NAME = {message.name: message for message in MESSAGES}
BY_FIRST_WORD = {message.first_word: message for message in MESSAGES}
MAX_PACKET_BYTES = max(message.packet_size for message in MESSAGES)
MIN_PACKET_BYTES = min(message.packet_size for message in MESSAGES)


def message_of(record: Record) -> Message:
    """The row under which a record travels. Raises KeyError for one that does not."""
    return BY_NAME[record.name]


def apid_of(record: Record) -> int:
    """The APID under which a record travels: a plain number, as a kernel can compare it."""
    return message_of(record).apid


def flight_inputs(messages: Table = MESSAGES) -> Table:
    """What reaches the flight software, in the order of the table."""
    return tuple(m for m in messages if m.direction is TO_FLIGHT and not m.is_bench)


def flight_outputs(messages: Table = MESSAGES) -> Table:
    """What the flight software itself sends, in the order of the table."""
    return tuple(m for m in messages if m.direction is FROM_FLIGHT and m.member)


def stamped_by_sensors(messages: Table = MESSAGES) -> Table:
    """What carries a `t_ns` by the sensors' clock."""
    return tuple(m for m in flight_inputs(messages) if not m.from_ground)


def uplinked(messages: Table = MESSAGES) -> Table:
    """What the ground sends to the flight software."""
    return tuple(m for m in flight_inputs(messages) if m.from_ground)
