"""A counterexample: a failing fault as a scenario of its own, and as one sentence."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from sim.evaluation.requirements import REQUIREMENTS, broken
from sim.faults.magnitudes import SPANS
from sim.faults.table import KINDS
from sim.run.fly import Result, fly
from sim.search.driver import Hunt, is_failure
from sim.search.minimize import weaker_case
from sim.search.strategies import Case


@dataclass(frozen=True)
class Counterexample:
    """A failing case, its result, its scenario document, and its description in one sentence.

    `weaker` is the row of faults a fifth weaker, which lands; None for several faults, and for one
    without a size.
    """

    case: Case
    result: Result
    weaker: dict[str, Any] | None
    sentence: str
    document: dict[str, Any]

    def write(self, folder: Path) -> Path:
        """Write the scenario to a new file in a folder; returns its path."""
        number = 1
        while (path := folder / f"{self.document['name']}-{number}.toml").exists():
            number += 1
        path.write_text(tomli_w.dumps(self.document), encoding="utf-8")
        return path


def counterexample_of(hunt: Hunt, failure: Mapping[str, Any]) -> Counterexample:
    """The counterexample of a round's failure, flown once more from the start."""
    case = Case(failure["seed"], failure["faults"], failure["start"])
    result = fly(case.scenario(hunt.document, hunt.preset), case.seed)
    weaker = weaker_case(case, 0) if len(case.faults) == 1 else None
    if weaker is not None:
        again = fly(weaker.scenario(hunt.document, hunt.preset), case.seed)
        weaker = None if is_failure(again) else weaker
    faults = " and ".join(row_words(row) for row in case.faults)
    saved = f"; {_change(case.faults[0], weaker.faults[0])} it lands" if weaker else ""
    sentence = f"With parameters {hunt.preset}, {faults}: {outcome_words(result)}{saved}."
    kinds = "-".join(row["kind"] for row in case.faults)
    document = {
        **case.document(hunt.document),
        "name": f"{hunt.document['name']}-{kinds}",
        "doc": sentence,
        "run": {"seed": case.seed, "params": hunt.preset},
    }
    return Counterexample(case, result, weaker.faults[0] if weaker else None, sentence, document)


def row_words(row: Mapping[str, Any]) -> str:
    """Text of a row of faults: kind, description, magnitudes, window."""
    sizes = [f"{key} = {row[key]:g}" for key in row if key in SPANS]
    sensor = f" of {row['sensor']}" if "sensor" in row else ""
    much = f", {', '.join(sizes)}" if sizes else ""
    kind = row["kind"].replace("_", " ")
    return f"{kind}{sensor} ({KINDS[row['kind']].doc}){much} {window_words(row)}"


def window_words(row: Mapping[str, Any]) -> str:
    """Text of a row's window."""
    start, end = row.get("start_s"), row.get("end_s")
    top, bottom = row.get("from_altitude_m"), row.get("until_altitude_m")
    words = []
    if start is not None and end is not None:
        words.append(f"for {end - start:.3g} s from {start:g} s on")
    elif start is not None or end is not None:
        words.append(f"from {start:g} s on" if start is not None else f"until {end:g} s")
    if top is not None:
        words.append(f"below {top:g} m")
    if bottom is not None:
        words.append(f"above {bottom:g} m")
    if "mode" in row:
        words.append(f"in {row['mode']}")
    return " ".join(words) or "throughout"


def outcome_words(result: Result) -> str:
    """Text of a run's outcome: verdict and touchdown, or the requirements violated."""
    verdict = result.verdict.replace("_", " ")
    if result.verdict == "landed":
        docs = {each.name: each.doc for each in REQUIREMENTS}
        return f"landed, but violated: {', '.join(docs[name] for name in broken(result.margins))}"
    touchdown = result.touchdown
    if touchdown is None:
        return verdict
    return (
        f"{verdict}, {touchdown.v_down_mps:.1f} m/s down "
        f"and {touchdown.v_horizontal_mps:.1f} m/s across"
    )


def _change(row: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """Text of the differences of another row of the same fault."""
    changed = [f"{key} = {other[key]:g}" for key in other if other[key] != row.get(key)]
    return f"with {', '.join(changed)}"
