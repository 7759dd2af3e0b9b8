"""Latency from sample to actuator: sensed, sent, received, fused, commanded, applied.

The flight computer reports each tick by its own clock, with its map of the sensors' clock; here
its times are converted to the bench's clock, so that the whole path is on one. The bound of that
map is the uncertainty of the two hops that cross the line.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from hil.platform.pacer import percentiles_us

HOP_NAMES = (
    "sensed_sent",
    "sent_received",
    "received_fused",
    "fused_commanded",
    "commanded_applied",
    "sensed_applied",
)
KEPT = 1 << 17
SLOTS = 4096


@dataclass(frozen=True)
class Path:
    """One command's path from sample to actuator; all times on the flight clock [ns]."""

    sensed_ns: int
    sent_ns: int
    received_ns: int
    begun_ns: int
    fused_ns: int
    commanded_ns: int
    applied_ns: int

    def hops_ns(self) -> tuple[int, ...]:
        """One figure for each of HOP_NAMES."""
        return (
            self.sent_ns - self.sensed_ns,
            self.received_ns - self.sent_ns,
            self.fused_ns - self.received_ns,
            self.commanded_ns - self.fused_ns,
            self.applied_ns - self.commanded_ns,
            self.applied_ns - self.sensed_ns,
        )


class Hops:
    """Collects the paths of a session. The bench's times are by the sensors' clock."""

    def __init__(self) -> None:
        self._seqs = [-1] * SLOTS
        self._sensed_ns = [0] * SLOTS
        self._sent_ns = [0] * SLOTS
        self._figures = np.zeros((KEPT, len(HOP_NAMES)), np.int64)
        self._late_ns = np.zeros(KEPT, np.int64)
        self._bound_ns = np.zeros(KEPT, np.int64)
        self._paths = 0
        self._reports = 0

    def sent(self, imu_seq: int, sensed_ns: int, sent_ns: int) -> None:
        """An inertial sample was sent."""
        self._seqs[imu_seq % SLOTS] = imu_seq
        self._sensed_ns[imu_seq % SLOTS] = sensed_ns
        self._sent_ns[imu_seq % SLOTS] = sent_ns

    def applied(self, timing: Any, applied_ns: int) -> Path | None:
        """A reported tick's command took effect; the whole path when its sample is known."""
        self._late_ns[self._reports % KEPT] = timing.begun_ns - timing.t_ns
        self._bound_ns[self._reports % KEPT] = timing.bound_ns
        self._reports += 1
        slot = timing.imu_seq % SLOTS
        if not timing.has_imu or self._seqs[slot] != timing.imu_seq:
            return None
        path = Path(
            sensed_ns=self._sensed_ns[slot] - timing.offset_ns,
            sent_ns=self._sent_ns[slot] - timing.offset_ns,
            received_ns=timing.received_ns,
            begun_ns=timing.begun_ns,
            fused_ns=timing.fused_ns,
            commanded_ns=timing.commanded_ns,
            applied_ns=applied_ns - timing.offset_ns,
        )
        self._figures[self._paths % KEPT] = path.hops_ns()
        self._paths += 1
        return path

    def latency_us(self) -> dict[str, dict[str, float] | None]:
        """p50, p99 and max of each hop, and of the bound on the clock map behind them."""
        kept = self._figures[: min(self._paths, KEPT)]
        figures = {name: percentiles_us(kept[:, k]) for k, name in enumerate(HOP_NAMES)}
        bounds = self._bound_ns[: min(self._reports, KEPT)]
        return {**figures, "clock_bound": percentiles_us(bounds)}

    def lateness_us(self) -> dict[str, float] | None:
        """p50, p99 and max of how late the flight computer's ticks began."""
        return percentiles_us(self._late_ns[: min(self._reports, KEPT)])
