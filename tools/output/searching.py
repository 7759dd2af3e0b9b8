"""A search from its request to what it found: processes, clock, interrupts, progress."""

import contextlib
import importlib.util
import itertools
import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sim.campaign.executors import Executor, Row, executor
from sim.common.errors import InputError
from sim.common.toml_records import nearest
from sim.faults.table import KINDS, FaultGroup
from sim.scenario.load import Scenario, check_seed, scenario_of
from tools.output.compile_warmup import warm
from tools.output.stopwatch import Stopwatch

if TYPE_CHECKING:
    from sim.search.counterexample import Counterexample
    from sim.search.driver import Hunt

IN_PROCESS_KINDS = {name: kind for name, kind in KINDS.items() if kind.group != FaultGroup.WIRE}
GROUPS = tuple(dict.fromkeys(kind.group.label for kind in IN_PROCESS_KINDS.values()))
ALL = "all"


@dataclass(frozen=True)
class SearchResult:
    """How a search ended: flights flown, worst margin and its requirement, the counterexample.

    `counterexample` is None when nothing failed within the budget.
    """

    scenario: str
    params: str
    seed: int
    budget_s: float
    runs: int
    worst_margin: float
    worst_requirement: str
    wall_s: float
    counterexample: "Counterexample | None"

    @property
    def found(self) -> bool:
        """True when a failing case was found."""
        return self.counterexample is not None


class Progress:
    """What the rounds of a search have brought so far."""

    def __init__(self, hunt: "Hunt") -> None:
        self.hunt = hunt
        self.runs = 0
        self.worst: tuple[float, str] = (1.0, "")
        self.failure: dict[str, Any] | None = None

    def add(self, row: Row) -> None:
        """Count one round."""
        self.runs += row["runs"]
        self.worst = min(self.worst, (row["worst"], row["of"]))
        self.failure = self.failure or row["failure"]

    def is_over(self) -> bool:
        """True when a case has failed or the time is up."""
        return self.failure is not None or self.hunt.over()

    def words(self) -> str:
        """Runs, time and the worst margin, for a line of text."""
        spent = f"{self.runs} runs in {self.hunt.elapsed():.0f} s"
        margin, name = self.worst
        return f"{spent}, worst margin {margin:+.2f} ({name})" if name else spent


ProgressHook = Callable[[Progress], None]


def search_faults(
    scenario: str | Scenario = "nominal",
    *,
    params: str | None = None,
    faults: str | Iterable[str] | None = None,
    anywhere: bool = False,
    seed: int = 0,
    budget_s: float = 60.0,
    jobs: int = 0,
    on_begin: ProgressHook | None = None,
    on_progress: ProgressHook | None = None,
) -> SearchResult:
    """Search for a failing case until one is found or `budget_s` is spent [s].

    faults: names of kinds or groups, None for the documented envelope; anywhere: beyond that
    envelope, several faults at once; jobs: processes, 0 for one per processor. `on_begin` is called
    once the scenario is known to land, `on_progress` after every round. Raises InputError.
    """
    require_hypothesis()
    from sim.search.counterexample import counterexample_of
    from sim.search.driver import begin_hunt

    check_seed(seed)
    if not budget_s > 0.0:
        raise InputError(f"--budget: expected a time above 0 s, not {budget_s}")
    kinds, crew, scenario = chosen_kinds(faults), executor(jobs), scenario_of(scenario, params)
    warm()
    watch, stop = Stopwatch(), multiprocessing.get_context("spawn").Event()
    hunt = begin_hunt(
        scenario,
        params=params,
        kinds=kinds,
        anywhere=anywhere,
        seed=seed,
        budget_s=budget_s,
        elapsed=watch.seconds,
        stop=stop,
    )
    progress = Progress(hunt)
    if on_begin:
        on_begin(progress)
    with _stopped_by_interrupt(hunt):
        _fly_rounds(progress, crew, on_progress)
    margin, requirement = progress.worst
    return SearchResult(
        scenario=scenario.name,
        params=hunt.preset,
        seed=seed,
        budget_s=budget_s,
        runs=progress.runs,
        worst_margin=margin,
        worst_requirement=requirement,
        wall_s=watch.seconds(),
        counterexample=counterexample_of(hunt, progress.failure) if progress.failure else None,
    )


def require_hypothesis() -> None:
    """Raise InputError where Hypothesis is not installed."""
    if importlib.util.find_spec("hypothesis") is None:
        raise InputError("search: needs Hypothesis: pip install 'leadline[search]'")


class _Over(Exception):
    """Ends the rounds."""


def _fly_rounds(progress: Progress, crew: Executor, on_progress: ProgressHook | None) -> None:
    from sim.search.driver import hunt_round

    ended: list[bool] = []

    def keep(row: Row) -> None:
        progress.add(row)
        if on_progress:
            on_progress(progress)
        if progress.is_over() and not ended:  # rows of other workers may still come in
            ended.append(True)
            progress.hunt.stop.set()
            raise _Over

    with contextlib.suppress(_Over):
        crew.run(progress.hunt, hunt_round, itertools.count(), keep)


@contextlib.contextmanager
def _stopped_by_interrupt(hunt: "Hunt") -> Iterator[None]:
    """Let Ctrl-C end the rounds in every process, and raise it again when they have ended."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may handle signals
        return
    interrupts: list[int] = []

    def stop(number: int, _: Any) -> None:
        if interrupts:
            raise KeyboardInterrupt
        interrupts.append(number)
        hunt.stop.set()

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if interrupts:
        raise KeyboardInterrupt


# --- kinds of faults by name ---------------------------------------------------------------


def chosen_kinds(faults: str | Iterable[str] | None) -> tuple[str, ...] | None:
    """`delayed,stale,off:imu`, or groups, as labels of sim.search.strategies; None for None.

    A kind that several sensors can have affects the first of them unless one is named. Raises
    InputError.
    """
    if faults is None:
        return None
    names = faults.split(",") if isinstance(faults, str) else faults
    return tuple(dict.fromkeys(label for name in names for label in _labels(name.strip())))


def _labels(name: str) -> list[str]:
    if name in (ALL, *GROUPS):
        kinds = [kind for kind, spec in IN_PROCESS_KINDS.items() if name in (ALL, spec.group.label)]
        return [label for kind in kinds for label in _labels(kind)]
    kind, _, sensor = name.partition(":")
    if kind not in IN_PROCESS_KINDS:
        known = (*IN_PROCESS_KINDS, *GROUPS, ALL)
        hint = nearest(kind, known) or f"; there are {', '.join(known)}"
        wire = "needs a wire, and is not searched for" if kind in KINDS else "unknown kind of fault"
        raise InputError(f"--faults: {wire}: '{kind}'{'' if kind in KINDS else hint}")
    sensors = IN_PROCESS_KINDS[kind].sensors
    if sensor and sensor not in sensors:
        affected = " or ".join(sensors) or "no sensor"
        raise InputError(f"--faults: {kind} affects {affected}, not '{sensor}'")
    return [f"{kind}:{sensor or sensors[0]}"] if len(sensors) > 1 else [kind]
