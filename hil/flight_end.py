"""The flight computer's end of a session: meeting the bench, then flying at its pace.

In lockstep the bench grants every tick and the flight computer answers; what the line loses is
sent again, and no tick is flown twice. In real time the flight computer goes by its own clock,
whose zero the bench's Begin sets, and learns the sensors' clock by asking.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fsw.messages import IMU_SAMPLE
from fsw.state import PARAMS
from hil.bench import (
    BLOCK_BYTES,
    DONE_INCOMPLETE,
    END_FINISHED,
    PACE_LOCKSTEP,
    READY_PARAMS_DIFFER,
    READY_PARAMS_INCOMPLETE,
    READY_STARTED,
    REGION_NAMES,
    REGION_PARAMS,
    WANT_CORE_HASH,
    WANT_HISTORY_HASH,
)
from hil.clock import NS_PER_S
from hil.codec import codec
from hil.computer import Computer
from hil.errors import BenchError
from hil.framing import Packet
from hil.pacer import Pacer
from hil.packets import BY_NAME, Message
from hil.peer import Patience, Peer, end_reason, end_verdict
from hil.recorder import Recorder
from hil.tap import Tap
from sim.world import TICK_NS

POLL_S = 0.5
MEETING_LIMIT_NS = 60 * NS_PER_S
SILENCE_LIMIT_NS = 10 * NS_PER_S
# before flight time 0 and in the first second the sensors' clock is asked often, then once a second
QUICK_ASK_NS = 20_000_000
FIRST_TICKS, FIRST_ASK_TICKS, ASK_TICKS = 100, 10, 100

IMU_SEQ_AT = next(at for path, _, at in IMU_SAMPLE.leaves() if path == "seq")

Handler = Callable[[bytes], None]


@dataclass
class FlightReport:
    """What the flight computer's end can say of a session."""

    reason: str
    verdict: str
    pace: str
    ticks: int
    missed_ticks: int
    link: dict[str, int] = field(default_factory=dict)
    wire: dict[str, int] = field(default_factory=dict)


def fly_with_bench(
    peer: Peer,
    open_recorder: Callable[[bool], Recorder] | None = None,
    meeting_limit_ns: int = MEETING_LIMIT_NS,
    silence_limit_ns: int = SILENCE_LIMIT_NS,
) -> FlightReport:
    """Meet the bench, fly as it asks, and come back when it says so.

    `open_recorder` gives the log to be kept; it is told whether time is virtual. Raises BenchError
    (PeerSilent, SchemaMismatch, LinkError) when that does not work out.
    """
    begin = _Meeting(peer).wait_for_begin(meeting_limit_ns)
    computer = Computer(begin.params)
    state, params, inbox, outbox = computer.boxes()
    recorder = open_recorder(begin.pace == PACE_LOCKSTEP) if open_recorder else None
    tap = Tap(recorder, state, params, inbox, outbox) if recorder else None
    kind: type[LockstepEnd] | type[RealtimeEnd] = (
        LockstepEnd if begin.pace == PACE_LOCKSTEP else RealtimeEnd
    )
    end = kind(peer, computer, begin, recorder, tap)
    end.say_ready()
    end.run(Patience(peer, silence_limit_ns, "bench"))
    return FlightReport(
        reason=end.reason,
        verdict=end.verdict,
        pace=kind.PACE,
        ticks=end.ticks,
        missed_ticks=end.missed_ticks,
        link=peer.link.counters.as_dict(),
        wire=peer.decoder.counters.as_dict(),
    )


@dataclass(frozen=True)
class _Begin:
    """What the bench has asked for, and when flight time 0 is by this end's clock."""

    params: bytes
    params_crc: int
    pace: int
    zero_ns: int


class _Meeting:
    """Before the flight: hello, parameters, begin."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._known = False
        self._params = bytearray(PARAMS.dtype.itemsize)
        self._missing = set(range(0, len(self._params), BLOCK_BYTES))

    def wait_for_begin(self, limit_ns: int) -> _Begin:
        """Answer the bench until it says Begin with the parameters that have arrived."""
        found: _Begin | None = self._peer.ask(
            lambda: None, self._take, limit_ns, "the bench on the other end"
        )
        assert found is not None
        return found

    def _take(self, message: Message, payload: bytes) -> _Begin | None:
        if message.name == "Hello":
            hello = self._peer.met(payload)
            self._known = True
            if hello.asks:
                self._peer.hello(asks=False)
        elif message.name == "End":
            raise BenchError(f"the bench ended the session: {end_reason(payload)}")
        elif self._known and message.name == "Block":
            self._take_block(payload)
        elif self._known and message.name == "Begin":
            return self._begin(payload)
        return None

    def _take_block(self, payload: bytes) -> None:
        block = codec("Block").unpack(payload)
        end = block.offset + block.length
        fits = block.size == len(self._params) and end <= block.size
        if block.region == REGION_PARAMS and fits and block.length <= BLOCK_BYTES:
            self._params[block.offset : end] = block.data[: block.length]
            self._missing.discard(block.offset)

    def _begin(self, payload: bytes) -> _Begin | None:
        begin = codec("Begin").unpack(payload)
        crc = zlib.crc32(self._params)
        if not self._missing and crc == begin.params_crc:
            zero_ns = self._peer.clock.now_ns() + begin.start_in_ns
            return _Begin(bytes(self._params), crc, begin.pace, zero_ns)
        result = READY_PARAMS_INCOMPLETE if self._missing else READY_PARAMS_DIFFER
        self._peer.say("Ready", params_crc=crc, result=result)
        return None


class _FlightEnd:
    """What both paces have in common: bench messages that may come at any time."""

    def __init__(
        self,
        peer: Peer,
        computer: Computer,
        begin: _Begin,
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
        self._snapshot = b""
        self._handlers: dict[int, Handler] = {
            BY_NAME[name].apid: handler
            for name, handler in (
                ("Hello", self._hello),
                ("Begin", self._begin_again),
                ("BlockRequest", self._send_blocks),
                ("End", self._end),
                ("TruthL", self._keep_truth),
                ("Hops", self._keep_hops),
            )
        }

    def say_ready(self) -> None:
        """Tell the bench that the flight software is ready to fly."""
        self._peer.say("Ready", params_crc=self._begin.params_crc, result=READY_STARTED)

    def _ignore(self, payload: bytes) -> None:
        pass

    def _hello(self, payload: bytes) -> None:
        if self._peer.met(payload).asks:
            raise BenchError("the bench began anew in the middle of a flight")

    def _begin_again(self, payload: bytes) -> None:
        self.say_ready()

    def _end(self, payload: bytes) -> None:
        if not self.reason:
            self.reason, self.verdict = end_reason(payload), end_verdict(payload)
            self._peer.say("End", reason=END_FINISHED)

    def _send_blocks(self, payload: bytes) -> None:
        request = codec("BlockRequest").unpack(payload)
        if request.region >= len(REGION_NAMES):
            return
        if request.offset == 0:  # the rest shall be of the same tick
            self._snapshot = self._computer.region(REGION_NAMES[request.region])
        data = self._snapshot
        end = min(request.offset + request.length, len(data))
        frames = []
        for offset in range(request.offset, end, BLOCK_BYTES):
            piece = data[offset : min(offset + BLOCK_BYTES, end)]
            frames.append(
                self._peer.frame(
                    "Block",
                    offset=offset,
                    size=len(data),
                    region=request.region,
                    length=len(piece),
                    data=piece,
                )
            )
        self._peer.link.write(b"".join(frames))

    def _keep_truth(self, payload: bytes) -> None:
        if self._recorder:
            t_ns = int.from_bytes(payload[:8], "little", signed=True)
            self._recorder.append("truth", t_ns, payload)

    def _keep_hops(self, payload: bytes) -> None:
        if self._recorder:
            self._recorder.append("hops", codec("Hops").unpack(payload).t_ns, payload)

    def _record_tick(self) -> None:
        self.ticks += 1
        if self._tap:
            self._tap.record()


class LockstepEnd(_FlightEnd):
    """The bench moves time."""

    PACE = "lockstep"

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._handlers[BY_NAME["Tick"].apid] = self._tick
        self._unpack_tick = codec("Tick").unpack
        self._pending: list[Packet] = []
        self._flown = -1
        self._answer = b""

    def run(self, patience: Patience) -> None:
        """Answer until the bench says End."""
        while not self.reason:
            packets = self._peer.hear(POLL_S)
            if not packets:
                patience.nothing()
                continue
            patience.heard()
            for message, payload in packets:
                if message.is_bench:
                    self._handlers.get(message.apid, self._ignore)(payload)
                else:
                    self._pending.append((message, payload))

    def _tick(self, payload: bytes) -> None:
        grant = self._unpack_tick(payload)
        pending, self._pending = self._pending, []
        if grant.tick == self._flown:
            self._peer.link.write(self._answer)
        elif len(pending) != grant.messages:
            self._peer.say("Done", t_ns=grant.t_ns, tick=grant.tick, result=DONE_INCOMPLETE)
        else:
            self._fly(grant, pending)

    def _fly(self, grant: Any, pending: list[Packet]) -> None:
        computer = self._computer
        for message, payload in pending:
            computer.post(message, payload, grant.t_ns)
        computer.tick(grant.t_ns, grant.missed_ticks)
        said = computer.said()
        self._answer = self._peer.frames(said) + self._peer.frame(
            "Done",
            t_ns=grant.t_ns,
            core_hash=computer.hash_of("core") if grant.wants & WANT_CORE_HASH else 0,
            history_hash=computer.hash_of("history") if grant.wants & WANT_HISTORY_HASH else 0,
            tick=grant.tick,
            messages=len(said),
            **computer.view(),
        )
        self._peer.link.write(self._answer)
        self._flown = grant.tick
        self.missed_ticks += grant.missed_ticks
        self._record_tick()


class RealtimeEnd(_FlightEnd):
    """The flight computer's own clock moves time."""

    PACE = "realtime"

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._clock = self._peer.clock
        self._zero_ns = self._begin.zero_ns
        self._exchange: tuple[int, int, int, int] | None = None
        self._questions = 0
        self._newest_imu: tuple[int, int] | None = None
        self._imu_apid = BY_NAME["ImuSample"].apid
        self._answer_apid = BY_NAME["ClockAnswer"].apid

    def run(self, patience: Patience) -> None:
        """Fly by the clock until the bench says End."""
        self._learn_clock()
        pacer = Pacer(self._clock, self._zero_ns, TICK_NS)
        bytes_before = -1
        while not self.reason:
            turn = pacer.turn(self._listen_until)
            self.missed_ticks = pacer.missed
            self._tick(turn.tick, turn.due_ns - self._zero_ns, turn.missed)
            if self._peer.link.counters.bytes_in == bytes_before:
                patience.nothing()
            else:
                patience.heard()
                bytes_before = self._peer.link.counters.bytes_in

    def _now_ns(self) -> int:
        """Flight time."""
        return self._clock.now_ns() - self._zero_ns

    def _learn_clock(self) -> None:
        while self._clock.now_ns() < self._zero_ns - QUICK_ASK_NS and not self.reason:
            self._ask_clock()
            self._listen_until(self._clock.now_ns() + QUICK_ASK_NS)

    def _listen_until(self, deadline_ns: int) -> None:
        for packets in self._peer.listen_until(deadline_ns):
            received_ns = self._now_ns()
            for message, payload in packets:
                self._take(message, payload, received_ns)

    def _take(self, message: Message, payload: bytes, received_ns: int) -> None:
        if message.is_bench:
            self._handlers.get(message.apid, self._ignore)(payload)
        elif message.apid == self._answer_apid:
            self._take_clock(codec("ClockAnswer").unpack(payload), received_ns)
        else:
            self._computer.post(message, payload, received_ns)
            if message.apid == self._imu_apid:
                seq = int.from_bytes(payload[IMU_SEQ_AT : IMU_SEQ_AT + 2], "little")
                self._newest_imu = (seq, received_ns)

    def _take_clock(self, answer: Any, received_ns: int) -> None:
        """Keep the quickest exchange since the last tick that took one."""
        found = (answer.t_question_ns, answer.t_received_ns, answer.t_ns, received_ns)
        if self._exchange is None or _travel_ns(found) < _travel_ns(self._exchange):
            self._exchange = found

    def _ask_clock(self) -> None:
        self._peer.say("ClockQuestion", t_ns=self._now_ns(), seq=self._questions & 0xFFFF)
        self._questions += 1

    def _tick(self, tick: int, due_ns: int, missed: int) -> None:
        computer, peer = self._computer, self._peer
        begun_ns = self._now_ns()
        if self._exchange:
            computer.post_exchange(self._exchange)
            self._exchange = None
        computer.tick(due_ns, missed)
        fused_ns = self._now_ns()
        peer.link.write(peer.frames(computer.said()))
        commanded_ns = self._now_ns()
        self._report(tick, due_ns, begun_ns, fused_ns, commanded_ns)
        if tick % (FIRST_ASK_TICKS if tick < FIRST_TICKS else ASK_TICKS) == 0:
            self._ask_clock()
        self._record_tick()

    def _report(
        self, tick: int, due_ns: int, begun_ns: int, fused_ns: int, commanded_ns: int
    ) -> None:
        seq, received_ns = self._newest_imu or (0, 0)
        offset_ns, bound_ns = self._computer.sensor_clock(due_ns)
        self._peer.say(
            "Timing",
            t_ns=due_ns,
            received_ns=received_ns,
            begun_ns=begun_ns,
            fused_ns=fused_ns,
            commanded_ns=commanded_ns,
            offset_ns=offset_ns,
            bound_ns=bound_ns,
            tick=tick,
            missed_ticks=self.missed_ticks,
            imu_seq=seq,
            has_imu=self._newest_imu is not None,
            **self._computer.view(),
        )
        self._newest_imu = None


def _travel_ns(exchange: tuple[int, int, int, int]) -> int:
    asked, received, answered, back = exchange
    return back - asked - (answered - received)
