"""Absolute deadlines that keep phase.

Deadline k is start + k * period, whatever happened before: a late tick shifts no later one. Work
that outlasts its period has missed the deadlines that passed meanwhile; they are counted and
skipped, never caught up in a burst, and the next tick comes on the grid.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from hil.platform.clock import Clock

KEPT_TICKS = 1 << 17  # twenty minutes at 100 Hz


@dataclass(frozen=True)
class Turn:
    """One tick: its number on the grid, its deadline, and the ticks skipped just before it."""

    tick: int
    due_ns: int
    missed: int


class Pacer:
    """Hands out the ticks of a periodic task and keeps its figures."""

    def __init__(self, clock: Clock, start_ns: int, period_ns: int, *, first: int = 0) -> None:
        """The first tick is number `first`; it is never skipped."""
        self._clock = clock
        self._start_ns = start_ns
        self._period_ns = period_ns
        self._next = self._first = first
        self._late_ns = np.zeros(KEPT_TICKS, np.int64)
        self.turns = 0
        self.overruns = 0  # times that one or more ticks were skipped
        self.missed = 0  # ticks skipped

    def turn(self, wait: Callable[[int], None] | None = None) -> Turn:
        """Wait for the next tick that is still ahead, by `wait(deadline_ns)` if given."""
        wait = wait or self._clock.sleep_until
        missed = self._skip_to(self._clock.now_ns())
        wait(self._due_ns(self._next))
        # whoever wakes up a whole period late has missed ticks as well
        now_ns = self._clock.now_ns()
        missed += self._skip_to(now_ns - self._period_ns)
        turn = Turn(self._next, self._due_ns(self._next), missed)
        self._note(now_ns - turn.due_ns, missed)
        self._next += 1
        return turn

    @property
    def lateness_ns(self) -> np.ndarray:
        """How long after its deadline each tick began, the last KEPT_TICKS of them [ns]."""
        return self._late_ns[: min(self.turns, KEPT_TICKS)]

    def _due_ns(self, tick: int) -> int:
        return self._start_ns + tick * self._period_ns

    def _skip_to(self, past_ns: int) -> int:
        """Skip ticks that were due at past_ns or before; the first tick is never skipped."""
        if self._next == self._first:
            return 0
        ahead = (past_ns - self._start_ns) // self._period_ns + 1
        missed = max(ahead - self._next, 0)
        self._next += missed
        return missed

    def _note(self, late_ns: int, missed: int) -> None:
        self._late_ns[self.turns % KEPT_TICKS] = late_ns
        self.turns += 1
        self.missed += missed
        self.overruns += missed > 0


def percentiles_us(values_ns: Sequence[int] | np.ndarray) -> dict[str, float] | None:
    """p50, p99 and max of a list of nanoseconds, in microseconds; None when it is empty."""
    if len(values_ns) == 0:
        return None
    values_us = np.asarray(values_ns, np.float64) / 1e3
    p50, p99, top = (round(float(v), 1) for v in np.percentile(values_us, (50, 99, 100)))
    return {"p50": p50, "p99": p99, "max": top}
