"""From a run's index to its seed and scenario, by integer hashes of (campaign seed, index) alone.

So a run depends neither on the number of runs (a Latin hypercube excepted), nor on the order in
which they are flown, nor on the process that flies them. Block and kind follow a low-discrepancy
sequence in the index (Roberts 2018, the R2 sequence), so that each kind has its share after few
runs; everything else is drawn from random streams.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from sim.campaign.random_draws import CampaignStream, draw_uniform, run_seed
from sim.campaign.spec import LATIN_HYPERCUBE, Block, Spec, Template, window_row, with_key
from sim.common.errors import InputError
from sim.faults.reader import read_faults
from sim.plant.world import WORLD
from sim.scenario.layers import override, with_overlay
from sim.scenario.load import Scenario, assemble, check_seed
from sim.scenario.schema import DEFAULT

# strides of the R2 sequence: 1 / p and 1 / p**2 with p**3 = p + 1
BLOCK_STRIDE, KIND_STRIDE = 0.7548776662466927, 0.5698402909980532

# numbers of a run's draws: keys that vary first, then a range of draws for each try at a fault
FIRST_FAULT_DRAW, DRAWS_PER_TRY = 1000, 64

# tries for each fault of a block, until its rows compose
TRIES_PER_FAULT = 40


@dataclass(frozen=True)
class DrawnFault:
    """One fault of a run; `size` is the quantile of its magnitude, None without one."""

    row: dict[str, Any]
    template: Template
    window: str
    magnitude: float | None
    size: float | None


@dataclass(frozen=True)
class Draw:
    """One run of a campaign: its seed, block, varied values, faults, and scenario document."""

    index: int
    seed: int
    block: Block | None
    varied: dict[str, Any]
    faults: tuple[DrawnFault, ...]
    document: dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """A campaign to fly: spec, number of runs, campaign seed, overrides, preset of parameters.

    Plain data, passed to every worker process.
    """

    spec: Spec
    runs: int
    seed: int
    overrides: tuple[tuple[str, str], ...] = ()
    params: str = DEFAULT
    shuffles: tuple[np.ndarray, ...] = field(default=(), repr=False, compare=False)

    def draw(self, index: int) -> Draw:
        """The run at an index."""
        seed = int(run_seed(self.seed, index))
        block = self._block(index)
        varied = self._varied(seed, index, block)
        faults = self._faults(seed, index, block)
        document = dict(self.spec.document)
        for name, value in varied.items():
            document = with_key(document, name, value)
        for name, text in self.overrides:
            document = with_overlay(document, override(name, text))
        document["name"] = f"{self.spec.name}-{index:06d}"
        document["doc"] = _run_doc(self.spec, index, faults)
        document["run"] = {"seed": seed, "params": self.params}
        if faults:
            document["faults"] = [*document.get("faults", []), *(f.row for f in faults)]
        return Draw(index, seed, block, varied, faults, document)

    def _block(self, index: int) -> Block | None:
        blocks = self.spec.blocks
        return _by_share(blocks, self._sequence(0, index, BLOCK_STRIDE)) if blocks else None

    def _varied(self, seed: int, index: int, block: Block | None) -> dict[str, Any]:
        values = {}
        keys = (*self.spec.vary, *(block.vary if block else ()))
        for number, (name, varied_by) in enumerate(keys):
            u = float(draw_uniform(seed, CampaignStream.DRAWS, number))
            if number < len(self.shuffles):
                u = (float(self.shuffles[number][index]) + u) / self.runs
            values[name] = varied_by.draw(u)
        return values

    def _faults(self, seed: int, index: int, block: Block | None) -> tuple[DrawnFault, ...]:
        if block is None:
            return ()
        spec = self.spec
        first = self._sequence(1, index, KIND_STRIDE)
        drawn: list[DrawnFault] = []
        for attempt in range(TRIES_PER_FAULT * block.faults):
            if len(drawn) == block.faults:
                break
            draws = _Draws(seed, FIRST_FAULT_DRAW + DRAWS_PER_TRY * attempt)
            u = draws() if drawn else first
            template = spec.templates[block.templates[int(u * len(block.templates))]]
            fault = _draw_fault(spec, template, draws)
            if _composes([*drawn, fault]):
                drawn.append(fault)
        return tuple(drawn)

    def _sequence(self, dimension: int, index: int, stride: float) -> float:
        """Element `index` of an even sequence in [0, 1), whose start the seed gives."""
        start = float(draw_uniform(self.seed, CampaignStream.SEQUENCE, dimension))
        return (start + index * stride) % 1.0


def make_plan(
    spec: Spec,
    *,
    runs: int | None = None,
    seed: int | None = None,
    overrides: tuple[tuple[str, str], ...] = (),
    params: str = DEFAULT,
) -> Plan:
    """A checked plan of a campaign. Raises InputError, one line.

    `runs` and `seed` default to those of the spec; overrides are pairs of a dotted key and a TOML
    value, on top of everything that is varied; `params` is default, as-flown or a TOML file.
    """
    seed = spec.seed if seed is None else seed
    check_seed(seed)
    runs = spec.runs if runs is None else runs
    if runs < 1:
        raise InputError(f"-n: expected at least 1 run, not {runs}")
    if params.endswith(".toml"):
        params = str(Path(params).resolve())  # a stored failure can be flown from any folder
    assemble(spec.document, f"{spec.scenario}: ", overrides=overrides, params=params)
    shuffles: tuple[np.ndarray, ...] = ()
    if spec.sampling == LATIN_HYPERCUBE:
        shuffles = tuple(_shuffle(seed, number, runs) for number in range(len(spec.vary)))
    return Plan(spec, runs, seed, overrides, params, shuffles)


def scenario_of(draw: Draw) -> Scenario:
    """The scenario of a draw."""
    return assemble(draw.document, f"{draw.document['name']}: ")


class _Draws:
    """Draws of one try at a fault, one after the other."""

    def __init__(self, seed: int, first: int) -> None:
        self._seed, self._next = seed, first

    def __call__(self) -> float:
        self._next += 1
        return float(draw_uniform(self._seed, CampaignStream.DRAWS, self._next - 1))


def _by_share(blocks: tuple[Block, ...], u: float) -> Block:
    left = u * sum(block.share for block in blocks)
    for block in blocks:
        left -= block.share
        if left < 0.0:
            return block
    return blocks[-1]


def _draw_fault(spec: Spec, template: Template, draws: Callable[[], float]) -> DrawnFault:
    window = template.windows[int(draws() * len(template.windows))]
    quantiles = {name: draws() for name, _ in template.values}
    values = {name: by.draw(quantiles[name]) for name, by in template.values}
    window_values = {name: by.draw(draws()) for name, by in spec.windows[window]}
    size = None if template.magnitude is None else quantiles[template.magnitude]
    magnitude = None if template.magnitude is None else float(values[template.magnitude])
    row = {"kind": template.kind, **values, **window_row(window_values)}
    return DrawnFault(row, template, window, magnitude, size)


def _composes(faults: list[DrawnFault]) -> bool:
    """True when the rows compose; kinds that conflict are drawn again."""
    if len(faults) == 1:
        return True
    if len({fault.template.label for fault in faults}) < len(faults):
        return False
    try:
        read_faults(WORLD.new(), [({"faults": [fault.row for fault in faults]}, "")])
    except InputError:
        return False
    return True


def _shuffle(seed: int, number: int, runs: int) -> np.ndarray:
    """A permutation of the runs, by sorting hashes."""
    first = number * 2**32
    draws = [draw_uniform(seed, CampaignStream.SHUFFLE, first + i) for i in range(runs)]
    return np.argsort(np.array(draws), kind="stable").astype(np.int64)


def _run_doc(spec: Spec, index: int, faults: tuple[DrawnFault, ...]) -> str:
    kinds = " and ".join(f.template.label.replace("_", " ") for f in faults) or "no fault"
    return f"Run {index} of campaign {spec.name}: {kinds}."
