"""The other end, as seen from this one: messages out, messages in, and questions with answers.

No wait is without a limit. What gets lost is asked for again; who stays silent is named.
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
from hil.wire.framing import Decoder, Encoder, Packet
from hil.wire.packets import BY_NAME, Message, wire_schema_hash
from hil.wire.session_messages import EndReason, EndVerdict, role_title

ASK_AGAIN_NS = 100_000_000

# between looks at several lines: what one of them could not take yet is written then
LOOK_S = 0.002

# and where the operating system cannot tell that something has come
BLIND_LOOK_S = 0.0005


class Peer:
    """One end's view of the line."""

    def __init__(self, link: Link, clock: Clock, role: int, ways: tuple[str, ...]) -> None:
        """`role` is who this end is; `ways` are the directions that it hears."""
        self.link = link
        self.clock = clock
        self.decoder = Decoder(ways)
        self.records = False  # this end keeps a log
        self._role = role
        self._encoder = Encoder()
        self._boot = secrets.randbits(64)
        self.other_boot: int | None = None  # of the last Hello

    def frames(self, packets: Iterable[Packet]) -> bytes:
        """The frames of some messages, joined."""
        return b"".join([self._encoder.frame(message, payload) for message, payload in packets])

    def say(self, name: str, **fields: Any) -> None:
        """Send one message of the bench, stamped now unless `t_ns` says otherwise."""
        self.link.write(self.frame(name, **fields))

    def frame(self, name: str, **fields: Any) -> bytes:
        """The frame of one message, stamped now unless `t_ns` says otherwise."""
        fields.setdefault("t_ns", self.clock.now_ns())
        return self._encoder.frame(BY_NAME[name], codec(name).pack(**fields))

    def hear(self, timeout_s: float) -> list[Packet]:
        """Whatever messages have come; empty when none was whole within the time."""
        deadline_ns = self.clock.now_ns() + int(timeout_s * NS_PER_S)
        while True:
            data = self.link.read(timeout_s)
            packets = self.decoder.feed(data)
            if packets or not data:
                return packets
            timeout_s = self.clock.wait_s(deadline_ns)
            if timeout_s <= 0.0:
                return packets

    def listen_until(self, deadline_ns: int) -> Iterator[list[Packet]]:
        """Whatever comes until the deadline, as it comes; looks once more when that is past."""
        wait_s = 1.0
        while wait_s > 0.0:
            wait_s = self.clock.wait_s(deadline_ns)
            packets = self.hear(wait_s)
            if packets:
                yield packets

    def hello(self, asks: bool) -> None:
        """Say who this end is."""
        self.say(
            "Hello",
            schema=wire_schema_hash(),
            boot=self._boot,
            version=version("leadline").encode()[:13],
            role=self._role,
            asks=asks,
            records=self.records,
        )

    def met(self, payload: bytes) -> Any:
        """Take the other end's Hello. Raises SchemaMismatch after telling it."""
        hello = codec("Hello").unpack(payload)
        if hello.schema != wire_schema_hash():
            self.hello(asks=False)  # so that the other end, too, can say what differs
            self.say("End", reason=EndReason.REFUSED)
            other = hello.version.rstrip(b"\0").decode("ascii", "replace")
            who = role_title(hello.role)
            raise SchemaMismatch(
                f"the {who} at the other end (version {other}) speaks schema {hello.schema:016x},"
                f" this end (version {version('leadline')}) {wire_schema_hash():016x};"
                " both must be built from the same records"
            )
        if hello.boot != self.other_boot:
            self.decoder.restart()
            self.other_boot = hello.boot
        return hello

    def ask(
        self,
        question: Callable[[], None],
        answer: Callable[[Message, bytes], Any],
        limit_ns: int,
        what: str,
        again_ns: int = ASK_AGAIN_NS,
    ) -> Any:
        """Ask until answered: `answer` gives something else than None for the message that is one.

        It is asked again after again_ns, which is more where the question itself takes long.
        Raises PeerSilent, naming `what`, when no answer came within the limit.
        """
        deadline_ns = self.clock.now_ns() + limit_ns
        while self.clock.now_ns() < deadline_ns:
            question()
            next_ns = min(self.clock.now_ns() + again_ns, deadline_ns)
            for packets in self.listen_until(next_ns):
                for message, payload in packets:
                    result = answer(message, payload)
                    if result is not None:
                        return result
        raise PeerSilent(f"{what}: no answer within {limit_ns / NS_PER_S:g} s")


def listen_to_all(
    peers: Sequence[Peer], clock: Clock, deadline_ns: int
) -> Iterator[tuple[Peer, list[Packet]]]:
    """Whatever comes from any of them until the deadline; looks once more when that is past."""
    wait_s = 1.0
    while wait_s > 0.0:
        wait_s = clock.wait_s(deadline_ns)
        _wait_for_any(peers, min(wait_s, LOOK_S))
        for peer in peers:
            packets = peer.hear(0.0)
            if packets:
                yield peer, packets


def _wait_for_any(peers: Sequence[Peer], wait_s: float) -> None:
    """Until one has something to be read, as far as the operating system can tell."""
    files = [peer.link.fileno() for peer in peers]
    waitable = [file for file in files if file is not None]
    if len(waitable) < len(files):
        wait_s = min(wait_s, BLIND_LOOK_S)
    if wait_s <= 0.0:
        return
    try:
        select.select(waitable, [], [], wait_s)
    except (OSError, ValueError):  # the port has gone; reading it will tell
        return


class Patience:
    """How long an end has heard nothing, against a limit."""

    def __init__(self, peer: Peer, limit_ns: int, whom: str) -> None:
        self._peer = peer
        self._limit_ns = limit_ns
        self._whom = whom
        self._since_ns: int | None = None

    def heard(self) -> None:
        """Something came."""
        self._since_ns = None

    def nothing(self) -> None:
        """Nothing came. Raises PeerSilent or LinkError when that has lasted too long."""
        now_ns = self._peer.clock.now_ns()
        if self._since_ns is None:
            self._since_ns = now_ns
        silent_ns = now_ns - self._since_ns
        if silent_ns < self._limit_ns:
            return
        limit = f"{self._limit_ns / NS_PER_S:g} s"
        if self._peer.link.away_ns() > 0:
            raise LinkError(f"the line to the {self._whom} was gone for {limit}")
        raise PeerSilent(f"the {self._whom} was silent for {limit}")


def end_reason(payload: bytes) -> str:
    """Why the other end says End."""
    return EndReason.label_of(codec("End").unpack(payload).reason)


def end_verdict(payload: bytes) -> str:
    """How the flight ended, as far as End tells."""
    return EndVerdict.label_of(codec("End").unpack(payload).verdict)
