"""The other end of a line, as this one sees it: send, receive, request.

Every wait has a limit. A request that gets no answer is repeated; an end that stays silent is
named in the error.
"""

import secrets
import select
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.metadata import version
from typing import Any

from hil.platform.clock import NS_PER_S, Clock
from hil.platform.errors import LinkError, PeerSilent, SchemaMismatch
from hil.platform.link import Link
from hil.wire.codec import codec
from hil.wire.framing import Decoder, Encoder
from hil.wire.messages import BY_NAME, Direction, Message, Packet
from hil.wire.session_messages import EndReason, EndVerdict, role_title
from hil.wire.wire_schema import wire_schema_hash

REPEAT_NS = 100_000_000

# between polls of several lines: what one of them could not take yet is written then
POLL_S = 0.002

# and where the operating system cannot wait for input
BLIND_POLL_S = 0.0005


class Peer:
    """One end's view of the line."""

    def __init__(
        self, link: Link, clock: Clock, role: int, directions: tuple[Direction, ...]
    ) -> None:
        """`role` is this end's; `directions` are those that it receives."""
        self.link = link
        self.clock = clock
        self.decoder = Decoder(directions)
        self.records = False  # this end keeps a log
        self._role = role
        self._encoder = Encoder()
        self._boot = secrets.randbits(64)
        self.other_boot: int | None = None  # of the last Hello

    def frames(self, packets: Iterable[Packet]) -> bytes:
        """The frames of some messages, joined."""
        return b"".join([self._encoder.frame(message, payload) for message, payload in packets])

    def send(self, name: str, **fields: Any) -> None:
        """Send one message of the bench, stamped now unless `t_ns` is given."""
        self.link.write(self.frame(name, **fields))

    def frame(self, name: str, **fields: Any) -> bytes:
        """The frame of one message, stamped now unless `t_ns` is given."""
        fields.setdefault("t_ns", self.clock.now_ns())
        return self._encoder.frame(BY_NAME[name], codec(name).pack(**fields))

    def receive(self, timeout_s: float) -> list[Packet]:
        """Messages received; empty when none was complete within the time."""
        deadline_ns = self.clock.now_ns() + int(timeout_s * NS_PER_S)
        while True:
            data = self.link.read(timeout_s)
            packets = self.decoder.feed(data)
            if packets or not data:
                return packets
            timeout_s = self.clock.wait_s(deadline_ns)
            if timeout_s <= 0.0:
                return packets

    def receive_until(self, deadline_ns: int) -> Iterator[list[Packet]]:
        """Messages until the deadline, as they arrive; reads once more when that is past."""
        wait_s = 1.0
        while wait_s > 0.0:
            wait_s = self.clock.wait_s(deadline_ns)
            packets = self.receive(wait_s)
            if packets:
                yield packets

    def hello(self, asks: bool) -> None:
        """Send Hello."""
        self.send(
            "Hello",
            schema=wire_schema_hash(),
            boot=self._boot,
            version=version("leadline").encode()[:13],
            role=self._role,
            asks=asks,
            records=self.records,
        )

    def take_hello(self, payload: bytes) -> Any:
        """Take the other end's Hello. Raises SchemaMismatch after sending End."""
        hello = codec("Hello").unpack(payload)
        if hello.schema != wire_schema_hash():
            self.hello(asks=False)  # so that the other end, too, can name the difference
            self.send("End", reason=EndReason.REFUSED)
            other = hello.version.rstrip(b"\0").decode("ascii", "replace")
            role = role_title(hello.role)
            raise SchemaMismatch(
                f"the {role} at the other end (version {other}) has schema {hello.schema:016x},"
                f" this end (version {version('leadline')}) {wire_schema_hash():016x};"
                " both must be built from the same records"
            )
        if hello.boot != self.other_boot:
            self.decoder.restart()
            self.other_boot = hello.boot
        return hello

    def request(
        self,
        question: Callable[[], None],
        answer: Callable[[Message, bytes], Any],
        limit_ns: int,
        what: str,
        again_ns: int = REPEAT_NS,
    ) -> Any:
        """Send a request until it is answered: `answer` returns None for any other message.

        It is repeated after again_ns, which is longer where the request itself takes long.
        Raises PeerSilent, naming `what`, when no answer came within the limit.
        """
        deadline_ns = self.clock.now_ns() + limit_ns
        while self.clock.now_ns() < deadline_ns:
            question()
            next_ns = min(self.clock.now_ns() + again_ns, deadline_ns)
            for packets in self.receive_until(next_ns):
                for message, payload in packets:
                    result = answer(message, payload)
                    if result is not None:
                        return result
        raise PeerSilent(f"{what}: no answer within {limit_ns / NS_PER_S:g} s")


def receive_from_all(
    peers: Sequence[Peer], clock: Clock, deadline_ns: int
) -> Iterator[tuple[Peer, list[Packet]]]:
    """Messages from any peer until the deadline; reads once more when that is past."""
    wait_s = 1.0
    while wait_s > 0.0:
        wait_s = clock.wait_s(deadline_ns)
        _wait_for_any(peers, min(wait_s, POLL_S))
        for peer in peers:
            packets = peer.receive(0.0)
            if packets:
                yield peer, packets


def _wait_for_any(peers: Sequence[Peer], wait_s: float) -> None:
    """Wait until one can be read, as far as the operating system reports that."""
    files = [peer.link.fileno() for peer in peers]
    waitable = [file for file in files if file is not None]
    if len(waitable) < len(files):
        wait_s = min(wait_s, BLIND_POLL_S)
    if wait_s <= 0.0:
        return
    try:
        select.select(waitable, [], [], wait_s)
    except (OSError, ValueError):  # the port has gone; the next read notices
        return


class SilenceLimit:
    """How long nothing has come from another end, against a limit."""

    def __init__(self, peer: Peer, limit_ns: int, name: str) -> None:
        self._peer = peer
        self._limit_ns = limit_ns
        self._name = name
        self._since_ns: int | None = None

    def restart(self) -> None:
        """Something has been received."""
        self._since_ns = None

    def check(self) -> None:
        """Nothing has been received. Raises PeerSilent or LinkError at the limit."""
        now_ns = self._peer.clock.now_ns()
        if self._since_ns is None:
            self._since_ns = now_ns
        silent_ns = now_ns - self._since_ns
        if silent_ns < self._limit_ns:
            return
        limit = f"{self._limit_ns / NS_PER_S:g} s"
        if self._peer.link.away_ns() > 0:
            raise LinkError(f"the line to the {self._name} was gone for {limit}")
        raise PeerSilent(f"the {self._name} was silent for {limit}")


def end_reason(payload: bytes) -> str:
    """Reason of an End."""
    return EndReason.label_of(codec("End").unpack(payload).reason)


def end_verdict(payload: bytes) -> str:
    """Verdict that an End carries."""
    return EndVerdict.label_of(codec("End").unpack(payload).verdict)
