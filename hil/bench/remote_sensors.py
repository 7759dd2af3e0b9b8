"""The bench's end of the line to a sensor board.

The bench sends the truth to the board and forwards its samples. Beside it the bench runs sensors of
its own on the same truth: so it always holds the record with which a board that has restarted can
go on, and in lockstep, where both must agree, it notices when they do not.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from fsw.interface.messages import RANGE_COMMAND
from fsw.interface.timing import TICK_NS
from hil.platform.clock import NS_PER_S
from hil.protocol.peer import Peer
from hil.protocol.remote_end import ANSWER_LIMIT_NS, FarEnd
from hil.protocol.tick_exchange import Exchange
from hil.wire.codec import codec
from hil.wire.messages import Message, Packet, message_of
from hil.wire.session_messages import WANT_BOARD_HASH, Pace, Role
from hil.wire.slots import (
    MESSAGES_AT,
    SENSOR_TRUTH_MESSAGE,
    WANTS_AT,
    hash_of,
    memory_of,
    sensor_inbox_of,
)

SILENCE_LIMIT_NS = 5 * NS_PER_S

# in real time: a board that has sent nothing for so long is sent Hello, this often
HELLO_NS = NS_PER_S // 4
COMMAND = message_of(RANGE_COMMAND)

Note = Callable[[str, str, str], None]


class SensorPort:
    """The session with a sensor board, and the record that it should hold."""

    def __init__(
        self,
        peer: Peer,
        rows: np.ndarray,
        *,
        note: Note,
        watch: Callable[[], None],
        check_alive: Callable[[], None],
        now_s: Callable[[], float],
    ) -> None:
        """`rows` is the bench's Run; `note` keeps an event; `watch` is called while nothing comes.

        `check_alive` raises when the board is known to be gone.
        """
        self.far = FarEnd(peer, Role.SENSORS, check_alive, now_s)
        self.peer = peer
        self.wants = 0
        self.done: Any = None  # the last SensorDone
        self.difference: tuple[np.ndarray, np.ndarray] | None = None  # own record, the board's
        self._note = note
        self._board = memory_of(rows, "world.board")
        self._before = bytes(self._board)
        self._n_faults = rows["world"]["board"]["n_faults"]
        self._truth = memory_of(rows, "world.sensor_inbox.truth")
        self._inputs = sensor_inbox_of(memory_of(rows, "world.sensor_inbox"))
        self._commands: list[Packet] = []
        self._t_ns = rows["world"]["t_ns"]
        self._exchange = Exchange(self.far, "SensorDone", SILENCE_LIMIT_NS, watch, self._bring_back)

    def begin(self, pace: int, limit_ns: int = ANSWER_LIMIT_NS) -> None:
        """Arm the board where there are faults, load it, and start it."""
        regions = {"board": bytes(self._board)}
        self.far.begin(regions, pace, armed=self._is_armed(), limit_ns=limit_ns)

    def remember(self) -> None:
        """Keep what the board holds now, before the sensors of the bench take the next truth."""
        self._before = bytes(self._board)

    def forward(self, message: Message, payload: bytes) -> None:
        """Keep a range command of the flight computer's for the board's next tick."""
        if message is COMMAND:
            self._commands.append((message, payload))

    def drop_commands(self) -> None:
        """They have been sent to the board; in real time nothing is sent twice."""
        self._commands.clear()

    def tick(self) -> list[Packet]:
        """Lockstep: the board's samples of this tick."""
        t_ns = int(self._t_ns[0])
        samples, self.done, _ = self._exchange.tick(t_ns, lambda: self.grant())
        self.drop_commands()
        if self.wants & WANT_BOARD_HASH and self.done.board_hash != self._own_hash():
            theirs = self.far.read_region("board")
            self.difference = (
                np.frombuffer(bytes(self._board), np.uint8),
                np.frombuffer(theirs, np.uint8),
            )
        return samples

    def grant(self) -> None:
        """Send the board its inputs for this tick."""
        inputs = [*self._inputs.packets(), *self._commands]
        truth = bytearray(self._truth)
        truth[MESSAGES_AT], truth[WANTS_AT] = len(inputs), self.wants
        self.peer.link.write(self.peer.frames([*inputs, (SENSOR_TRUTH_MESSAGE, bytes(truth))]))

    def reload(self, pace: int) -> None:
        """Send a board that has restarted what it should hold, without waiting for its answer."""
        self._commands.clear()  # they have been applied in the record
        self.far.load({"board": self._before}, pace, armed=self._is_armed())

    def note_restart(self) -> None:
        """Note that the board has restarted."""
        detail = "it is armed and loaded again with what it held"
        self._note("sensors_restarted", "alarm", f"the sensor board has started anew: {detail}")

    def _bring_back(self) -> None:
        self.note_restart()
        self._commands.clear()
        self.far.begin({"board": self._before}, Pace.LOCKSTEP, armed=self._is_armed())
        self._note("sensors_back", "notice", "the sensor board goes on where it was")

    def _own_hash(self) -> int:
        words = np.frombuffer(self._board, np.uint64)
        return hash_of(words)

    def _is_armed(self) -> bool:
        return int(self._n_faults[0]) > 0


class BoardWatch:
    """Real time: whether a board still sends, and the offset of its clock."""

    def __init__(self, port: SensorPort, note: Note, pace: int) -> None:
        self._port = port
        self._note = note
        self._pace = pace
        self._received_ns = 0
        self._asked_ns = 0
        self._silent = False
        self._offset_ns: int | None = None
        self._unpack = codec("SensorDone").unpack

    def begin(self, now_ns: int) -> None:
        """The session begins; all times by the bench's clock."""
        self._received_ns = self._asked_ns = now_ns

    def done(self, payload: bytes, received_ns: int) -> Any:
        """Take a SensorDone received at received_ns; unpacked."""
        done = self._unpack(payload)
        self._received_ns = received_ns
        # the quickest message bounds the offset best; the board's clock may gain or lose a little
        seen_ns = done.sent_ns - received_ns
        known_ns = seen_ns if self._offset_ns is None else self._offset_ns
        self._offset_ns = max(seen_ns, known_ns - TICK_NS // 100)
        if self._silent:
            self._silent = False
            self._note("sensors_back", "notice", "the sensor board sends again")
        return done

    def clock_ns(self, bench_ns: int) -> int:
        """The board's clock at a time of the bench's; 0 epoch before its first message."""
        return bench_ns + (self._offset_ns or 0)

    def hello(self, payload: bytes) -> None:
        """Take a Hello that came in mid-session; a board that has restarted is loaded again."""
        if self._port.far.has_restarted(payload):
            self._offset_ns = None
            self._port.note_restart()
            self._port.reload(self._pace)

    def look(self, now_ns: int) -> None:
        """Note when the board is silent, and send Hello. Raises PeerSilent at the limit."""
        silent_ns = now_ns - self._received_ns
        if silent_ns < HELLO_NS or now_ns - self._asked_ns < HELLO_NS:
            return
        self._asked_ns = now_ns
        if not self._silent:
            self._silent = True
            self._note("sensors_silent", "alarm", "nothing comes from the sensor board")
        self._port.far.check_alive()
        self._port.far.refuse_silence(silent_ns)
        self._port.peer.hello(asks=True)
