"""Named distributions of campaign values, drawn by quantile.

A draw is a function of one number u in [0, 1), so that the same distribution serves independent
draws and a Latin hypercube. Numbers are rounded to six digits: the value drawn is the one written
in a scenario file, to the last bit.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from sim.common.errors import InputError
from sim.common.rounding import six_digits
from sim.common.toml_records import nearest

NAMES = ("uniform", "log_uniform", "normal", "integers", "choice")

# least distance of u from 0 and 1 for a normal distribution: 4.3 standard deviations
TAIL = 1e-5


@dataclass(frozen=True)
class Distribution:
    """A distribution by name: its two ends (mean and standard deviation if normal) or choices."""

    name: str
    values: tuple[Any, ...]

    def draw(self, u: float) -> Any:
        """The value at quantile u in [0, 1)."""
        if self.name == "choice":
            return self.values[min(int(u * len(self.values)), len(self.values) - 1)]
        first, second = self.values
        if self.name == "integers":
            return min(int(first + u * (second - first + 1)), second)
        if self.name == "normal":
            u = min(max(u, TAIL), 1.0 - TAIL)
            return six_digits(NormalDist(first, second).inv_cdf(u)) if second > 0 else first
        if self.name == "log_uniform":
            value = first * math.exp(u * math.log(second / first))
        else:
            value = first + u * (second - first)
        return min(max(six_digits(value), first), second)

    @property
    def extremes(self) -> tuple[Any, ...]:
        """Values between which, or among which, every draw lies."""
        if self.name == "choice":
            return self.values
        return self.draw(0.0), self.draw(1.0)


@dataclass(frozen=True)
class Fixed:
    """A value that is not varied."""

    value: Any

    def draw(self, u: float) -> Any:
        """The value."""
        return self.value

    @property
    def extremes(self) -> tuple[Any, ...]:
        """The value, alone."""
        return (self.value,)


Varied = Distribution | Fixed


def varied(value: Any, spot: str) -> Varied:
    """`{ uniform = [0, 1] }` as a distribution, anything else as a fixed value."""
    if not isinstance(value, Mapping):
        return Fixed(value)
    return distribution(value, spot)


def distribution(value: Any, spot: str) -> Distribution:
    """`{ uniform = [0, 1] }` as a distribution. Raises InputError, one line that begins at spot."""
    if not isinstance(value, Mapping) or len(value) != 1:
        raise InputError(f"{spot}: expected one distribution, such as {{ uniform = [0, 1] }}")
    ((name, values),) = value.items()
    if name not in NAMES:
        hint = nearest(name, NAMES) or f"; there are {', '.join(NAMES)}"
        raise InputError(f"{spot}: unknown distribution '{name}'{hint}")
    if not isinstance(values, list) or not values:
        raise InputError(f"{spot}.{name}: expected a list")
    if name != "choice":
        _check_ends(name, values, f"{spot}.{name}")
    return Distribution(name, tuple(values))


def _check_ends(name: str, values: list[Any], spot: str) -> None:
    legal = int if name == "integers" else (int, float)
    noun = "integers" if name == "integers" else "numbers"
    good = all(isinstance(v, legal) and not isinstance(v, bool) for v in values)
    if len(values) != 2 or not good or not all(math.isfinite(v) for v in values):
        raise InputError(f"{spot}: expected two {noun}")
    first, second = values
    if name == "normal":
        if second < 0:
            raise InputError(f"{spot}: expected a standard deviation not below 0, not {second:g}")
    elif first > second:
        raise InputError(f"{spot}: expected the lower end first, not {first:g}, {second:g}")
    elif name == "log_uniform" and first <= 0:
        raise InputError(f"{spot}: expected a lower end above 0, not {first:g}")
