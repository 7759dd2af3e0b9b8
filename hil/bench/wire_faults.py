"""Faults of the wire itself: what the rows of a scenario do to the bytes of flight messages.

The bench does it at its own end of the line. What it sends is corrupted as bytes, so that the other
end's decoder meets them; what it receives is corrupted after it has come over the real line whole.
A decoder of the bench's own finds what is left, and so a lockstep session can tell a message that a
fault has removed, which stays lost, from one that the line has lost, which is sent again. Draws are
from the rows' random streams, by number of frame: the same run corrupts the same frames. Bench
messages are never touched.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from fsw.interface.timing import TICK_NS
from hil.wire.framing import ZERO, Decoder, Encoder
from hil.wire.messages import BOTH, FROM_FLIGHT, TO_FLIGHT, Packet
from sim.common.random_streams import uniform
from sim.faults.reader import kind_name
from sim.faults.table import KINDS, FaultGroup, FaultKind, WireDirection
from sim.faults.windows import message_stream

# draws of a frame, for each row: whether, where, what
DRAWS = 4
GARBAGE_DRAWS = 4096

# the two directions use other draws of the same row
BACK = 1 << 40


class WireFaults:
    """The rows of a world that act on one direction of the wire."""

    def __init__(self, world: Any, direction: int) -> None:
        """`direction` is WireDirection.TO_FLIGHT or FROM_FLIGHT."""
        rows = [
            (i, world.board.faults[i], world.board.fault_memory[i])
            for i in range(int(world.board.n_faults))
        ]
        self._rows = [
            row
            for row in rows
            if KINDS[kind_name(row[1])].group == FaultGroup.WIRE
            and int(row[1].direction) in (direction, WireDirection.BOTH)
        ]
        self._world = world
        self._seed = int(world.seed)
        self._first = BACK if direction == WireDirection.FROM_FLIGHT else 0
        self._frames = 0
        self._held = b""
        self._decoder = Decoder(
            (TO_FLIGHT if direction == WireDirection.TO_FLIGHT else FROM_FLIGHT, BOTH)
        )
        self._encoder = Encoder()

    def __bool__(self) -> bool:
        """True when there is anything to do."""
        return bool(self._rows)

    def spoil(self, frames: list[bytes]) -> tuple[bytes, list[Packet]]:
        """The bytes that these frames have become, and the messages that are still in them."""
        data = b"".join([self._spoiled(frame) for frame in frames])
        data = self._stalled(data)
        # the start of the bench's next frame ends an unfinished one
        return data, self._decoder.feed(data + ZERO)

    def filter(self, packets: list[Packet]) -> list[Packet]:
        """What is left of messages that came over the line whole."""
        return self.spoil([self._encoder.frame(*packet) for packet in packets])[1]

    def _spoiled(self, frame: bytes) -> bytes:
        number = self._frames
        self._frames += 1
        for row, fault, memory in self._rows:
            kind = int(fault.kind)
            # of 64 bits, whatever its size: a plain int may be taken for a signed one
            key = np.uint64(message_stream(self._seed, row))
            first = self._first + DRAWS * number
            acts, where, what = (uniform(key, first + k) for k in range(3))
            if not memory.open or acts >= fault.probability:
                continue
            if kind == FaultKind.WIRE_GARBAGE:
                frame = self._garbage(key, number, int(fault.count)) + frame
            elif kind in SPOILERS and frame:
                frame = SPOILERS[kind](frame, where, what)
        return frame

    def _garbage(self, key: Any, number: int, count: int) -> bytes:
        first = self._first + BACK // 2 + GARBAGE_DRAWS * number
        return bytes(int(256 * uniform(key, first + k)) for k in range(count))

    def _stalled(self, data: bytes) -> bytes:
        """Bytes that are let through now: all of them, unless a stall holds them back."""
        data, self._held = self._held + data, b""
        for _, fault, memory in self._rows:
            period_ns = int(1e9 * fault.period_s)
            if memory.open and int(fault.kind) == FaultKind.WIRE_STALL and period_ns > 0:
                since_ns = int(self._world.t_ns) - int(memory.opened_ns)
                before_ns = since_ns - TICK_NS
                released = since_ns > 0 and since_ns // period_ns != before_ns // period_ns
                if not released:
                    data, self._held = b"", data
        return data


def _flip(frame: bytes, where: float, what: float) -> bytes:
    at = int(where * len(frame))
    return frame[:at] + bytes([frame[at] ^ (1 << int(8 * what))]) + frame[at + 1 :]


def _drop(frame: bytes, where: float, what: float) -> bytes:
    at = int(where * len(frame))
    return frame[:at] + frame[at + 1 :]


def _insert(frame: bytes, where: float, what: float) -> bytes:
    at = int(where * len(frame))
    return frame[:at] + bytes([int(256 * what)]) + frame[at:]


def _truncate(frame: bytes, where: float, what: float) -> bytes:
    return frame[: int(where * len(frame))]


SPOILERS: dict[int, Callable[[bytes, float, float], bytes]] = {
    FaultKind.WIRE_FLIP: _flip,
    FaultKind.WIRE_DROP: _drop,
    FaultKind.WIRE_INSERT: _insert,
    FaultKind.WIRE_TRUNCATE: _truncate,
}
