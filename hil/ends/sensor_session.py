"""The sensors' end of a session, as a board plays it: one machine that is always in some state.

It may be met, loaded and begun at any time and anew: that is how a bench brings back a board that
has restarted. It refuses faults until it was armed.
"""

import struct
from collections.abc import Callable
from typing import Any

from hil.ends.sensor_host import VIRTUAL, SensorBoard
from hil.protocol.block_transfer import Loading, ReadBack
from hil.protocol.peer import Patience, Peer, end_reason, end_verdict
from hil.wire.codec import codec
from hil.wire.framing import Packet
from hil.wire.packets import BY_NAME, Message
from hil.wire.session_messages import (
    WANT_BOARD_HASH,
    DoneResult,
    EndReason,
    Pace,
    ReadyResult,
    Region,
)
from hil.wire.slots import MESSAGES_AT, TOLD, WANTS_AT

POLL_S = 0.5
TRUTH_T_NS = struct.Struct("<q")
TOLD_APIDS = {message.apid for message in TOLD}


class SensorEnd:
    """A process in the place of a sensor board."""

    def __init__(self, peer: Peer) -> None:
        self.reason = ""
        self.verdict = "unknown"
        self.pace = "lockstep"
        self.ticks = 0
        self._peer = peer
        self._board = SensorBoard()
        self._loading = Loading(("board",))
        self._armed = False
        self._begun = False
        self._virtual = True
        self._told: list[Packet] = []
        self._heard_ns = 0
        self._answered_t_ns: int | None = None
        self._answer = b""
        read_back = ReadBack(peer, self._board.region, ("board",))
        self._handlers: dict[int, Callable[[bytes], None]] = {
            BY_NAME[name].apid: handler
            for name, handler in (
                ("Hello", self._hello),
                ("Block", self._loading.take),
                ("Arm", self._arm),
                ("Begin", self._begin),
                ("SensorTruth", self._truth),
                ("BlockRequest", read_back.answer),
                ("ClockQuestion", self._answer_clock),
                ("End", self._end),
            )
        }

    def run(self, meeting_limit_ns: int, silence_limit_ns: int) -> None:
        """Answer until the bench says End. Raises PeerSilent."""
        waiting = Patience(self._peer, meeting_limit_ns, "bench")
        flying = Patience(self._peer, silence_limit_ns, "bench")
        while not self.reason:
            if self.listen(POLL_S):
                waiting.heard()
                flying.heard()
            else:
                (flying if self._begun else waiting).nothing()

    def listen(self, timeout_s: float) -> bool:
        """Answer what comes; false when nothing did within the time."""
        packets = self._peer.hear(timeout_s)
        self._heard_ns = self._peer.clock.now_ns()
        for message, payload in packets:
            self._take(message, payload)
        return bool(packets)

    def _take(self, message: Message, payload: bytes) -> None:
        if message.apid in TOLD_APIDS:
            self._told.append((message, payload))
        elif message.apid in self._handlers:
            self._handlers[message.apid](payload)

    def _hello(self, payload: bytes) -> None:
        if self._peer.met(payload).asks:
            self._peer.hello(asks=False)

    def _arm(self, payload: bytes) -> None:
        self._armed = bool(codec("Arm").unpack(payload).armed)

    def _begin(self, payload: bytes) -> None:
        begin = codec("Begin").unpack(payload)
        result: int = ReadyResult.INCOMPLETE
        if begin.regions & (1 << Region.BOARD):
            result = self._loading.check(begin)
        if result == ReadyResult.STARTED:
            self._board.load(self._loading.loaded(begin)["board"])
            if not self._board.is_allowed(self._armed):
                result = ReadyResult.NOT_ARMED
        self._begun = result == ReadyResult.STARTED
        self._virtual = begin.pace == Pace.LOCKSTEP
        self.pace = "lockstep" if self._virtual else "realtime"
        self._told.clear()
        self._answered_t_ns = None
        self._peer.say("Ready", result=result)

    def _truth(self, payload: bytes) -> None:
        told, self._told = self._told, []
        if not self._begun:
            return
        t_ns = TRUTH_T_NS.unpack_from(payload)[0]
        if self._virtual and t_ns == self._answered_t_ns:
            self._peer.link.write(self._answer)
        elif self._virtual and len(told) != payload[MESSAGES_AT]:
            self._peer.say("SensorDone", t_ns=t_ns, result=DoneResult.INCOMPLETE)
        else:
            self._tick(t_ns, told, payload)

    def _tick(self, t_ns: int, told: list[Packet], truth: bytes) -> None:
        board, peer = self._board, self._peer
        for message, payload in told:
            board.tell(message, payload)
        said = board.tick(truth, VIRTUAL if self._virtual else self._heard_ns)
        figures: dict[str, Any] = {"stamp_ns": board.stamp_ns(t_ns)}
        if not self._virtual:
            figures |= {"received_ns": self._heard_ns, "sent_ns": peer.clock.now_ns()}
        if truth[WANTS_AT] & WANT_BOARD_HASH:
            figures["board_hash"] = board.board_hash()
        self._answer = peer.frames(said) + peer.frame(
            "SensorDone", t_ns=t_ns, messages=len(said), result=DoneResult.STEPPED, **figures
        )
        peer.link.write(self._answer)
        self._answered_t_ns = t_ns
        self.ticks += 1

    def _answer_clock(self, payload: bytes) -> None:
        question = codec("ClockQuestion").unpack(payload)
        self._peer.say(
            "ClockAnswer",
            t_received_ns=self._heard_ns,
            t_question_ns=question.t_ns,
            seq=question.seq,
        )

    def _end(self, payload: bytes) -> None:
        if not self.reason:
            self.reason, self.verdict = end_reason(payload), end_verdict(payload)
            self._peer.say("End", reason=EndReason.FINISHED)
