"""Looking for a fault that should have been survived, and making it as small as it can be.

One round is a search of its own, from dice of its own: Hypothesis draws cases at random, then
climbs from the worst of them against each requirement's margin, and shrinks the first one that
fails: fewer faults, smaller magnitudes, shorter and later windows, seed 0. What is left is then
weakened by fifths until the next fifth would save it. Rounds go on, one after the other in each
of several processes, until one has failed or the time is up, shrinking included.

A case fails when it does not land, unless no knowledge could have landed it
(sim.evaluation.survivability_bound), or when it breaks a requirement that no fault excuses.

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
from sim.evaluation.survivability_bound import certificate
from sim.faults.envelope import read_envelope
from sim.faults.table import KINDS, TIMING, VALUE
from sim.run.fly import Result, fly
from sim.run.survivability import LANDED
from sim.run.warm_start import Checkpoints
from sim.scenario.load import Scenario, document_of, scenario_of
from sim.search.minimize import least
from sim.search.strategies import Case, Horizon, Limits, cases

ROUND_CASES = 120

# runs are of so many seeds, so that their beginnings need not be flown again
RUN_SEEDS = 4
RANGE_KINDS = tuple(
    f"{name}:range" if len(kind.sensors) > 1 else name
    for name, kind in KINDS.items()
    if kind.group in (TIMING, VALUE) and "range" in kind.sensors
)
ALWAYS = {each.name for each in REQUIREMENTS if each.always}


class Flag(Protocol):
    """What tells every process that the search is over."""

    def is_set(self) -> bool:
        """True once it is."""
        ...

    def set(self) -> None:
        """It is over."""
        ...


@dataclass(frozen=True)
class Hunt:
    """What is looked for, and where; handed to every process as it is.

    `document` is the scenario that faults are laid over, `elapsed` the time since the search
    began [s].
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
        """True when nothing more shall be flown."""
        return self.stop.is_set() or self.elapsed() > self.budget_s


def begin_hunt(
    scenario: str | Scenario,
    params: str | None,
    kinds: tuple[str, ...] | None,
    anywhere: bool,
    seed: int,
    budget_s: float,
    elapsed: Callable[[], float],
    stop: Flag,
) -> Hunt:
    """A hunt in a scenario that lands as it is. Raises InputError.

    Single faults are drawn from the documented envelope, where there are bounds for their kind;
    `anywhere` draws from whole ranges, and up to three at once. `kinds` are labels of
    sim.search.strategies, None for all of the envelope, or for the rangefinder's timing and values.
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
    """Leaves Hypothesis as an interrupt does; an Exception would be a case to shrink."""


@dataclass
class Trials:
    """Flies cases and remembers what became of them; flies no new ones once the hunt is over."""

    hunt: Hunt
    checkpoints: Checkpoints
    flown: dict[str, Result | None] = field(default_factory=dict)
    worst: tuple[float, str] = (1.0, "")
    failed: Case | None = None  # the last one; each that Hypothesis tries is smaller

    def result(self, case: Case) -> Result | None:
        """What became of a case; None of one that was not flown."""
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
        """When the first fault of a case opened."""
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
    """True when a run broke what no fault excuses, or was lost and is not certified so."""
    if ALWAYS & set(broken(result.margins)):
        return True
    return result.verdict != LANDED and not (result.onset and certificate(result.onset))


def worst_margin(result: Result) -> tuple[float, str]:
    """The least margin of a run, and whose it is."""
    return min((margin, name) for name, margin in result.margins.items() if margin is not None)


# one for each process: rounds that follow one another begin where the last one has flown
_checkpoints = Checkpoints()


def hunt_round(hunt: Hunt, index: int) -> Row:
    """One round: how many runs, the worst margin and whose, and the failing case, if any."""
    trials = Trials(hunt, _checkpoints)
    case = None if hunt.over() else _search(trials, random.Random(f"{hunt.seed} {index}"))
    if case is not None:
        case = least(case, trials.fails, trials.onset_s(case), hunt.horizon.time_s)
    margin, name = trials.worst
    failure = None if case is None else asdict(case)
    flown = len(trials.flown)
    return {"index": index, "runs": flown, "worst": margin, "of": name, "failure": failure}


def _search(trials: Trials, dice: random.Random) -> Case | None:
    hunt = trials.hunt
    drawn = cases(
        hunt.most, hunt.kinds, hunt.horizon, hunt.limits, seed_max=RUN_SEEDS - 1, disturbed=False
    )
    limits = settings(
        max_examples=ROUND_CASES,
        phases=(Phase.generate, Phase.target, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        database=None,
        deadline=None,
    )
    try:
        return find(drawn, lambda case: _climb(trials, case), settings=limits, random=dice)
    except NoSuchExample:
        return None
    except _TimeIsUp:
        return trials.failed


def _climb(trials: Trials, case: Case) -> bool:
    """Fly a case and tell Hypothesis how near to broken each requirement was."""
    if trials.hunt.over():
        raise _TimeIsUp
    failed = trials.fails(case)
    result = trials.result(case)
    for name, margin in result.margins.items() if result else ():
        if margin is not None:
            target(-margin, label=name)
    return failed
