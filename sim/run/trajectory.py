"""A flight as a table: truth and estimate ten times a second.

The table is a NumPy structured array with one row per sample: what is true under the names of the
TruthL record, what navigation estimates under `estimated_` and the names of the Estimate record,
then throttle, engine and flight mode. Vectors keep their components (`r_BL_L_m` has three);
`columns()` spreads them over one scalar column each.
"""

from typing import Any

import numpy as np

from fsw.framework.kernel import kernel
from fsw.framework.record import f64, record, u8
from fsw.interface.modes import Mode
from fsw.navigation.estimate import ESTIMATE
from sim.plant.truth_observer import observe_truth
from sim.plant.world import TRUTH_L
from sim.run.loop import as_rows

SAMPLE_TICKS = 10  # 10 Hz
FIRST_SAMPLES = 8192  # room for 800 s; doubled when it is full
NS_PER_S = 1e9

SAMPLE = record(
    "TrajectorySample",
    "One row of a flight's trajectory: truth, estimate, and what was commanded.",
    truth=TRUTH_L("the truth after the tick"),
    estimate=ESTIMATE("the estimate of the last tick that was flown"),
    throttle=f64("thrust commanded, as a share of full thrust"),
    engine_on=u8("1 while the engine shall burn"),
    mode=u8("flight mode", codes=Mode),
    spare=u8("zero", 6),
)

COMPONENTS = {3: "xyz", 4: "wxyz"}


@kernel
def take_sample(samples, runs):
    """Write the state of the run in an array of one into an array of one TrajectorySample."""
    sample, run = samples[0], runs[0]
    observe_truth(sample.truth, run.world)
    sample.estimate = run.state.core.estimate
    sample.throttle = float(run.outbox.actuators.throttle)
    sample.engine_on = int(run.outbox.actuators.engine_on)
    sample.mode = int(run.state.core.executive.mode)


class Trajectory(np.recarray):
    """A structured array of samples; a field is `trajectory["altitude_m"]` or an attribute."""

    def columns(self) -> dict[str, np.ndarray]:
        """One 1-D array per scalar: `r_BL_L_m` becomes `r_BL_L_m_x`, `_y`, `_z`, and so on.

        Quaternion components are `_w`, `_x`, `_y`, `_z`. pandas.DataFrame, polars.DataFrame and
        pyarrow.table take the mapping as it is.
        """
        return flat_columns(self)


class Sampler:
    """Samples a run that is flown in steps of at most SAMPLE_TICKS ticks."""

    def __init__(self, run: Any) -> None:
        self._rows = as_rows(run)
        self._ticks = self._rows["world"]["tick"]
        self._samples = np.zeros(FIRST_SAMPLES, SAMPLE.dtype)
        self._count = 0

    def after_ticks(self, last: bool) -> None:
        """Take a sample when one is due, or when the run is over."""
        if not last and self._ticks[0] % SAMPLE_TICKS:
            return
        if self._count == len(self._samples):
            self._samples = np.concatenate((self._samples, np.zeros_like(self._samples)))
        take_sample(self._samples[self._count : self._count + 1], self._rows)
        self._count += 1

    def trajectory(self) -> Trajectory:
        """What was sampled so far."""
        return trajectory_of(self._samples[: self._count])


def trajectory_of(samples: np.ndarray) -> Trajectory:
    """TrajectorySample records as a flat table with times in seconds and modes in words."""
    columns: dict[str, np.ndarray] = {}
    for table, prefix in (("truth", ""), ("estimate", "estimated_")):
        for name in samples[table].dtype.names or ():
            values = samples[table][name]
            if name.endswith("_ns"):
                name, values = name.removesuffix("_ns") + "_s", values / NS_PER_S
            columns[prefix + name] = values
    columns["throttle"] = samples["throttle"]
    columns["engine_on"] = samples["engine_on"].astype(np.bool_)
    labels = np.array(Mode.labels())
    columns["mode"] = labels[samples["mode"]]
    dtype = [(name, values.dtype, values.shape[1:]) for name, values in columns.items()]
    whole = np.zeros(len(samples), dtype).view(Trajectory)
    for name, values in columns.items():
        whole[name] = values
    return whole


def flat_columns(table: np.ndarray, prefix: str = "") -> dict[str, np.ndarray]:
    """The scalar columns of a structured array, nested records and vectors spread out.

    A component's name ends in `_x`, `_y`, `_z` (with `_w` first for four), else in its number.
    """
    columns: dict[str, np.ndarray] = {}
    plain = table.view(np.ndarray)
    for name in plain.dtype.names or ():
        columns |= _spread(plain[name], prefix + name)
    return columns


def _spread(values: np.ndarray, name: str) -> dict[str, np.ndarray]:
    if values.dtype.names:
        return flat_columns(values, f"{name}_") if values.ndim == 1 else _components(values, name)
    return {name: np.ascontiguousarray(values)} if values.ndim == 1 else _components(values, name)


def _components(values: np.ndarray, name: str) -> dict[str, np.ndarray]:
    count = values.shape[1]
    labels = COMPONENTS.get(count, "") or [str(k) for k in range(count)]
    columns: dict[str, np.ndarray] = {}
    for k, label in enumerate(labels):
        columns |= _spread(values[:, k], f"{name}_{label}")
    return columns
