"""The other end, as seen from this one: messages out, messages in, and questions with answers.

No wait is without a limit. What gets lost is asked for again; who stays silent is named.
"""

import secrets
from collections.abc import Callable, Iterable
from importlib.metadata import version
from typing import Any

from hil.bench import END_NAMES, END_REFUSED, ROLE_NAMES
from hil.clock import NS_PER_S, Clock
from hil.codec import codec
from hil.errors import LinkError, PeerSilent, SchemaMismatch
from hil.framing import Decoder, Encoder, Packet
from hil.link import Link
from hil.packets import BY_NAME, Message, schema_hash

ASK_AGAIN_NS = 100_000_000


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
        self._other_boot: int | None = None

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
        """Whatever has come; empty when nothing did within the time."""
        return self.decoder.feed(self.link.read(timeout_s))

    def hello(self, asks: bool) -> None:
        """Say who this end is."""
        self.say(
            "Hello",
            schema=schema_hash(),
            boot=self._boot,
            version=version("leadline").encode()[:13],
            role=self._role,
            asks=asks,
            records=self.records,
        )

    def met(self, payload: bytes) -> Any:
        """Take the other end's Hello. Raises SchemaMismatch after telling it."""
        hello = codec("Hello").unpack(payload)
        if hello.schema != schema_hash():
            self.say("End", reason=END_REFUSED)
            other = hello.version.rstrip(b"\0").decode("ascii", "replace")
            raise SchemaMismatch(
                f"the {_role_name(hello.role)} at the other end (version {other}) speaks schema"
                f" {hello.schema:016x}, this end (version {version('leadline')})"
                f" {schema_hash():016x}; both must be built from the same records"
            )
        if hello.boot != self._other_boot:
            self.decoder.restart()
            self._other_boot = hello.boot
        return hello

    def ask(
        self,
        question: Callable[[], None],
        answer: Callable[[Message, bytes], Any],
        limit_ns: int,
        what: str,
    ) -> Any:
        """Ask until answered: `answer` gives something else than None for the message that is one.

        Raises PeerSilent, naming `what`, when no answer came within the limit.
        """
        deadline_ns = self.clock.now_ns() + limit_ns
        while self.clock.now_ns() < deadline_ns:
            question()
            again_ns = min(self.clock.now_ns() + ASK_AGAIN_NS, deadline_ns)
            while (wait_s := self.clock.wait_s(again_ns)) > 0.0:
                for message, payload in self.hear(wait_s):
                    result = answer(message, payload)
                    if result is not None:
                        return result
        raise PeerSilent(f"{what}: no answer within {limit_ns / NS_PER_S:g} s")


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
    reason = codec("End").unpack(payload).reason
    return END_NAMES[reason] if reason < len(END_NAMES) else "unknown"


def _role_name(role: int) -> str:
    return ROLE_NAMES[role].replace("_", " ") if role < len(ROLE_NAMES) else "unknown"
