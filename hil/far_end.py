"""One of the ends of a session as the bench meets it: flight computer or sensor board."""

import zlib
from collections.abc import Callable, Mapping
from typing import Any

from hil.bench import (
    BLOCK_BYTES,
    END_FINISHED,
    END_VERDICT_NAMES,
    PACE_REALTIME,
    READY_NOT_ARMED,
    READY_NOTHING_KEPT,
    READY_STARTED,
    ROLE_NAMES,
    START_ANEW,
)
from hil.clock import NS_PER_S
from hil.codec import codec
from hil.errors import BenchError
from hil.packets import Message
from hil.peer import Peer, end_reason
from hil.regions import block_frames, region_number, region_size

ANSWER_LIMIT_NS = 10 * NS_PER_S
GOODBYE_NS = NS_PER_S
REFUSALS = {
    READY_NOT_ARMED: "refuses to play faults: it is not armed",
    READY_NOTHING_KEPT: "has kept no core to fly on from",
}
READ_BYTES = 16 * BLOCK_BYTES  # at a time: less than the buffer of a pseudo-terminal


def role_name(role: int) -> str:
    """A role as people say it."""
    return ROLE_NAMES[role].replace("_", " ") if role < len(ROLE_NAMES) else f"role {role}"


class FarEnd:
    """Conversation with one end: who it is, what it is loaded with, what it holds."""

    def __init__(
        self,
        peer: Peer,
        role: int,
        check_alive: Callable[[], None] = lambda: None,
        now_s: Callable[[], float] = lambda: 0.0,
    ) -> None:
        """`role` is who is expected; `check_alive` raises when it is known to be gone."""
        self.peer = peer
        self.check_alive = check_alive
        self.hello: Any = None
        self._role = role
        self._name = f"the {role_name(role)}"
        self._now_s = now_s

    def meet(self, limit_ns: int = ANSWER_LIMIT_NS) -> Any:
        """Ask who is there until somebody answers; its Hello.

        Raises SchemaMismatch, PeerSilent, or BenchError when it is somebody else.
        """

        def question() -> None:
            self.check_alive()
            self.peer.hello(asks=True)

        def answer(message: Message, payload: bytes) -> Any:
            self.refuse_end(message, payload)
            return self.peer.met(payload) if message.name == "Hello" else None

        self.hello = self.peer.ask(question, answer, limit_ns, self._name)
        if self.hello.role != self._role:
            other = role_name(self.hello.role)
            raise BenchError(f"{self._name} was expected on this line, but the {other} answers")
        return self.hello

    def begin(
        self,
        regions: Mapping[str, bytes],
        pace: int,
        *,
        start: int = START_ANEW,
        zero_ns: int = 0,
        limit_ns: int = ANSWER_LIMIT_NS,
        before: Callable[[], None] = lambda: None,
    ) -> None:
        """Load the regions and start; in real time flight time 0 is at zero_ns, bench clock.

        `before` says what shall come before them. Raises BenchError when it refuses.
        """
        sums = {f"{name}_crc": zlib.crc32(data) for name, data in regions.items()}
        bits = sum(1 << region_number(name) for name in regions)

        def question() -> None:
            self.check_alive()
            before()
            for name, data in regions.items():
                self.peer.link.write(block_frames(self.peer, name, data))
            start_in_ns = zero_ns - self.peer.clock.now_ns() if pace == PACE_REALTIME else 0
            said = {"start_in_ns": start_in_ns, "regions": bits, "start": start, "pace": pace}
            self.peer.say("Begin", **said, **sums)

        def answer(message: Message, payload: bytes) -> Any:
            self.refuse_end(message, payload)
            if message.name != "Ready":
                return None
            return self._taken(codec("Ready").unpack(payload).result)

        self.peer.ask(question, answer, limit_ns, f"{self._name}, asked to begin")

    def _taken(self, result: int) -> bool | None:
        if result == READY_STARTED:
            return True
        if result in REFUSALS:
            raise BenchError(f"{self._name} {REFUSALS[result]}")
        return None  # a Block was lost: it is all sent again

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
            self.peer.say("BlockRequest", offset=start, length=length, region=number)

        def answer(message: Message, payload: bytes) -> bytes | None:
            if message.name == "Block":
                block = codec("Block").unpack(payload)
                if block.region == number and block.offset in offsets:
                    got[block.offset] = block.data[: block.length]
            complete = len(got) == len(offsets)
            return b"".join(got[offset] for offset in offsets) if complete else None

        what = f"{self._name}, asked for its {name}"
        piece: bytes = self.peer.ask(question, answer, ANSWER_LIMIT_NS, what)
        return piece

    def bid_farewell(self, reason: int = END_FINISHED, verdict: str = "unknown") -> None:
        """Say that it is over, and hear the other end say so: closing loses what is unread."""
        self.peer.say("End", reason=reason, verdict=END_VERDICT_NAMES.index(verdict))
        deadline_ns = self.peer.clock.now_ns() + (GOODBYE_NS if reason == END_FINISHED else 0)
        for packets in self.peer.listen_until(deadline_ns):
            if any(message.name == "End" for message, _ in packets):
                return

    def refuse_end(self, message: Message, payload: bytes) -> None:
        """Raise BenchError when the message is an End; any other is of no interest."""
        if message.name == "End":
            at = f"at {self._now_s():.2f} s: {end_reason(payload)}"
            raise BenchError(f"{self._name} ended the session {at}")
