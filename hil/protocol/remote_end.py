"""One of the ends of a session as the bench meets it: flight computer or sensor board."""

import zlib
from collections.abc import Callable, Mapping
from typing import Any

from hil.platform.clock import NS_PER_S
from hil.platform.errors import BenchError, PeerSilent
from hil.protocol.block_transfer import block_frames, region_number, region_size
from hil.protocol.peer import REPEAT_NS, Peer, end_reason
from hil.wire.codec import codec
from hil.wire.messages import Message
from hil.wire.session_messages import (
    BLOCK_BYTES,
    EndReason,
    EndVerdict,
    Pace,
    ReadyResult,
    StartFrom,
    role_title,
)

ANSWER_LIMIT_NS = 10 * NS_PER_S
SILENCE_LIMIT_NS = 10 * NS_PER_S
GOODBYE_NS = NS_PER_S
REFUSALS = {
    ReadyResult.NOT_ARMED: "refuses to play faults: it is not armed",
    ReadyResult.NOTHING_KEPT: "has kept no core to fly on from",
}

# what a byte of a region may take: an emulated board on a busy machine is slower than any line
LOADING_BYTE_NS = 300_000
READ_BYTES = 16 * BLOCK_BYTES  # at a time: less than the buffer of a pseudo-terminal


class FarEnd:
    """The session with one end: its Hello, loading, and reading back."""

    def __init__(
        self,
        peer: Peer,
        role: int,
        check_alive: Callable[[], None] = lambda: None,
        now_s: Callable[[], float] = lambda: 0.0,
    ) -> None:
        """`role` is the one expected; `check_alive` raises when it is known to be gone."""
        self.peer = peer
        self.check_alive = check_alive
        self.hello: Any = None
        self.name = role_title(role)
        self._role = role
        self._name = f"the {self.name}"
        self._now_s = now_s

    def meet(self, limit_ns: int = ANSWER_LIMIT_NS) -> Any:
        """Send Hello until the end answers; its Hello.

        Raises SchemaMismatch, PeerSilent, or BenchError when it has another role.
        """

        def question() -> None:
            self.check_alive()
            self.peer.hello(asks=True)

        def answer(message: Message, payload: bytes) -> Any:
            self.refuse_end(message, payload)
            return self.peer.take_hello(payload) if message.name == "Hello" else None

        self.hello = self.peer.request(question, answer, limit_ns, self._name)
        if self.hello.role != self._role:
            other = role_title(self.hello.role)
            raise BenchError(f"{self._name} was expected on this line, but the {other} answers")
        return self.hello

    def has_restarted(self, payload: bytes) -> bool:
        """Take a Hello that came in mid-session; true when it is another boot's.

        Raises SchemaMismatch when another program has been started.
        """
        before, self.hello = self.hello, self.peer.take_hello(payload)
        return bool(self.hello.boot != before.boot)

    def begin(
        self,
        regions: Mapping[str, bytes],
        pace: int,
        *,
        start: int = StartFrom.ANEW,
        zero_ns: int = 0,
        limit_ns: int = ANSWER_LIMIT_NS,
        armed: bool | None = None,
    ) -> None:
        """Load the regions and start, waiting for it; arguments as in `load`.

        Raises BenchError when it refuses, PeerSilent when it does not answer.
        """

        def question() -> None:
            self.check_alive()
            self.load(regions, pace, start=start, zero_ns=zero_ns, armed=armed)

        on_the_line_ns = LOADING_BYTE_NS * sum(len(data) for data in regions.values())
        self.peer.request(
            question,
            self.is_ready,
            limit_ns + 2 * on_the_line_ns,
            f"{self._name}, asked to begin",
            again_ns=REPEAT_NS + on_the_line_ns,
        )

    def load(
        self,
        regions: Mapping[str, bytes],
        pace: int,
        *,
        start: int = StartFrom.ANEW,
        zero_ns: int = 0,
        armed: bool | None = None,
    ) -> None:
        """Send the regions and Begin; in real time flight time 0 is at zero_ns, bench clock.

        armed: whether a sensor board may play faults; None for a flight computer.
        """
        self.peer.hello(asks=False)  # an end that has restarted takes nothing before Hello
        if armed is not None:
            self.peer.send("Arm", armed=armed)
        for name, data in regions.items():
            self.peer.link.write(block_frames(self.peer, name, data))
        self.peer.send(
            "Begin",
            start_in_ns=zero_ns - self.peer.clock.now_ns() if pace == Pace.REALTIME else 0,
            regions=sum(1 << region_number(name) for name in regions),
            start=start,
            pace=pace,
            **{f"{name}_crc": zlib.crc32(data) for name, data in regions.items()},
        )

    def is_ready(self, message: Message, payload: bytes) -> bool | None:
        """True when a message reports that it has started, None for any other message.

        Raises BenchError when it refuses.
        """
        self.refuse_end(message, payload)
        if message.name != "Ready":
            return None
        result = codec("Ready").unpack(payload).result
        if result in REFUSALS:
            raise BenchError(f"{self._name} {REFUSALS[result]}")
        return result == ReadyResult.STARTED or None  # a Block was lost: it is all sent again

    def read_region(self, name: str) -> bytes:
        """The bytes of one of its memory regions, read back over the line."""
        size = region_size(name)
        starts = range(0, size, READ_BYTES)
        return b"".join(self._read_piece(name, at, min(READ_BYTES, size - at)) for at in starts)

    def _read_piece(self, name: str, start: int, length: int) -> bytes:
        number = region_number(name)
        offsets = range(start, start + length, BLOCK_BYTES)
        got: dict[int, bytes] = {}

        def question() -> None:
            self.peer.send("BlockRequest", offset=start, length=length, region=number)

        def answer(message: Message, payload: bytes) -> bytes | None:
            if message.name == "Block":
                block = codec("Block").unpack(payload)
                if block.region == number and block.offset in offsets:
                    got[block.offset] = block.data[: block.length]
            complete = len(got) == len(offsets)
            return b"".join(got[offset] for offset in offsets) if complete else None

        what = f"{self._name}, asked for its {name}"
        piece: bytes = self.peer.request(question, answer, ANSWER_LIMIT_NS, what)
        return piece

    def send_end(self, reason: int = EndReason.FINISHED, verdict: str = "unknown") -> None:
        """Send End, and wait for the other end's: closing loses what is unread."""
        self.peer.send("End", reason=reason, verdict=EndVerdict.of(verdict))
        deadline_ns = self.peer.clock.now_ns() + (GOODBYE_NS if reason == EndReason.FINISHED else 0)
        for packets in self.peer.receive_until(deadline_ns):
            if any(message.name == "End" for message, _ in packets):
                return

    def refuse_silence(self, silent_ns: int) -> None:
        """Raise PeerSilent when that has lasted too long."""
        if silent_ns >= SILENCE_LIMIT_NS:
            raise PeerSilent(f"{self._name} was silent for {SILENCE_LIMIT_NS / NS_PER_S:g} s")

    def refuse_end(self, message: Message, payload: bytes) -> None:
        """Raise BenchError when the message is an End; any other is ignored."""
        if message.name == "End":
            at = f"at {self._now_s():.2f} s: {end_reason(payload)}"
            raise BenchError(f"{self._name} ended the session {at}")
