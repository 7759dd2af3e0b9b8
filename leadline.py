"""Leadline from Python: load scenarios, fly them, search, replay, read what was recorded.

    import leadline

    flight = leadline.fly(leadline.load("nominal", {"start.propellant_kg": 370.0}), seed=3)
    print(flight.verdict, flight.touchdown, flight.margins)
    columns = flight.trajectory.columns()  # a dict of arrays, for pandas, polars or Arrow

Wherever a scenario is taken, it may be a `Scenario`, the name of one in the library, or the path
of a TOML file. Changes are Python values by dotted key, the same keys as `--set` has. A bad
request raises `InputError`, whose text is the one line that the command line prints.

Only the names in `__all__` are public. The packages beside this file may change at any time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from os import PathLike
    from typing import Any

    import numpy as np

    from hil.bench.session import SessionResult
    from hil.log.reader import Log
    from hil.log.replay import ReplayReport
    from sim.common.errors import InputError as InputError
    from sim.run.fly import Result as Result
    from sim.run.trajectory import Trajectory as Trajectory
    from sim.scenario.load import Scenario as Scenario
    from tools.output.searching import SearchResult

__all__ = [
    "InputError",
    "Result",
    "Scenario",
    "Trajectory",
    "columns",
    "fly",
    "fly_campaign",
    "fly_many",
    "library",
    "load",
    "read_campaign",
    "read_log",
    "replay",
    "run_session",
    "search",
]


def _put_own_packages_first() -> None:
    """Make `sim`, `tools` and the like mean Leadline's, where the caller's folder has its own.

    Raises ImportError when one of another origin is in use already.
    """
    import sys
    from importlib.util import find_spec
    from pathlib import Path

    home = Path(__file__).resolve().parent
    for name in ("fsw", "sim", "hil", "tools"):
        spec = find_spec(name)
        origin = spec.origin if spec else None
        if origin and Path(origin).resolve().is_relative_to(home):
            continue
        if name in sys.modules:
            raise ImportError(f"leadline: package '{name}' of {origin} hides Leadline's own")
        sys.path.insert(0, str(home))
        return


_put_own_packages_first()


def library() -> list[str]:
    """Names of the scenarios that come with Leadline."""
    from sim.scenario.load import library as names

    return names()


def load(
    name_or_path: str | PathLike[str],
    changes: Mapping[str, Any] | None = None,
    params: str | None = None,
) -> Scenario:
    """Read a scenario by library name or path of a TOML file.

    changes: values by dotted key, such as `{"start.propellant_kg": 370.0}` or
    `{"faults.0.kind": "delayed", "faults.0.delay_s": 2.0}`: numbers, texts, booleans, lists, and
    mappings for a whole row or table. params: preset of flight parameters, `default`, `as-flown` or
    the path of a TOML file; None for the scenario's own. Raises InputError.
    """
    from sim.scenario.layers import override_pairs
    from sim.scenario.load import load as read

    return read(name_or_path, override_pairs(changes), params)


def fly(
    scenario: Scenario | str | PathLike[str],
    seed: int | None = None,
    params: str | None = None,
    log: str | PathLike[str] | None = None,
) -> Result:
    """Fly one descent in process; the same scenario and seed give the same bytes.

    seed: of every random stream of the run, from 0; None for the scenario's own. params: as in
    `load`. log: MCAP file to record into. The first flight ever compiles the kernels, which takes
    about a minute; later ones take about a tenth of a second. Raises InputError.
    """
    from sim.scenario.load import scenario_of
    from tools.output.flights import fly_recorded

    return fly_recorded(scenario_of(scenario, params), seed, log)


def fly_many(
    scenarios: Scenario | str | PathLike[str] | Iterable[Scenario | str | PathLike[str]],
    seeds: Iterable[int] = range(10),
    params: str | None = None,
    jobs: int = 1,
    trajectories: bool = True,
) -> list[Result]:
    """Fly one or more scenarios, each from every seed; results scenario by scenario.

    jobs: processes, 0 for one per processor. More than one needs a script that guards its own
    work with `if __name__ == "__main__":`, as the standard library's multiprocessing does.
    trajectories: False saves about 4 MB for each result. Raises InputError.
    """
    from sim.campaign.many import fly_sweep
    from sim.scenario.load import scenarios_of
    from tools.output.compile_warmup import warm

    flown = scenarios_of(scenarios, params)
    warm()
    return fly_sweep(flown, seeds, jobs=jobs, sampled=trajectories)


def fly_campaign(
    spec: str | PathLike[str],
    runs: int | None = None,
    seed: int | None = None,
    params: str | None = None,
    changes: Mapping[str, Any] | None = None,
    jobs: int = 1,
) -> list[dict[str, Any]]:
    """Fly the runs of a campaign, as `leadline campaign` does; one row of plain values for each.

    spec: library name, such as `faults`, or path of a TOML file. runs, seed: None for the spec's
    own. changes, params: as in `load`. jobs: as in `fly_many`. The command keeps rows and failures
    in a folder and can resume; this call returns the rows alone. Raises InputError.
    """
    from sim.campaign.many import fly_plan
    from sim.campaign.sampling import make_plan
    from sim.campaign.spec import read_spec
    from sim.scenario.layers import override_pairs
    from sim.scenario.schema import DEFAULT
    from tools.output.compile_warmup import warm

    plan = make_plan(
        read_spec(spec),
        runs=runs,
        seed=seed,
        overrides=override_pairs(changes),
        params=params or DEFAULT,
    )
    warm()
    return fly_plan(plan, jobs=jobs)


def run_session(
    scenario: Scenario | str | PathLike[str],
    seed: int | None = None,
    params: str | None = None,
    *,
    sensors: str = "emulator",
    flight: str = "host",
    pace: str = "lockstep",
    inject: Iterable[str] = (),
    log: str | PathLike[str] | None = None,
) -> SessionResult:
    """Fly one descent over a serial line, as `leadline hil` does.

    sensors: `emulator` for the bench's own, else `host`, `qemu` or the URL of a port. flight:
    `host` for a process of its own, `qemu`, or the URL of a port. pace: `lockstep` or `realtime`.
    inject: interventions such as `"reset@t=120s"`. log: MCAP file that the flight computer records
    into. The flight is in the result's `result`, without a trajectory. Raises InputError.
    """
    from sim.scenario.load import scenario_of
    from tools.output.flights import run_session as run

    flown = scenario_of(scenario, params)
    return run(flown, seed, sensors=sensors, flight=flight, pace=pace, inject=inject, log=log)


def search(
    scenario: Scenario | str | PathLike[str] = "nominal",
    params: str | None = None,
    *,
    budget_s: float = 60.0,
    faults: str | Iterable[str] | None = None,
    anywhere: bool = False,
    seed: int = 0,
    jobs: int = 1,
) -> SearchResult:
    """Search for a fault that should have been survived, as `leadline search` does.

    budget_s: time limit [s]. faults: kinds or groups, such as `"delayed,off:imu"`; None for the
    documented envelope. anywhere: beyond the envelope, several faults at once. jobs: as in
    `fly_many`. The result's `counterexample` has its `sentence`, its `document` and
    `write(folder)`. Needs `pip install 'leadline[search]'`. Raises InputError.
    """
    from sim.scenario.load import scenario_of
    from tools.output.searching import search_faults

    return search_faults(
        scenario_of(scenario, params),
        params=params,
        faults=faults,
        anywhere=anywhere,
        seed=seed,
        budget_s=budget_s,
        jobs=jobs,
    )


def replay(log: str | PathLike[str]) -> ReplayReport:
    """Fly a log's inputs once more and compare every tick with what was recorded.

    The report's `same` is True when nothing differs, `first` is the first difference, `lines()` is
    the text. Raises InputError when the file is not a log.
    """
    from os import fspath

    from hil.log.replay import replay as fly_again

    return fly_again(fspath(log))


def read_log(log: str | PathLike[str]) -> Log:
    """Open a log: `metadata`, `files`, and `table(topic)` for the records of one channel.

    `columns(log.table("truth"))` has them as flat columns. Raises InputError.
    """
    from os import fspath

    from hil.log.reader import open_log

    return open_log(fspath(log))


def read_campaign(folder: str | PathLike[str]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Manifest and rows of a campaign's folder (`leadline campaign SPEC --out DIR`).

    A row is a mapping of plain values; pandas.DataFrame and polars.DataFrame take the list. Needs
    `pip install 'leadline[campaign]'`. Raises InputError.
    """
    from os import fspath

    from sim.campaign.store import read_campaign as read

    return read(fspath(folder))


def columns(table: np.ndarray) -> dict[str, np.ndarray]:
    """The scalar columns of a structured array, vectors and nested records spread out."""
    from sim.run.trajectory import flat_columns

    return flat_columns(table)


def __getattr__(name: str) -> Any:
    """Import a class when it is first used: what it needs takes a second or two to import."""
    from importlib import import_module

    places = {
        "InputError": "sim.common.errors",
        "Result": "sim.run.fly",
        "Scenario": "sim.scenario.load",
        "Trajectory": "sim.run.trajectory",
    }
    if name not in places:
        raise AttributeError(f"module 'leadline' has no attribute {name!r}")
    return getattr(import_module(places[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)


del annotations, TYPE_CHECKING, _put_own_packages_first
