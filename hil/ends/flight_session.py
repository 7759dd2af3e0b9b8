"""The flight computer's end of a session: meeting the bench, and what both paces have in common."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hil.ends.flight_host import Computer
from hil.log.recorder import Recorder
from hil.log.tick_recorder import Tap
from hil.platform.errors import BenchError
from hil.protocol.block_transfer import Loading, ReadBack, region_number
from hil.protocol.peer import Peer, end_reason, end_verdict
from hil.wire.codec import codec
from hil.wire.packets import BY_NAME, Message
from hil.wire.session_messages import EndReason, ReadyResult, StartFrom

FLIGHT_REGIONS = ("params", "core", "history")

Handler = Callable[[bytes], None]


@dataclass(frozen=True)
class Begin:
    """What the bench has asked for, and when flight time 0 is by this end's clock."""

    regions: dict[str, bytes]
    pace: int
    zero_ns: int


class Meeting:
    """Before the flight: hello, regions, begin."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._known = False
        self._loading = Loading(FLIGHT_REGIONS)

    def wait_for_begin(self, limit_ns: int) -> Begin:
        """Answer the bench until it says Begin with all that this end flies with."""
        found: Begin | None = self._peer.ask(
            lambda: None, self._take, limit_ns, "the bench on the other end"
        )
        assert found is not None
        return found

    def _take(self, message: Message, payload: bytes) -> Begin | None:
        if message.name == "Hello":
            hello = self._peer.met(payload)
            self._known = True
            if hello.asks:
                self._peer.hello(asks=False)
        elif message.name == "End":
            raise BenchError(f"the bench ended the session: {end_reason(payload)}")
        elif self._known and message.name == "Block":
            self._loading.take(payload)
        elif self._known and message.name == "Begin":
            return self._begin(codec("Begin").unpack(payload))
        return None

    def _begin(self, begin: Any) -> Begin | None:
        result = self._result(begin)
        if result == ReadyResult.STARTED:
            zero_ns = self._peer.clock.now_ns() + begin.start_in_ns
            return Begin(self._loading.loaded(begin), begin.pace, zero_ns)
        self._peer.say("Ready", result=result)
        return None

    def _result(self, begin: Any) -> int:
        if begin.start == StartFrom.KEPT:  # a process that has ended keeps nothing
            return ReadyResult.NOTHING_KEPT
        needed = FLIGHT_REGIONS if begin.start == StartFrom.LOADED else ("params",)
        if any(not begin.regions & (1 << region_number(name)) for name in needed):
            return ReadyResult.INCOMPLETE
        return self._loading.check(begin)


class FlightEnd:
    """What both paces have in common: bench messages that may come at any time."""

    def __init__(
        self,
        peer: Peer,
        computer: Computer,
        begin: Begin,
        recorder: Recorder | None,
        tap: Tap | None,
    ) -> None:
        self.reason = ""
        self.verdict = "unknown"
        self.ticks = 0
        self.missed_ticks = 0
        self._peer = peer
        self._computer = computer
        self._begin = begin
        self._recorder = recorder
        self._tap = tap
        self._handlers: dict[int, Handler] = {
            BY_NAME[name].apid: handler
            for name, handler in (
                ("Hello", self._hello),
                ("Begin", self._begin_again),
                ("BlockRequest", ReadBack(peer, computer.region, FLIGHT_REGIONS).answer),
                ("End", self._end),
                ("TruthL", self._keep_truth),
                ("Hops", self._keep_hops),
                ("Injection", self._keep_injection),
                ("Margins", self._keep_margins),
            )
        }

    def say_ready(self) -> None:
        """Tell the bench that the flight software is ready to fly."""
        self._peer.say("Ready", result=ReadyResult.STARTED)

    def _ignore(self, payload: bytes) -> None:
        pass

    def _hello(self, payload: bytes) -> None:
        known = self._peer.other_boot
        hello = self._peer.met(payload)
        if hello.boot != known:
            raise BenchError("the bench began anew in the middle of a flight")
        if hello.asks:
            self._peer.hello(asks=False)

    def _begin_again(self, payload: bytes) -> None:
        self.say_ready()

    def _end(self, payload: bytes) -> None:
        if not self.reason:
            self.reason, self.verdict = end_reason(payload), end_verdict(payload)
            self._peer.say("End", reason=EndReason.FINISHED)

    def _keep_truth(self, payload: bytes) -> None:
        if self._recorder:
            t_ns = int.from_bytes(payload[:8], "little", signed=True)
            self._recorder.append("truth", t_ns, payload)

    def _keep_hops(self, payload: bytes) -> None:
        if self._recorder:
            self._recorder.append("hops", codec("Hops").unpack(payload).t_ns, payload)

    def _keep_injection(self, payload: bytes) -> None:
        if self._recorder:
            self._recorder.append("injection", codec("Injection").unpack(payload).t_ns, payload)

    def _keep_margins(self, payload: bytes) -> None:
        if self._recorder:
            self._recorder.append("margins", codec("Margins").unpack(payload).t_ns, payload)

    def _record_tick(self) -> None:
        self.ticks += 1
        if self._tap:
            self._tap.record()
