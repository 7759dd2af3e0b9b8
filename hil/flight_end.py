"""The flight computer's end of a session: meeting the bench, and what both paces have in common."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass

from fsw.state import PARAMS
from hil.bench import (
    BLOCK_BYTES,
    END_FINISHED,
    READY_PARAMS_DIFFER,
    READY_PARAMS_INCOMPLETE,
    READY_STARTED,
    REGION_NAMES,
    REGION_PARAMS,
)
from hil.codec import codec
from hil.computer import Computer
from hil.errors import BenchError
from hil.packets import BY_NAME, Message
from hil.peer import Peer, end_reason, end_verdict
from hil.recorder import Recorder
from hil.tap import Tap

Handler = Callable[[bytes], None]


@dataclass(frozen=True)
class Begin:
    """What the bench has asked for, and when flight time 0 is by this end's clock."""

    params: bytes
    params_crc: int
    pace: int
    zero_ns: int


class Meeting:
    """Before the flight: hello, parameters, begin."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._known = False
        self._params = bytearray(PARAMS.dtype.itemsize)
        self._missing = set(range(0, len(self._params), BLOCK_BYTES))

    def wait_for_begin(self, limit_ns: int) -> Begin:
        """Answer the bench until it says Begin with the parameters that have arrived."""
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

    def _begin(self, payload: bytes) -> Begin | None:
        begin = codec("Begin").unpack(payload)
        crc = zlib.crc32(self._params)
        if not self._missing and crc == begin.params_crc:
            zero_ns = self._peer.clock.now_ns() + begin.start_in_ns
            return Begin(bytes(self._params), crc, begin.pace, zero_ns)
        result = READY_PARAMS_INCOMPLETE if self._missing else READY_PARAMS_DIFFER
        self._peer.say("Ready", params_crc=crc, result=result)
        return None


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
                ("Injection", self._keep_injection),
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

    def _keep_injection(self, payload: bytes) -> None:
        if self._recorder:
            self._recorder.append("injection", codec("Injection").unpack(payload).t_ns, payload)

    def _record_tick(self) -> None:
        self.ticks += 1
        if self._tap:
            self._tap.record()
