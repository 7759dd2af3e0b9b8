"""The sensors with their memory and their boxes: what a process that plays a sensor board carries.

It is the host's twin of the microcontroller: the same kernels, the same record, the same answers.
"""

import numpy as np

from fsw.framework.kernel import kernel
from hil.wire.framing import Packet
from hil.wire.packets import Message
from hil.wire.slots import arrivals_of, hash_of, memory_of, rows_of, told_of
from sim.sensors.records import SENSOR_BOARD, SENSOR_INBOX, SENSOR_TRUTH, TICK_MESSAGES
from sim.sensors.sensor_suite import is_allowed, tick_board

VIRTUAL = -1


@kernel
def tick_rows(boards, inboxes, arrivals, clock_ns):
    """One tick of the sensors; each box is an array of one record, clock_ns as in tick_board."""
    tick_board(boards[0], inboxes[0], arrivals[0], clock_ns)


@kernel
def allowed_rows(boards, armed):
    """Whether the board may begin, armed or not."""
    return is_allowed(boards[0], armed)


class SensorBoard:
    """The sensors, as they were loaded, and what they are told."""

    def __init__(self) -> None:
        self._boards = rows_of(SENSOR_BOARD)
        self._inboxes = rows_of(SENSOR_INBOX)
        self._arrivals = rows_of(TICK_MESSAGES)
        self._memory = memory_of(self._boards)
        self._words = np.frombuffer(self._memory, np.uint64)
        self._truth = memory_of(self._inboxes, "truth")
        self._told = told_of(memory_of(self._inboxes))
        self._said = arrivals_of(memory_of(self._arrivals))
        self._offset = self._boards["clock_offset_ns"]

    def load(self, board: bytes) -> None:
        """Become what a SensorBoard's bytes say."""
        self._memory[:] = board
        self._told.clear()

    def is_allowed(self, armed: bool) -> bool:
        """True when what was loaded may be played by a board that was armed, or was not."""
        return bool(allowed_rows(self._boards, int(armed)))

    def tell(self, message: Message, payload: bytes) -> None:
        """Take a message for the next tick."""
        self._told.put(message, payload)

    def tick(self, truth: bytes, clock_ns: int = VIRTUAL) -> list[Packet]:
        """One tick, from SensorTruth's bytes: what the sensors say; clock_ns as in tick_board."""
        self._truth[:] = truth
        tick_rows(self._boards, self._inboxes, self._arrivals, clock_ns)
        return self._said.packets()

    def stamp_ns(self, t_ns: int) -> int:
        """By the board's clock, a time of the truth."""
        return t_ns + int(self._offset[0])

    def board_hash(self) -> int:
        """Hash of the whole record."""
        return hash_of(self._words)

    def region(self, name: str) -> bytes:
        """The bytes of the memory region `board`."""
        return bytes(self._memory)


def compile_board() -> None:
    """Compile what a tick calls, on a board that is thrown away: no bench shall wait for it."""
    board = SensorBoard()
    board.load(SENSOR_BOARD.new().tobytes())
    board.is_allowed(False)
    board.tick(SENSOR_TRUTH.new().tobytes())
    board.board_hash()
