"""`leadline search`: look for a fault that should have been survived, and hand over the least."""

import contextlib
import importlib.util
import itertools
import multiprocessing
import re
import signal
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from sim.campaign.executors import Executor, Row, executor
from sim.common.errors import InputError
from sim.common.toml_records import nearest
from sim.faults.table import KINDS, FaultGroup
from sim.scenario.load import check_seed
from tools.cli.fly import say_if_compiling
from tools.output.compile_warmup import warm
from tools.output.console import console, emit
from tools.output.stopwatch import Stopwatch

if TYPE_CHECKING:
    from sim.search.driver import Hunt

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "": 1.0}
FLOWN = {name: kind for name, kind in KINDS.items() if kind.group != FaultGroup.WIRE}
GROUPS = tuple(dict.fromkeys(kind.group.label for kind in FLOWN.values()))
ALL = "all"


def search(
    scenario: str,
    params: str | None,
    faults: str | None,
    anywhere: bool,
    seed: int,
    budget: str,
    jobs: int,
    folder: str,
    as_json: bool,
) -> int:
    """Search for as long as the budget lasts; 1 when something was found, 0 when nothing was."""
    if importlib.util.find_spec("hypothesis") is None:
        raise InputError("search: needs Hypothesis: pip install 'leadline[search]'")
    from sim.search.driver import begin_hunt

    check_seed(seed)
    kinds, budget_s = chosen_kinds(faults), seconds(budget)
    crew, out, place = executor(jobs), console(as_json), _folder(folder)
    say_if_compiling(out, "sim.run.loop")
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
    out.print(f"{scenario}, parameters {hunt.preset}: searching for {budget_s:g} s, seed {seed}")
    tally = _Tally(hunt)
    with _stopped_by_interrupt(hunt):
        tally.run(crew, out)
    figures = {
        "version": version("leadline"),
        "scenario": scenario,
        "params": hunt.preset,
        "seed": seed,
        "budget_s": budget_s,
        "runs": tally.runs,
        "worst": {"margin": tally.worst[0], "requirement": tally.worst[1]},
        "found": tally.failure is not None,
        "failure": tally.failure and _hand_over(out, hunt, tally.failure, place),
        "wall_s": watch.seconds(),
    }
    if tally.failure is None:
        out.print(f"nothing found; {tally.words()}")
    if as_json:
        emit(figures)
    return 0 if tally.failure is None else 1


class _Over(Exception):
    """Rounds need not go on."""


class _Tally:
    """What the rounds have brought so far."""

    def __init__(self, hunt: "Hunt") -> None:
        self._hunt = hunt
        self._told = False
        self.runs = 0
        self.worst: tuple[float, str] = (1.0, "")
        self.failure: dict[str, Any] | None = None

    def run(self, crew: Executor, out: Console) -> None:
        """Have rounds flown until one has failed or the time is up."""
        from sim.search.driver import hunt_round

        with out.status("searching") as status, contextlib.suppress(_Over):

            def keep(row: Row) -> None:
                self._add(row)
                status.update(f"searching: {self.words()}")
                over = self.failure is not None or self._hunt.over()
                if over and not self._told:
                    self._told = True
                    self._hunt.stop.set()
                    raise _Over

            crew.run(self._hunt, hunt_round, itertools.count(), keep)

    def _add(self, row: Row) -> None:
        self.runs += row["runs"]
        self.worst = min(self.worst, (row["worst"], row["of"]))
        self.failure = self.failure or row["failure"]

    def words(self) -> str:
        """How far the search has come."""
        spent = f"{self.runs} runs in {self._hunt.elapsed():.0f} s"
        margin, name = self.worst
        return f"{spent}, worst margin {margin:+.2f} ({name})" if name else spent


def _hand_over(out: Console, hunt: "Hunt", failure: dict[str, Any], place: Path) -> dict[str, Any]:
    """Write what was found, tell of it, and return it for --json."""
    from sim.search.counterexample import counterexample_of

    finding = counterexample_of(hunt, failure)
    path = finding.write(place)
    out.print(finding.sentence)
    out.print(f"written to {path}")
    out.print(f"replay it: leadline fly {path}   or: leadline hil {path}", style="dim")
    return {
        "file": str(path),
        "sentence": finding.sentence,
        "faults": finding.case.faults,
        "seed": finding.case.seed,
        "verdict": finding.result.verdict,
        "margins": finding.result.margins,
        "weaker": finding.weaker,
        "replay": f"leadline fly {path}",
    }


@contextlib.contextmanager
def _stopped_by_interrupt(hunt: "Hunt") -> Iterator[None]:
    """Let Ctrl-C end the rounds in every process, and go on up when they have ended."""
    asked: list[int] = []

    def stop(number: int, _: Any) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)
        hunt.stop.set()

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if asked:
        raise KeyboardInterrupt


# --- what was asked for --------------------------------------------------------------------


def seconds(budget: str) -> float:
    """`90`, `60s`, `10m` or `1h` in seconds. Raises InputError."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", budget)
    if not match or float(match[1]) <= 0.0:
        raise InputError(f"--budget: expected a time such as 60s, 10m or 1h, not '{budget}'")
    return float(match[1]) * UNITS[match[2]]


def chosen_kinds(faults: str | None) -> tuple[str, ...] | None:
    """`delayed,stale,off:imu` or groups of kinds, as the strategies name them; None for none.

    A kind that may befall several instruments affects the first of them, unless it says which.
    Raises InputError.
    """
    if faults is None:
        return None
    names = [name.strip() for name in faults.split(",")]
    return tuple(dict.fromkeys(label for name in names for label in _labels(name)))


def _labels(name: str) -> list[str]:
    if name in (ALL, *GROUPS):
        kinds = [kind for kind in FLOWN if name in (ALL, FLOWN[kind].group.label)]
        return [label for kind in kinds for label in _labels(kind)]
    kind, _, sensor = name.partition(":")
    if kind not in FLOWN:
        known = (*FLOWN, *GROUPS, ALL)
        hint = nearest(kind, known) or f"; there are {', '.join(known)}"
        wire = "needs a wire, and is not searched for" if kind in KINDS else "unknown kind of fault"
        raise InputError(f"--faults: {wire}: '{kind}'{'' if kind in KINDS else hint}")
    sensors = FLOWN[kind].sensors
    if sensor and sensor not in sensors:
        affects = " or ".join(sensors) or "no instrument of its own"
        raise InputError(f"--faults: {kind} affects {affects}, not '{sensor}'")
    return [f"{kind}:{sensor or sensors[0]}"] if len(sensors) > 1 else [kind]


def _folder(folder: str) -> Path:
    """The folder for what is found, made before anybody has searched for it."""
    path = Path(folder)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--out {folder}: {(error.strerror or 'unusable').lower()}") from error
    return path
