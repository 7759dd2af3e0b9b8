"""Bytes in, packets and counters out; packets in, bytes out. Nothing here waits or reads a port.

On the line a packet stands between two zeros, COBS-coded so that it holds none itself
(S. Cheshire and M. Baker, IEEE/ACM Trans. Networking 7(2), 1999):

    00  COBS( header 6, big-endian | record, little-endian | CRC-32, little-endian )  00

The zero in front ends whatever garbage came before, so noise costs no good frame, and a frame is
complete with its own last byte. What is not a packet of ours is counted and discarded; no
bytes on the line raise an error. Between zeros no more bytes are kept
than the longest frame has.
"""

import struct
import zlib
from collections.abc import Collection
from dataclasses import asdict, dataclass

from cobs import cobs

from hil.wire.messages import (
    BY_FIRST_WORD,
    HEADER_BYTES,
    MAX_PACKET_BYTES,
    MESSAGES,
    MIN_PACKET_BYTES,
    Direction,
    Message,
    Packet,
)

HEADER = struct.Struct(">HHH")
SEQUENCE_MASK = 0x3FFF
UNSEGMENTED = 0xC000
ZERO = b"\0"
MAX_CODED_BYTES = MAX_PACKET_BYTES + MAX_PACKET_BYTES // 254 + 1

# CRC-32 of any message followed by its own CRC-32, least byte first
CRC_RESIDUE = 0x2144DF1C
HALF_SEQUENCE = (SEQUENCE_MASK + 1) // 2


class Encoder:
    """Turns records into frames and counts packets per APID."""

    def __init__(self) -> None:
        self._next = {message.apid: 0 for message in MESSAGES}

    def frame(self, message: Message, payload: bytes) -> bytes:
        """The next frame of this message. Raises ValueError when the payload is no such record."""
        if len(payload) != message.size:
            raise ValueError(f"{message.name} has {message.size} bytes, not {len(payload)}")
        count = self._next[message.apid]
        self._next[message.apid] = (count + 1) & SEQUENCE_MASK
        header = HEADER.pack(message.first_word, UNSEGMENTED | count, message.length_word)
        packet = header + payload
        packet += zlib.crc32(packet).to_bytes(4, "little")
        return ZERO + cobs.encode(packet) + ZERO


@dataclass
class Counters:
    """What a decoder has met on the line."""

    bytes: int = 0
    packets: int = 0
    cobs: int = 0  # not the code of anything
    length: int = 0  # longer or shorter than its header or any packet
    crc: int = 0  # a bit was changed
    header: int = 0  # whole, but no packet of the table that belongs on this line
    missing: int = 0  # sequence numbers that never came
    disordered: int = 0  # sequence numbers that came again or late

    @property
    def refused(self) -> int:
        """Pieces of the stream that were no packet."""
        return self.cobs + self.length + self.crc + self.header

    def as_dict(self) -> dict[str, int]:
        """All counts by name."""
        return asdict(self)


class Decoder:
    """Takes the byte stream in pieces of any size and gives the packets that it holds."""

    def __init__(self, directions: Collection[Direction] = tuple(Direction)) -> None:
        """`directions` are those that this end receives; all when left out."""
        self.counters = Counters()
        self._known = {
            word: message
            for word, message in BY_FIRST_WORD.items()
            if message.direction in directions
        }
        self._expected: dict[int, int] = {}
        self._partial = b""
        self._overlong = False

    def feed(self, data: bytes) -> list[Packet]:
        """Packets completed by these bytes, in order, as (message, bytes of the record)."""
        self.counters.bytes += len(data)
        first, *rest = data.split(ZERO)
        self._keep(first)
        packets: list[Packet] = []
        if not rest:
            return packets
        self._close(packets)
        last = rest.pop()
        for piece in rest:
            if piece:
                self._take(piece, packets)
        self._keep(last)
        return packets

    def restart(self) -> None:
        """Expect any sequence number next: the other end began anew."""
        self._expected.clear()

    def _keep(self, piece: bytes) -> None:
        if self._overlong:
            return
        self._partial += piece
        if len(self._partial) > MAX_CODED_BYTES:
            self._partial = b""
            self._overlong = True
            self.counters.length += 1

    def _close(self, packets: list[Packet]) -> None:
        piece, self._partial = self._partial, b""
        self._overlong = False
        if piece:
            self._take(piece, packets)

    def _take(self, piece: bytes, packets: list[Packet]) -> None:
        counters = self.counters
        if not MIN_PACKET_BYTES < len(piece) <= MAX_CODED_BYTES:
            counters.length += 1
            return
        try:
            packet = cobs.decode(piece)
        except cobs.DecodeError:
            counters.cobs += 1
            return
        if zlib.crc32(packet) != CRC_RESIDUE:
            counters.crc += 1
            return
        first_word, sequence_word, length_word = HEADER.unpack_from(packet)
        message = self._known.get(first_word)
        if message is None or sequence_word < UNSEGMENTED:
            counters.header += 1
        elif len(packet) != message.packet_size or length_word != message.length_word:
            counters.length += 1
        else:
            counters.packets += 1
            self._follow(message.apid, sequence_word & SEQUENCE_MASK)
            packets.append((message, packet[HEADER_BYTES:-4]))

    def _follow(self, apid: int, sequence: int) -> None:
        ahead = (sequence - self._expected.get(apid, sequence)) & SEQUENCE_MASK
        if ahead < HALF_SEQUENCE:
            self.counters.missing += ahead
        else:
            self.counters.disordered += 1
        self._expected[apid] = (sequence + 1) & SEQUENCE_MASK
