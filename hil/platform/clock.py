"""The only file that reads a real clock.

A clock answers three questions: what time is it, how long must a thing really wait for a
deadline, and it lets a caller sleep until one. The clock, not the caller, turns a deadline into a
wait (as in trio's abstract Clock), so that a virtual one can turn it into none.

Every clock has an epoch that is absurd on purpose and its own: whoever mixes the times of two
ends, or of a clock and the operating system, is off by hours and notices at once.
"""

import random
import time
from typing import Protocol

NS_PER_S = 1_000_000_000
EPOCH_LO_S, EPOCH_HI_S = 10_000, 200_000


class Clock(Protocol):
    """Integer nanoseconds that never go back."""

    def now_ns(self) -> int:
        """Time of now."""
        ...

    def wait_s(self, deadline_ns: int) -> float:
        """How long something that waits for the deadline must really wait; 0 when it is past."""
        ...

    def sleep_until(self, deadline_ns: int) -> None:
        """Come back at the deadline, or at once when it is past."""
        ...


class RealClock:
    """The machine's monotonic clock, with an epoch of its own in every process."""

    def __init__(self) -> None:
        epoch_s = random.SystemRandom().randrange(EPOCH_LO_S, EPOCH_HI_S)
        self._offset_ns = epoch_s * NS_PER_S - time.monotonic_ns()

    def now_ns(self) -> int:
        """Time of now."""
        return time.monotonic_ns() + self._offset_ns

    def wait_s(self, deadline_ns: int) -> float:
        """Time left to the deadline."""
        return max(deadline_ns - self.now_ns(), 0) / NS_PER_S

    def sleep_until(self, deadline_ns: int) -> None:
        """Sleep; the operating system may wake us late, never early."""
        while (wait_s := self.wait_s(deadline_ns)) > 0.0:
            time.sleep(wait_s)


class VirtualClock:
    """A clock that moves only when advanced, or waited on."""

    def __init__(self, now_ns: int = -987_654_321_000_000_123) -> None:
        self._now_ns = now_ns

    def now_ns(self) -> int:
        """Time of now."""
        return self._now_ns

    def advance(self, by_ns: int) -> None:
        """Move time on. Raises ValueError for a step back."""
        if by_ns < 0:
            raise ValueError(f"a clock does not go back, not even by {-by_ns} ns")
        self._now_ns += by_ns

    def wait_s(self, deadline_ns: int) -> float:
        """Jump to the deadline, so that nothing really has to wait."""
        self.sleep_until(deadline_ns)
        return 0.0

    def sleep_until(self, deadline_ns: int) -> None:
        """Jump to the deadline."""
        self._now_ns = max(self._now_ns, deadline_ns)
