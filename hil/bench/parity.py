"""Parity: the same run in process and over a line, compared at every tick.

The hash of core is compared after every tick, that of history once a second and at the end, that
of a sensor board's record after every tick, against the sensors that the bench itself runs on the
same truth. On the first difference both whole records are fetched, so that the field can be
named. A comparison may begin in the middle of a flight, from the state that the run in process
has reached by then: a board of soft double precision takes its time for a whole descent.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fsw.interface.events import EventCode
from fsw.interface.timing import TICK_NS
from hil.bench.lockstep import LockstepSession
from hil.bench.session import lockstep_session
from hil.log.differences import first_field
from hil.platform.clock import NS_PER_S
from hil.platform.errors import BenchError
from hil.protocol.interventions import Intervention
from hil.wire.messages import REGIONS
from hil.wire.session_messages import WANT_CORE_HASH, WANT_HISTORY_HASH
from hil.wire.slots import hash_of
from sim.faults.reader import refuse_wire_faults
from sim.run.fly import evaluate_run, fly, new_run
from sim.run.loop import RUN, as_rows, fly_ticks
from sim.scenario.load import Scenario

HISTORY_TICKS = NS_PER_S // TICK_NS

# what is compared of a flight that would take too long: about ignition, and the end
IGNITION_S, LAST_S = 20.0, 120.0

Tamper = Callable[[int, Any], None]


@dataclass(frozen=True)
class Pair:
    """The two ends, as `run_session` takes them."""

    sensors: str = "emulator"
    flight: str = "host"

    def __str__(self) -> str:
        return f"sensors {self.sensors}, flight {self.flight}"


@dataclass(frozen=True)
class Window:
    """A part of a flight; to its end where `for_s` is None."""

    from_s: float = 0.0
    for_s: float | None = None

    def __str__(self) -> str:
        end = "the end" if self.for_s is None else f"{self.from_s + self.for_s:.2f} s"
        return f"{self.from_s:.2f} s to {end}"


WHOLE = Window()


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

    def __init__(self, scenario: Scenario, seed: int, window: Window) -> None:
        self._identity = scenario, seed
        self.run = new_run(scenario, seed)
        self._rows = as_rows(self.run)
        first = round(window.from_s * NS_PER_S) // TICK_NS
        while int(self.run.world.tick) < first or _is_waiting(self.run.mailbox):
            if not fly_ticks(self._rows, max(first - int(self.run.world.tick), 1)):
                raise BenchError(f"--from: the flight is over at {self._now_s():.2f} s")
        if window.for_s is not None:
            self.run.monitor.t_limit_ns = int(self.run.world.t_ns + window.for_s * NS_PER_S)
        state = self.run.state
        self._words = {name: np.frombuffer(state[name], np.uint64) for name in ("core", "history")}

    def saved(self) -> Any:
        """A copy of the run as it is now, to be flown on."""
        return RUN.from_bytes(self.run.tobytes())

    def _now_s(self) -> float:
        return float(self.run.world.t_ns / NS_PER_S)

    def tick(self) -> bool:
        return bool(fly_ticks(self._rows, 1))

    def hash_of(self, region: str) -> int:
        return hash_of(self._words[region])

    def region(self, name: str) -> np.ndarray:
        return self._words[name].view(np.uint8)

    def outcome(self) -> tuple[str, str]:
        result = evaluate_run(*self._identity, self.run)
        return result.verdict, result.state_sha256


def compare(
    scenario: Scenario,
    seed: int = 0,
    *,
    pair: Pair = Pair(),
    window: Window = WHOLE,
    interventions: Iterable[Intervention] = (),
    tamper: Tamper | None = None,
    on_tick: Callable[[int], None] | None = None,
) -> ParityReport:
    """Fly in process and over a line, tick by tick, and stop at the first difference.

    `tamper(tick, run)` may change the run in process after a tick: how the comparison itself is
    tested. `interventions` are injected as in a session. `on_tick` gets each tick flown.
    """
    refuse_wire_faults(scenario.world)
    reference = _InProcess(scenario, seed, window)
    start = reference.saved()
    with lockstep_session(
        scenario,
        seed,
        sensors=pair.sensors,
        flight=pair.flight,
        start=start,
        interventions=interventions,
    ) as session:
        session.compare_sensors()
        session.begin()
        tick = first = session.tick
        going, difference = True, None
        while going and difference is None:
            last_of_second = (tick + 1) % HISTORY_TICKS == 0
            session.wants = WANT_CORE_HASH | (WANT_HISTORY_HASH if last_of_second else 0)
            going, done = session.fly_tick()
            reference.tick()
            if tamper:
                tamper(tick, reference.run)
            difference = _core_and_history(reference, session, tick, done, last_of_second)
            difference = difference or _sensors(session, tick)
            if on_tick:
                on_tick(tick)
            tick += 1
        difference = difference or _compare_region(reference, session, tick - 1, "history")
        return ParityReport(tick - first, difference, *reference.outcome())


def windows_of(scenario: Scenario, seed: int = 0) -> list[Window]:
    """The most informative parts of a flight: about ignition, and the last two minutes."""
    result = fly(scenario, seed)
    lit_s = [
        float(e.t_ns) / NS_PER_S for e in result.event_records if int(e.code) == EventCode.IGNITION
    ]
    about = [Window(max(t_s - IGNITION_S / 2, 0.0), IGNITION_S) for t_s in lit_s[:1]]
    return [*about, Window(max(result.time_s - LAST_S, 0.0))]


def _is_waiting(mailbox: Any) -> bool:
    """True while messages wait for a later tick: no end could be loaded with them."""
    return any(
        mailbox[f"{kind}_head"] != mailbox[f"{kind}_tail"] for kind in ("range", "imu", "command")
    )


def _sensors(session: LockstepSession, tick: int) -> ParityDifference | None:
    """Name the first field in which a sensor board's record and the bench's differ."""
    found = session.sensor_records()
    if found is None:
        return None
    field, ours, theirs = first_field(REGIONS["board"], *found)
    return ParityDifference(tick, "board", field, ours, theirs)


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
