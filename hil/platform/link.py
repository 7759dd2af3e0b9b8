"""A link: a port that may be unplugged and plugged in again while a session runs.

Losing the port raises nothing. Reads give nothing, writes are counted as dropped, and the port is
tried again ten times a second until it is back. How long that may last is its user's policy.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass

from hil.platform.clock import Clock
from hil.platform.errors import LinkError
from hil.platform.ports import Port
from hil.platform.throttled_port import SlowPort

RETRY_NS = 100_000_000


@dataclass
class LinkCounters:
    """What went through a link."""

    bytes_in: int = 0
    bytes_out: int = 0
    bytes_dropped: int = 0
    unplugged: int = 0
    replugged: int = 0

    def as_dict(self) -> dict[str, int]:
        """All counts by name."""
        return asdict(self)


class Link:
    """Bytes to and from a port, over its losses."""

    def __init__(self, opener: Callable[[], Port], clock: Clock) -> None:
        """Opens the port, so whatever `opener` raises the first time comes through."""
        self.counters = LinkCounters()
        self._opener = opener
        self._clock = clock
        self._port: Port | None = opener()
        self._lost_ns = 0
        self._retry_ns = 0
        self._cut = False

    def read(self, timeout_s: float) -> bytes:
        """Whatever has arrived; empty when nothing came within the time."""
        if self._port is None and not self._reopen(timeout_s):
            return b""
        assert self._port is not None
        try:
            data = self._port.read(timeout_s)
        except OSError:
            self._lose()
            return b""
        if self._cut:
            return b""
        self.counters.bytes_in += len(data)
        return data

    def write(self, data: bytes) -> None:
        """Send now or as soon as the line takes it; dropped and counted where there is no line."""
        dropped = len(data)
        if self._port is not None and not self._cut:
            try:
                dropped = self._port.write(data)
            except OSError:
                self._lose()
        self.counters.bytes_out += len(data) - dropped
        self.counters.bytes_dropped += dropped

    def unplug(self) -> None:
        """Behave as unplugged: what is sent is dropped, what arrives is lost."""
        self._cut = True
        self._lost_ns = self._clock.now_ns()
        self.counters.unplugged += 1

    def plug(self) -> None:
        """Behave as plugged in again."""
        self._cut = False
        self.counters.replugged += 1

    def slow_down(self, bytes_per_s: int) -> None:
        """Carry no more than so many bytes a second in either direction."""
        if self._port is not None:
            self._port = SlowPort(self._port, self._clock, bytes_per_s)

    def speed_up(self) -> None:
        """Carry what the port carries again, and what has waited at once."""
        if isinstance(self._port, SlowPort):
            self._port.hurry()

    def fileno(self) -> int | None:
        """What select() can wait on; None where there is nothing of that kind."""
        return self._port.fileno() if self._port is not None else None

    def away_ns(self) -> int:
        """How long the port has been gone; 0 while it is there."""
        gone = self._port is None or self._cut
        return self._clock.now_ns() - self._lost_ns if gone else 0

    def close(self) -> None:
        """Give the port back."""
        if self._port is not None:
            self._port.close()
            self._port = None

    def _lose(self) -> None:
        assert self._port is not None
        self._port.close()
        self._port = None
        self.counters.unplugged += 1
        self._lost_ns = self._retry_ns = self._clock.now_ns()

    def _reopen(self, timeout_s: float) -> bool:
        now_ns = self._clock.now_ns()
        if now_ns < self._retry_ns:
            self._clock.sleep_until(min(self._retry_ns, now_ns + int(timeout_s * 1e9)))
            return False
        self._retry_ns = now_ns + RETRY_NS
        try:
            self._port = self._opener()
        except (OSError, LinkError):
            return False
        self.counters.replugged += 1
        return True
