"""Spans of fault magnitudes: from the harmless value to either end of the range.

A span is divided into whole steps: step 0 is harmless, the last step is an end of the range to the
bit, and in between the distance from harmless grows by ratios, so that a delay of 20 ms is drawn
as often as one of 20 s. Whole steps shrink well: a search that prefers small ones ends at the
least magnitude with the effect that it looks for.

Most magnitudes are harmless at zero and grow. A factor is harmless at one. A limit (at which an
axis clips, at which a clock wraps) is harmless at its greatest and has more effect as it falls.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sim.common.rounding import six_digits
from sim.faults.table import FAULT, KINDS

STEPS = 1000


@dataclass(frozen=True)
class Span:
    """One magnitude: harmless value, ends of its range, least distance from harmless of interest.

    `falls` marks a limit, harmless at `hi`, whose ratios count from the other end; `whole` a
    magnitude that is an integer.
    """

    harmless: float
    lo: float
    hi: float
    grain: float
    falls: bool = False
    whole: bool = False

    @property
    def ends(self) -> tuple[float, ...]:
        """The ends that are not harmless, the upper one first."""
        return tuple(end for end in (self.hi, self.lo) if end != self.harmless)

    def at(self, step: int, end: float) -> float:
        """The value `step` steps out of STEPS from harmless towards an end."""
        if step <= 0:
            value = self.harmless
        elif step >= STEPS:
            value = end
        elif self.falls:
            value = self.harmless * (self.grain / self.harmless) ** (step / STEPS)
        else:
            reach = abs(end - self.harmless)
            grain = min(self.grain, reach)
            distance = grain * (reach / grain) ** ((step - 1) / (STEPS - 1))
            value = self.harmless + (distance if end > self.harmless else -distance)
        value = min(max(six_digits(value), self.lo), self.hi)
        return round(value) if self.whole else value

    def weaker(self, value: float, share: float) -> float:
        """The value at a share of its distance from harmless; a limit is divided by the share."""
        if self.falls:
            weak = min(value / share, self.hi) if value > 0.0 else self.grain
        else:
            weak = self.harmless + share * (value - self.harmless)
        weak = six_digits(weak)
        return int(weak) if self.whole else weak

    def within(self, lo: float, hi: float) -> "Span":
        """The span between narrower ends; the harmless value moves to the nearest of them."""
        return replace(self, lo=lo, hi=hi, harmless=min(max(self.harmless, lo), hi))


@dataclass(frozen=True)
class Bounds:
    """Narrower bounds of a kind: ends of its magnitudes, and limits of its windows.

    With `below_m` a window begins below that height, with `longest_s` it is no longer than that;
    with both, one of the two holds; with neither, a window is unlimited. With `above_m` a window
    that is open from the start ends above that height. No time span begins before `after_s`.
    """

    magnitudes: Mapping[str, tuple[float, float]]
    below_m: float | None = None
    above_m: float | None = None
    longest_s: float | None = None
    after_s: float = 0.0


# magnitudes that have more effect as they grow: (harmless value, grain); the record has the ends
GROWING = {
    "delay_s": (0.0, 0.01),
    "jitter_s": (0.0, 0.01),
    "lag_share": (0.0, 1e-3),
    "period_s": (0.0, 0.01),
    "lost_share": (0.0, 0.01),
    "probability": (0.0, 0.01),
    "stamp_offset_s": (0.0, 0.01),
    "jump_s": (0.0, 0.01),
    "drift": (0.0, 1e-5),
    "offset_m": (0.0, 1.0),
    "ramp_mps": (0.0, 0.1),
    "scale": (1.0, 0.01),
    "sigma_m": (0.0, 0.1),
    "sigma_share": (0.0, 1e-3),
    "value_m": (-1.0, 1.0),
    "loss_db": (0.0, 0.1),
    "accel_offset_mps2": (0.0, 1e-4),
    "rate_offset_radps": (0.0, 1e-6),
    "hold_s": (0.0, 0.01),
    "pulse_s": (0.0, 0.01),
    "torque_Nm": (0.0, 0.1),
    "throttle": (-1.0, 0.05),
    "lag_s": (0.0, 0.01),
    "outage_s": (0.0, 0.01),
    "ticks": (0, 1),
    "count": (0, 1),
}

# limits, harmless at their upper end: grain
FALLING = {"wrap_s": 0.1, "accel_max_mps2": 0.01, "rate_max_radps": 1e-4}


def _spans() -> dict[str, Span]:
    spans = {}
    for name, (harmless, grain) in GROWING.items():
        field = FAULT.fields[name]
        spans[name] = Span(harmless, field.lo, field.hi, grain, whole=field.type == "i64")
    for name, grain in FALLING.items():
        field = FAULT.fields[name]
        spans[name] = Span(field.hi, field.lo, field.hi, grain, falls=True)
    return spans


SPANS: Mapping[str, Span] = _spans()

# how often a fault acts, and its period: a row's size only where it has no other magnitude
RATES = ("probability", "period_s")


def main_magnitude(kind: str, given: Mapping[str, object]) -> str | None:
    """The magnitude that is a row's size, of those that it gives; None for a row without any."""
    names = [name for name in KINDS[kind].magnitudes if name in SPANS and name in given]
    plain = [name for name in names if name not in RATES]
    return next(iter([*plain, *reversed(names)]), None)
