"""From a run's index to its seed and its scenario: nothing but integer hashes of (seed, index).

So a run does not know how many there are, in which order they are flown, or by whom; only a Latin
hypercube knows their number. Block and kind go round by a low-discrepancy sequence in the index
(Roberts 2018, the R2 sequence), so that each kind has its share after few runs; everything else
is dice.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from fsw.framework.kernel import kernel
from sim.campaign.spec import LATIN_HYPERCUBE, Block, Spec, Template, window_row, with_key
from sim.common.errors import InputError
from sim.common.random_streams import stream_key, uniform, word
from sim.faults.reader import read_faults
from sim.plant.world import WORLD
from sim.scenario.layers import override, with_overlay
from sim.scenario.load import Scenario, assemble, check_seed
from sim.scenario.schema import DEFAULT

# streams of the dice that no run uses
STREAM_SEEDS, STREAM_DRAWS, STREAM_ROUND, STREAM_SHUFFLE = range(4090, 4094)

# 1 / p and 1 / p**2 with p**3 = p + 1
ROUND_BLOCK, ROUND_KIND = 0.7548776662466927, 0.5698402909980532

# addresses of a run's dice: keys that vary first, then so many for each try at a fault
FIRST_FAULT, PER_TRY, TRIES = 1000, 64, 40
U13 = np.uint64(13)


@kernel
def run_seed(master, index):
    """Seed of a run: a hash of the campaign's seed and the run's index, below 2**51."""
    return np.int64(word(stream_key(master, STREAM_SEEDS), index) >> U13)


@kernel
def die(seed, stream, n):
    """Draw n of a stream of a seed, uniform in [0, 1)."""
    return uniform(stream_key(seed, stream), n)


@dataclass(frozen=True)
class DrawnFault:
    """One fault of a run; `size` says where its magnitude lies between its ends (None: none)."""

    row: dict[str, Any]
    template: Template
    window: str
    magnitude: float | None
    size: float | None


@dataclass(frozen=True)
class Draw:
    """What a run flies."""

    index: int
    seed: int
    block: Block | None
    varied: dict[str, Any]
    faults: tuple[DrawnFault, ...]
    document: dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """A campaign as it is flown: spec, number of runs, master seed, overrides, preset.

    Plain data, handed to every worker as it is.
    """

    spec: Spec
    runs: int
    seed: int
    overrides: tuple[tuple[str, str], ...] = ()
    params: str = DEFAULT
    shuffles: tuple[np.ndarray, ...] = field(default=(), repr=False, compare=False)

    def draw(self, index: int) -> Draw:
        """The run of an index."""
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
        document["doc"] = _told(self.spec, index, faults)
        document["run"] = {"seed": seed, "params": self.params}
        if faults:
            document["faults"] = [*document.get("faults", []), *(f.row for f in faults)]
        return Draw(index, seed, block, varied, faults, document)

    def _block(self, index: int) -> Block | None:
        blocks = self.spec.blocks
        return _by_share(blocks, self._round(0, index, ROUND_BLOCK)) if blocks else None

    def _varied(self, seed: int, index: int, block: Block | None) -> dict[str, Any]:
        values = {}
        keys = (*self.spec.vary, *(block.vary if block else ()))
        for number, (name, varied_by) in enumerate(keys):
            u = float(die(seed, STREAM_DRAWS, number))
            if number < len(self.shuffles):
                u = (float(self.shuffles[number][index]) + u) / self.runs
            values[name] = varied_by.draw(u)
        return values

    def _faults(self, seed: int, index: int, block: Block | None) -> tuple[DrawnFault, ...]:
        if block is None:
            return ()
        spec = self.spec
        first = self._round(1, index, ROUND_KIND)
        drawn: list[DrawnFault] = []
        for attempt in range(TRIES * block.faults):
            if len(drawn) == block.faults:
                break
            dice = _Dice(seed, FIRST_FAULT + PER_TRY * attempt)
            u = dice() if drawn else first
            template = spec.templates[block.templates[int(u * len(block.templates))]]
            fault = _draw_fault(spec, template, dice)
            if _composes([*drawn, fault]):
                drawn.append(fault)
        return tuple(drawn)

    def _round(self, dimension: int, index: int, stride: float) -> float:
        """Element `index` of an even sequence in [0, 1) that begins where the seed says."""
        return (float(die(self.seed, STREAM_ROUND, dimension)) + index * stride) % 1.0


def make_plan(
    spec: Spec,
    runs: int | None = None,
    seed: int | None = None,
    overrides: tuple[tuple[str, str], ...] = (),
    params: str = DEFAULT,
) -> Plan:
    """A plan, checked: overrides and preset are read once. Raises InputError."""
    seed = spec.seed if seed is None else seed
    check_seed(seed)
    runs = spec.runs if runs is None else runs
    if runs < 1:
        raise InputError(f"-n: expected at least 1 run, not {runs}")
    if params.endswith(".toml"):
        params = str(Path(params).resolve())  # a kept failure is flown from anywhere
    assemble(spec.document, f"{spec.scenario}: ", overrides, params)
    shuffles: tuple[np.ndarray, ...] = ()
    if spec.sampling == LATIN_HYPERCUBE:
        shuffles = tuple(_shuffle(seed, number, runs) for number in range(len(spec.vary)))
    return Plan(spec, runs, seed, overrides, params, shuffles)


def scenario_of(draw: Draw) -> Scenario:
    """What a draw flies."""
    return assemble(draw.document, f"{draw.document['name']}: ")


class _Dice:
    """Dice of one try at a fault, thrown one after the other."""

    def __init__(self, seed: int, first: int) -> None:
        self._seed, self._next = seed, first

    def __call__(self) -> float:
        self._next += 1
        return float(die(self._seed, STREAM_DRAWS, self._next - 1))


def _by_share(blocks: tuple[Block, ...], u: float) -> Block:
    left = u * sum(block.share for block in blocks)
    for block in blocks:
        left -= block.share
        if left < 0.0:
            return block
    return blocks[-1]


def _draw_fault(spec: Spec, template: Template, dice: Callable[[], float]) -> DrawnFault:
    window = template.windows[int(dice() * len(template.windows))]
    quantiles = {name: dice() for name, _ in template.values}
    values = {name: by.draw(quantiles[name]) for name, by in template.values}
    window_values = {name: by.draw(dice()) for name, by in spec.windows[window]}
    size = None if template.magnitude is None else quantiles[template.magnitude]
    magnitude = None if template.magnitude is None else float(values[template.magnitude])
    row = {"kind": template.kind, **values, **window_row(window_values)}
    return DrawnFault(row, template, window, magnitude, size)


def _composes(faults: list[DrawnFault]) -> bool:
    """True when the rows can stand together; kinds that exclude each other are drawn again."""
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
    draws = [die(seed, STREAM_SHUFFLE, number * 2**32 + index) for index in range(runs)]
    return np.argsort(np.array(draws), kind="stable").astype(np.int64)


def _told(spec: Spec, index: int, faults: tuple[DrawnFault, ...]) -> str:
    kinds = " and ".join(f.template.label.replace("_", " ") for f in faults) or "no fault"
    return f"Run {index} of campaign {spec.name}: {kinds}."
