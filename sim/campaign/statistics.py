"""Statistics of a campaign's rows: landed of survivable, with its interval, by block and kind.

Only the verdict `landed` counts as landed. Every run that the survivability bound does not exclude
counts as survivable, so an open case counts against the flight software.
"""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from sim.campaign.executors import Row
from sim.campaign.runner import RANGE
from sim.evaluation.verdict import RunVerdict
from sim.run.survivability import LANDED, LOSSES

# two-sided quantile of 95 %
Z_95 = 1.959963984540054


@dataclass(frozen=True)
class Tally:
    """Counts of some rows. `share_landed_of_survivable` is NaN where nothing was survivable."""

    n: int
    verdicts: dict[str, int]
    survivable: int
    landed_of_survivable: int
    share_landed_of_survivable: float
    interval_95: tuple[float, float]
    losses: dict[str, int]
    open: int


def tally(rows: Iterable[Row]) -> Tally:
    """The tally of some rows."""
    rows = list(rows)
    verdicts = Counter(row["verdict"] for row in rows)
    survivable = [row for row in rows if row["survivable"]]
    landed = sum(row["verdict"] == LANDED for row in survivable)
    lost = Counter(row["loss"] for row in survivable if row["verdict"] != LANDED)
    return Tally(
        n=len(rows),
        verdicts={name: verdicts[name] for name in RunVerdict.labels() if verdicts[name]},
        survivable=len(survivable),
        landed_of_survivable=landed,
        share_landed_of_survivable=landed / len(survivable) if survivable else math.nan,
        interval_95=wilson(landed, len(survivable)),
        losses={name: lost[name] for name in LOSSES},
        open=sum(row["how"] == "open" for row in rows),
    )


def wilson(successes: int, trials: int, z: float = Z_95) -> tuple[float, float]:
    """Wilson's score interval for a share (Wilson 1927); (0, 1) without trials."""
    if trials == 0:
        return 0.0, 1.0
    share = successes / trials
    spread = z * z / trials
    centre = share + 0.5 * spread
    half = z * math.sqrt(share * (1.0 - share) / trials + 0.25 * spread / trials)
    low = 0.0 if successes == 0 else (centre - half) / (1.0 + spread)
    high = 1.0 if successes == trials else (centre + half) / (1.0 + spread)
    return low, high


def tally_by(rows: Iterable[Row], key: str) -> dict[str, Tally]:
    """A tally for each value of a column, by name."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row[key], []).append(row)
    return {name: tally(groups[name]) for name in sorted(groups)}


def tally_by_kind(rows: Iterable[Row]) -> dict[str, Tally]:
    """A tally for each kind of fault, of the runs with this fault alone."""
    return tally_by((row for row in rows if "+" not in row["kind"]), "kind")


def tally_by_block(rows: Iterable[Row]) -> dict[str, Tally]:
    """A tally for each block of the report."""
    return tally_by(rows, "block")


def summary(rows: list[Row]) -> dict[str, Any]:
    """All tallies as plain data, with the range block's figures at the top level too."""
    whole, blocks = tally(rows), tally_by_block(rows)
    headline = asdict(blocks.get(RANGE, tally([])))
    top = ("survivable", "landed_of_survivable", "share_landed_of_survivable", "interval_95")
    return {
        "n": whole.n,
        "verdicts": whole.verdicts,
        **{key: headline[key] for key in top},
        "all": asdict(whole),
        "blocks": {name: asdict(t) for name, t in blocks.items()},
        "kinds": {name: asdict(t) for name, t in tally_by_kind(rows).items()},
        "open": [row["index"] for row in rows if row["how"] == "open"],
        "flight_s": sum(row["time_s"] for row in rows),
    }
