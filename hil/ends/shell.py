"""An end of a session as a process of this machine: what hil/firmware/session.c is on a board.

It receives Hello, the regions and Begin, runs the payload's ticks, and ends when the bench sends
End. Flight computer and sensor board differ by their payload only.
"""

from collections.abc import Callable
from typing import Any

from hil.ends.payload_memory import PayloadMemory
from hil.ends.ticks import Ticks
from hil.platform.clock import NS_PER_S
from hil.platform.errors import BenchError, PeerSilent
from hil.protocol.block_transfer import Loading, ReadBack, region_number
from hil.protocol.peer import Peer, SilenceLimit, end_reason, end_verdict
from hil.wire.codec import codec
from hil.wire.messages import BY_NAME, Message
from hil.wire.session_messages import EndReason, Pace, ReadyResult, StartFrom

POLL_S = 0.5
POLL_NS = NS_PER_S // 10


class Observer:
    """What else happens to a session at this end; a log overrides it."""

    def begin(self, realtime: bool) -> None:
        """The payload is loaded and will start."""

    def tick(self) -> None:
        """A tick ran."""

    def message(self, message: Message, payload: bytes) -> None:
        """A message of the bench's that is not for the payload."""


class Shell:
    """One session of a payload with the bench at the other end."""

    def __init__(self, memory: PayloadMemory, peer: Peer, observer: Observer | None = None) -> None:
        self.reason = ""
        self.verdict = "unknown"
        self.pace = Pace.LOCKSTEP.label
        self._memory = memory
        self._peer = peer
        self._observer = observer or Observer()
        self.ticks = Ticks(memory, peer, self._observer.tick)
        self._known = False
        self._armed = False
        self._received = False  # a packet has come since the last turn
        regions = memory.payload.regions
        self._loading = Loading(regions)
        self._handlers: dict[int, Callable[[bytes], None]] = {
            BY_NAME[name].apid: handler
            for name, handler in (
                ("Block", self._take_block),
                ("BlockRequest", ReadBack(peer, memory.region, regions).answer),
                ("Begin", self._take_begin),
                ("Arm", self._take_arm),
            )
        }
        self._hello, self._end = BY_NAME["Hello"], BY_NAME["End"]

    def run(self, meeting_limit_ns: int, silence_limit_ns: int) -> None:
        """Meet the bench, run ticks, and return when the bench sends End.

        Raises BenchError (PeerSilent, SchemaMismatch, LinkError) when the session cannot begin or
        go on.
        """
        self._wait_for_begin(meeting_limit_ns)
        silence = SilenceLimit(self._peer, silence_limit_ns, "bench")
        while not self.reason:
            self._received = False
            if self.ticks.paced:
                self.ticks.turn(self._receive_until)
            else:
                self.receive(POLL_S)
            if self._received:
                silence.restart()
            else:
                silence.check()

    def receive(self, timeout_s: float) -> None:
        """Take what arrives within the time."""
        self._take_all(self._peer.receive(timeout_s))

    def _wait_for_begin(self, limit_ns: int) -> None:
        clock = self._peer.clock
        deadline_ns = clock.now_ns() + limit_ns
        while not self.ticks.running and not self.reason:
            now_ns = clock.now_ns()
            if now_ns >= deadline_ns:
                limit = f"{limit_ns / NS_PER_S:g} s"
                raise PeerSilent(f"the bench on the other end: no answer within {limit}")
            self._receive_until(min(now_ns + POLL_NS, deadline_ns))

    def _receive_until(self, deadline_ns: int) -> None:
        for packets in self._peer.receive_until(deadline_ns):
            self._take_all(packets)
            if self.reason:
                return

    def _take_all(self, packets: list[tuple[Message, bytes]]) -> None:
        received_ns = self._peer.clock.now_ns()
        for message, payload in packets:
            self._received = True
            self._take(message, payload, received_ns)

    def _take(self, message: Message, payload: bytes, received_ns: int) -> None:
        if message is self._hello:
            self._take_hello(payload)
        elif message is self._end:
            self._take_end(payload)
        elif not self._known:
            return
        elif handler := self._handlers.get(message.apid):
            handler(payload)
        elif self.ticks.running:
            if self._memory.takes(message):
                self.ticks.take(message, payload, received_ns)
            else:
                self._observer.message(message, payload)

    def _take_hello(self, payload: bytes) -> None:
        known = self._peer.other_boot
        hello = self._peer.take_hello(payload)
        if self.ticks.running and hello.boot != known:
            raise BenchError("the bench began anew in the middle of a flight")
        self._known = True
        if hello.asks:
            self._peer.hello(asks=False)

    def _take_block(self, payload: bytes) -> None:
        if not self.ticks.running:
            self._loading.take(payload)

    def _take_arm(self, payload: bytes) -> None:
        self._armed = bool(codec("Arm").unpack(payload).armed)

    def _take_begin(self, payload: bytes) -> None:
        result: int = ReadyResult.STARTED
        if not self.ticks.running:
            begin = codec("Begin").unpack(payload)
            zero_ns = self._peer.clock.now_ns() + begin.start_in_ns
            result = self._check_regions(begin)
            if result == ReadyResult.STARTED:
                result = self._start(begin, zero_ns)
        self._peer.send("Ready", result=result)

    def _check_regions(self, begin: Any) -> int:
        names = list(self._memory.payload.regions)
        needed = names if begin.start == StartFrom.LOADED else names[:1]
        if any(not begin.regions & (1 << region_number(name)) for name in needed):
            return ReadyResult.INCOMPLETE
        if begin.start == StartFrom.KEPT:  # a process that has ended keeps nothing
            return ReadyResult.NOTHING_KEPT
        return self._loading.check(begin)

    def _start(self, begin: Any, zero_ns: int) -> int:
        realtime = begin.pace == Pace.REALTIME
        self._memory.load(self._loading.loaded(begin))
        result = self.ticks.start(begin.start, self._armed, realtime, zero_ns)
        if self.ticks.running:
            self.pace = Pace.label_of(begin.pace)
            self._observer.begin(realtime)
        return result

    def _take_end(self, payload: bytes) -> None:
        if not self.ticks.running and not self.reason:
            raise BenchError(f"the bench ended the session: {end_reason(payload)}")
        if self.ticks.running:
            self.reason, self.verdict = end_reason(payload), end_verdict(payload)
            self._peer.send("End", reason=EndReason.FINISHED)
            self.ticks.stop()
