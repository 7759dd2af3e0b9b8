"""Many flights for a caller in Python: sweeps of whole results, and campaigns of rows."""

from collections.abc import Iterable
from dataclasses import dataclass

from sim.campaign.executors import Row, executor
from sim.campaign.runner import fly_row
from sim.campaign.sampling import Plan
from sim.faults.reader import refuse_wire_faults
from sim.run.fly import Result, fly
from sim.scenario.load import Scenario, check_seed


@dataclass(frozen=True)
class Sweep:
    """What is flown: scenarios by seeds, handed to every worker as it is."""

    scenarios: tuple[Scenario, ...]
    seeds: tuple[int, ...]
    sampled: bool

    def __len__(self) -> int:
        return len(self.scenarios) * len(self.seeds)


def fly_sweep(
    scenarios: Iterable[Scenario], seeds: Iterable[int], *, jobs: int = 1, sampled: bool = True
) -> list[Result]:
    """Fly every scenario from every seed; results scenario by scenario, in the seeds' order.

    jobs: processes, 0 for one per processor. sampled: keep trajectories. Raises InputError.
    """
    sweep = Sweep(tuple(scenarios), tuple(int(seed) for seed in seeds), sampled)
    for seed in sweep.seeds:
        check_seed(seed)
    for scenario in sweep.scenarios:
        refuse_wire_faults(scenario.world)
    rows: dict[int, Result] = {}

    def keep(row: Row) -> None:
        rows[row["index"]] = row["result"]

    executor(jobs).run(sweep, fly_one, range(len(sweep)), keep)
    return [rows[index] for index in range(len(sweep))]


def fly_plan(plan: Plan, *, jobs: int = 1) -> list[Row]:
    """Fly every run of a campaign's plan; its rows by index. Raises InputError."""
    rows: dict[int, Row] = {}

    def keep(row: Row) -> None:
        rows[row["index"]] = row

    executor(jobs).run(plan, fly_row, range(plan.runs), keep)
    return [rows[index] for index in range(plan.runs)]


def fly_one(sweep: Sweep, index: int) -> Row:
    """Fly one of a sweep."""
    number, seed = divmod(index, len(sweep.seeds))
    result = fly(sweep.scenarios[number], sweep.seeds[seed], sampled=sweep.sampled)
    return {"index": index, "result": result}
