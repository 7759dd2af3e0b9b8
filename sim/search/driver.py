"""Search for survivable faults that are not landed, and their minimisation.

A round is a search of its own, with random draws of its own: Hypothesis draws cases, climbs from
the worst of them against each requirement's margin, and shrinks the first one that fails: fewer
faults, smaller magnitudes, shorter and later windows, seed 0. The result is then weakened by fifths
as long as it fails. Rounds follow one another in each of several processes until one has found a
failure or the time is up, shrinking included.

A case fails when it does not land although the bound (sim.evaluation.survivability_bound) does not
exclude it, or when it violates a requirement that no fault excuses.

Needs Hypothesis (`pip install 'leadline[search]'`).
"""

import json
import random
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from hypothesis import HealthCheck, Phase, find, settings, target
from hypothesis.errors import NoSuchExample

from sim.campaign.executors import Row
from sim.common.errors import InputError
from sim.evaluation.requirements import REQUIREMENTS, broken
from sim.evaluation.survivability_bound import unsurvivable_reason
from sim.faults.envelope import read_envelope
from sim.faults.table import KINDS, FaultGroup
from sim.run.fly import Result, fly
from sim.run.survivability import LANDED
from sim.run.warm_start import Checkpoints
from sim.scenario.load import Scenario, document_of, scenario_of
from sim.search.minimize import least
from sim.search.strategies import Case, Horizon, Limits, cases

# cases drawn in one round, before shrinking
ROUND_CASES = 120

# seeds of the runs: few, so that checkpoints can be reused
RUN_SEEDS = 4
RANGE_KINDS = tuple(
    f"{name}:range" if len(kind.sensors) > 1 else name
    for name, kind in KINDS.items()
    if kind.group in (FaultGroup.TIMING, FaultGroup.VALUE) and "range" in kind.sensors
)
ALWAYS = {each.name for each in REQUIREMENTS if each.always}


class Flag(Protocol):
    """A flag, shared by all processes, that ends the search."""

    def is_set(self) -> bool:
        """True once the search is over."""
        ...

    def set(self) -> None:
        """End the search."""
        ...


@dataclass(frozen=True)
class Hunt:
    """A search: scenario, preset, kinds, time limit; plain data, passed to every process.

    `document` is the scenario to which faults are added, `elapsed` gives the time since the search
    began [s], `most` is the greatest number of faults at once.
    """

    document: dict[str, Any]
    preset: str
    kinds: tuple[str, ...]
    horizon: Horizon
    seed: int
    budget_s: float
    elapsed: Callable[[], float]
    stop: Flag
    most: int = 3
    limits: Limits | None = None

    def over(self) -> bool:
        """True when no further run shall be flown."""
        return self.stop.is_set() or self.elapsed() > self.budget_s


def begin_hunt(
    scenario: str | Scenario,
    *,
    params: str | None,
    kinds: tuple[str, ...] | None,
    anywhere: bool,
    seed: int,
    budget_s: float,
    elapsed: Callable[[], float],
    stop: Flag,
) -> Hunt:
    """Begin a search in a scenario that lands without added faults. Raises InputError.

    Single faults are drawn from the documented envelope, where it has bounds for their kind;
    `anywhere` draws from whole ranges, and up to three at once. `params` is a preset or file, None
    for the scenario's own; `kinds` are labels of sim.search.strategies, None for all of the
    envelope, or for the rangefinder's timing and values; `seed` is that of the search's draws;
    `elapsed` gives the time since it began [s]; `stop` ends it in all processes.
    """
    base = scenario_of(scenario, params)
    document, where = document_of(base), f"{base.name}: "
    result = fly(base, base.seed)
    if result.verdict != LANDED:
        ended = result.verdict.replace("_", " ")
        raise InputError(f"{where}{ended} with parameters {base.params_name} and nothing added")
    limits = None if anywhere else read_envelope().inside
    preset = base.params_name
    return Hunt(
        document=document,
        preset=str(Path(preset).resolve()) if preset.endswith(".toml") else preset,
        kinds=kinds or tuple(limits or RANGE_KINDS),
        horizon=Horizon(result.time_s, float(base.world.start.altitude_m)),
        seed=seed,
        budget_s=budget_s,
        elapsed=elapsed,
        stop=stop,
        most=3 if anywhere else 1,
        limits=limits,
    )


class _TimeIsUp(BaseException):
    """Ends Hypothesis as an interrupt does; an Exception would be a case to shrink."""


@dataclass
class Trials:
    """Flies cases and keeps their results; flies no new ones once the search is over."""

    hunt: Hunt
    checkpoints: Checkpoints
    flown: dict[str, Result | None] = field(default_factory=dict)
    worst: tuple[float, str] = (1.0, "")
    failed: Case | None = None  # the last one; each that Hypothesis tries is smaller

    def result(self, case: Case) -> Result | None:
        """Result of a case; None of one that was not flown."""
        key = json.dumps(asdict(case), sort_keys=True)
        if key not in self.flown:
            if self.hunt.over():
                return None
            self.flown[key] = self._fly(case)
        return self.flown[key]

    def _fly(self, case: Case) -> Result | None:
        try:
            scenario = case.scenario(self.hunt.document, self.hunt.preset)
        except InputError:
            return None  # a window that was shortened to nothing
        return self.checkpoints.fly(scenario, case.seed)

    def onset_s(self, case: Case) -> float:
        """Time at which the first fault of a case opened."""
        result = self.result(case)
        return result.onset.t_s if result and result.onset else 0.0

    def fails(self, case: Case) -> bool:
        """True when a case was flown and failed."""
        result = self.result(case)
        if result is None:
            return False
        self.worst = min(self.worst, worst_margin(result))
        if not is_failure(result):
            return False
        self.failed = case
        return True


def is_failure(result: Result) -> bool:
    """True when a run violated what no fault excuses, or was lost though the bound allows it."""
    if ALWAYS & set(broken(result.margins)):
        return True
    return result.verdict != LANDED and not (result.onset and unsurvivable_reason(result.onset))


def worst_margin(result: Result) -> tuple[float, str]:
    """The least margin of a run, and the name of its requirement."""
    return min((margin, name) for name, margin in result.margins.items() if margin is not None)


# one for each process, so that later rounds reuse its checkpoints
_checkpoints = Checkpoints()


def hunt_round(hunt: Hunt, index: int) -> Row:
    """One round: number of runs, the worst margin and its requirement, the failing case if any."""
    trials = Trials(hunt, _checkpoints)
    case = None if hunt.over() else _search(trials, random.Random(f"{hunt.seed} {index}"))
    if case is not None:
        case = least(case, trials.fails, trials.onset_s(case), hunt.horizon.time_s)
    margin, name = trials.worst
    failure = None if case is None else asdict(case)
    flown = len(trials.flown)
    return {"index": index, "runs": flown, "worst": margin, "of": name, "failure": failure}


def _search(trials: Trials, draws: random.Random) -> Case | None:
    hunt = trials.hunt
    drawn = cases(
        most=hunt.most,
        kinds=hunt.kinds,
        horizon=hunt.horizon,
        limits=hunt.limits,
        seed_max=RUN_SEEDS - 1,
        disturbed=False,
    )
    limits = settings(
        max_examples=ROUND_CASES,
        phases=(Phase.generate, Phase.target, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        database=None,
        deadline=None,
    )
    try:
        return find(drawn, lambda case: _climb(trials, case), settings=limits, random=draws)
    except NoSuchExample:
        return None
    except _TimeIsUp:
        return trials.failed


def _climb(trials: Trials, case: Case) -> bool:
    """Fly a case and give Hypothesis the negative margin of each requirement as a target."""
    if trials.hunt.over():
        raise _TimeIsUp
    failed = trials.fails(case)
    result = trials.result(case)
    for name, margin in result.margins.items() if result else ():
        if margin is not None:
            target(-margin, label=name)
    return failed
