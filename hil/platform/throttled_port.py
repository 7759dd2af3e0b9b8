"""A port that carries few bytes a second: what is beyond that waits, in order, and is not lost."""

from hil.platform.clock import NS_PER_S, Clock
from hil.platform.ports import Port

POLL_NS = 2_000_000
QUICK_BYTES_PER_S = NS_PER_S


class SlowPort:
    """Another port, slowed down."""

    def __init__(self, port: Port, clock: Clock, bytes_per_s: int) -> None:
        self._port = port
        self._clock = clock
        self._rate = bytes_per_s
        self._incoming, self._outgoing = b"", b""
        self._read_ns = self._written_ns = clock.now_ns()

    def read(self, timeout_s: float) -> bytes:
        """What the line has carried by now; empty when nothing did within the time."""
        deadline_ns = self._clock.now_ns() + int(timeout_s * NS_PER_S)
        while True:
            self._feed()
            self._incoming += self._port.read(0.0)
            data, self._read_ns = self._carried(self._incoming, self._read_ns)
            self._incoming = self._incoming[len(data) :]
            now_ns = self._clock.now_ns()
            if data or now_ns >= deadline_ns:
                return data
            self._clock.sleep_until(min(now_ns + POLL_NS, deadline_ns))

    def write(self, data: bytes) -> int:
        """Send as much as the line carries by now, keep the rest; never drops anything itself."""
        self._outgoing += data
        self._feed()
        return 0

    def fileno(self) -> int | None:
        """None: what has come may not have been carried yet."""
        return None

    def close(self) -> None:
        """Give the port back."""
        self._port.close()

    def hurry(self) -> None:
        """Carry whatever comes from now on, and what has waited at once."""
        self._rate = QUICK_BYTES_PER_S

    def _feed(self) -> None:
        data, self._written_ns = self._carried(self._outgoing, self._written_ns)
        self._outgoing = self._outgoing[len(data) :]
        if data:
            self._port.write(data)

    def _carried(self, waiting: bytes, since_ns: int) -> tuple[bytes, int]:
        """What has been carried of the bytes waiting since then, and up to when that counts."""
        now_ns = self._clock.now_ns()
        if not waiting:
            return b"", now_ns
        room = (now_ns - since_ns) * self._rate // NS_PER_S
        return waiting[:room], since_ns + room * NS_PER_S // self._rate if room else since_ns
