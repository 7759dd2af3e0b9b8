"""Parity: the same run in process and over a line, compared at every tick.

The hash of core is compared after every tick, that of history once a second and at the end. On
the first difference both whole records are fetched, so that the field can be named.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fsw.parity import HASH_OFFSET, hash_words
from hil.bench import WANT_CORE_HASH, WANT_HISTORY_HASH
from hil.clock import NS_PER_S
from hil.differences import first_field
from hil.emulator_lockstep import LockstepSession
from hil.packets import REGIONS
from hil.session import lockstep_session
from sim.fault_rows import refuse_wire_faults
from sim.loop import as_rows, fly_ticks, judge, new_run
from sim.scenario import Scenario
from sim.world import TICK_NS

HISTORY_TICKS = NS_PER_S // TICK_NS

Tamper = Callable[[int, Any], None]


@dataclass(frozen=True)
class ParityDifference:
    """The first field of the flight software's memory that two paths do not agree on."""

    tick: int
    region: str
    field: str
    in_process: str
    over_the_line: str

    def __str__(self) -> str:
        at_s = self.tick * TICK_NS / NS_PER_S
        return (
            f"tick {self.tick} ({at_s:.2f} s), {self.region}, {self.field}:"
            f" in process {self.in_process}, over the line {self.over_the_line}"
        )


@dataclass(frozen=True)
class ParityReport:
    """What a comparison found. `difference` is None when both paths computed alike to the end."""

    ticks: int
    difference: ParityDifference | None
    verdict: str
    state_sha256: str

    @property
    def same(self) -> bool:
        """True when no tick differed."""
        return self.difference is None


class _InProcess:
    """The reference: one run in process, a tick at a time."""

    def __init__(self, scenario: Scenario, seed: int, time_limit_s: float | None) -> None:
        self._identity = scenario, seed
        self.run = new_run(scenario, seed)
        if time_limit_s is not None:
            self.run.monitor.t_limit_ns = int(time_limit_s * NS_PER_S)
        self._rows = as_rows(self.run)
        state = self.run.state
        self._words = {name: np.frombuffer(state[name], np.uint64) for name in ("core", "history")}

    def tick(self) -> bool:
        return bool(fly_ticks(self._rows, 1))

    def hash_of(self, region: str) -> int:
        words = self._words[region]
        return int(hash_words(words, 0, len(words), HASH_OFFSET))

    def region(self, name: str) -> np.ndarray:
        return self._words[name].view(np.uint8)

    def outcome(self) -> tuple[str, str]:
        result = judge(*self._identity, self.run)
        return result.verdict, result.state_sha256


def compare(
    scenario: Scenario,
    seed: int = 0,
    *,
    time_limit_s: float | None = None,
    tamper: Tamper | None = None,
    on_tick: Callable[[int], None] | None = None,
) -> ParityReport:
    """Fly in process and over a pseudo-terminal, tick by tick, and stop at the first difference.

    `tamper(tick, run)` may change the run in process after a tick: how the comparison itself is
    tested. `on_tick` is told how far it is.
    """
    refuse_wire_faults(scenario.world)
    reference = _InProcess(scenario, seed, time_limit_s)
    with lockstep_session(scenario, seed, time_limit_s=time_limit_s) as session:
        session.begin()
        tick, going, difference = 0, True, None
        while going and difference is None:
            last_of_second = (tick + 1) % HISTORY_TICKS == 0
            session.wants = WANT_CORE_HASH | (WANT_HISTORY_HASH if last_of_second else 0)
            going, done = session.fly_tick()
            reference.tick()
            if tamper:
                tamper(tick, reference.run)
            difference = _core_and_history(reference, session, tick, done, last_of_second)
            if on_tick:
                on_tick(tick)
            tick += 1
        difference = difference or _compare_region(reference, session, tick - 1, "history")
        return ParityReport(tick, difference, *reference.outcome())


def _core_and_history(
    reference: _InProcess, session: LockstepSession, tick: int, done: Any, with_history: bool
) -> ParityDifference | None:
    if done.core_hash != reference.hash_of("core"):
        return _compare_region(reference, session, tick, "core")
    if with_history and done.history_hash != reference.hash_of("history"):
        return _compare_region(reference, session, tick, "history")
    return None


def _compare_region(
    reference: _InProcess, session: LockstepSession, tick: int, name: str
) -> ParityDifference | None:
    """Fetch the region from the other end and name the first field that differs."""
    ours = reference.region(name)
    theirs = np.frombuffer(session.read_region(name), np.uint8)
    if np.array_equal(ours, theirs):
        return None
    field, one, other = first_field(REGIONS[name], ours, theirs)
    return ParityDifference(tick, name, field, one, other)
