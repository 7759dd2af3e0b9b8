"""Flights as a command or a Python caller starts them: in process, or over a serial line."""

import os
from collections.abc import Iterable

from hil.bench import session
from hil.bench.session import Hooks, SessionResult
from hil.protocol.interventions import parse_intervention
from sim.run.fly import Result, fly
from sim.scenario.load import Scenario, seed_of
from tools.output.compile_warmup import warm
from tools.output.recording import log_description, recorded

Path = str | os.PathLike[str]


def fly_recorded(scenario: Scenario, seed: int | None, log: Path | None) -> Result:
    """Fly one descent, record it where a log is wanted, and keep its trajectory.

    seed: None for the scenario's own. Raises InputError.
    """
    seed = seed_of(scenario, seed)
    with recorded(scenario, seed, None if log is None else os.fspath(log)) as (
        begin,
        record,
        finish,
    ):
        warm()
        result = fly(scenario, seed, on_tick=record, on_start=begin, sampled=True)
        finish(result)
    return result


def run_session(
    scenario: Scenario,
    seed: int | None,
    *,
    sensors: str,
    flight: str,
    pace: str,
    inject: Iterable[str],
    log: Path | None,
    hooks: Hooks | None = None,
) -> SessionResult:
    """Fly one descent over a serial line; a log describes its run as one in process does.

    seed: None for the scenario's own. Raises InputError.
    """
    interventions = [parse_intervention(text) for text in inject]
    seed = seed_of(scenario, seed)
    return session.run_session(
        scenario,
        seed,
        sensors=sensors,
        flight=flight,
        pace=pace,
        log=None if log is None else os.fspath(log),
        interventions=interventions,
        description=log_description(scenario, seed),
        hooks=hooks,
    )
