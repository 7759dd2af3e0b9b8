"""Minimisation of a failing case.

Hypothesis shrinks the draws of a case; this continues where draws are too coarse. A fault without
which the case fails too is removed; one without a size is given a window that has one; windows
begin later and magnitudes become weaker, by fifths, as long as the case fails. So with four fifths
of the last fault's size the vehicle lands.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sim.common.rounding import six_digits
from sim.faults.magnitudes import SPANS, main_magnitude
from sim.search.strategies import Case

# size of a fault after one step of weakening
WEAKER = 0.8
Fails = Callable[[Case], bool]


def least(case: Case, fails: Fails, onset_s: float, end_s: float) -> Case:
    """The smallest case found that still fails; onset_s and end_s bound a window of no bounds."""
    case = timed(without_idle(case, fails), fails, onset_s, end_s)
    return weakened(later(case, fails), fails)


def without_idle(case: Case, fails: Fails) -> Case:
    """A failing case without the faults that it fails without."""
    for row in list(case.faults):
        fewer = replace(case, faults=[each for each in case.faults if each is not row])
        if fewer.faults and fails(fewer):
            case = fewer
    return case


def timed(case: Case, fails: Fails, start_s: float, end_s: float) -> Case:
    """A failing case whose faults without a size are open for a time span, where it fails so."""
    for number, row in enumerate(case.faults):
        if weaker_row(row) is None:
            spell = {"start_s": six_digits(start_s), "end_s": six_digits(end_s)}
            kept = {key: value for key, value in row.items() if key != "mode"}
            other = with_row(case, number, {**kept, **spell})
            case = other if fails(other) else case
    return case


def later(case: Case, fails: Fails) -> Case:
    """A failing case in which every time span begins as late as it can, by fifths."""
    for number, row in enumerate(case.faults):
        while "start_s" in row and "end_s" in row:
            start_s = row["end_s"] - WEAKER * (row["end_s"] - row["start_s"])
            other = {**row, "start_s": six_digits(start_s)}
            if other == row or not fails(with_row(case, number, other)):
                break
            case, row = with_row(case, number, other), other
    return case


def weakened(case: Case, fails: Fails) -> Case:
    """A failing case whose faults are as weak as they can be, by fifths, one after the other."""
    for number in range(len(case.faults)):
        while True:
            weaker = weaker_case(case, number)
            if weaker is None or weaker == case or not fails(weaker):
                break
            case = weaker
    return case


def weaker_case(case: Case, number: int) -> Case | None:
    """The case with one of its faults a fifth weaker; None for a fault without a size."""
    row = weaker_row(case.faults[number])
    return None if row is None else with_row(case, number, row)


def with_row(case: Case, number: int, row: Mapping[str, Any]) -> Case:
    """The case with another row in the place of one."""
    faults = [dict(row) if i == number else each for i, each in enumerate(case.faults)]
    return replace(case, faults=faults)


def weaker_row(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """A row a fifth weaker in its size, or in its window where it has none; None without both."""
    name = main_magnitude(row["kind"], row)
    if name is not None:
        return {**row, name: SPANS[name].weaker(row[name], WEAKER)}
    if "end_s" in row:
        start_s = row.get("start_s", 0.0)
        return {**row, "end_s": six_digits(start_s + WEAKER * (row["end_s"] - start_s))}
    if "until_altitude_m" in row and "from_altitude_m" in row:
        top_m, until_m = row["from_altitude_m"], row["until_altitude_m"]
        return {**row, "until_altitude_m": six_digits(top_m - WEAKER * (top_m - until_m))}
    if "from_altitude_m" in row:
        return {**row, "from_altitude_m": six_digits(WEAKER * row["from_altitude_m"])}
    if "until_altitude_m" in row:
        return {**row, "until_altitude_m": six_digits(row["until_altitude_m"] / WEAKER)}
    return None
