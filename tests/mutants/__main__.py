"""Judge the mutants and keep what was found: see the package's own words."""

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from typing import Any

import tomli_w

from tests.mutants.judging import KILLED, SURVIVED, Outcome, judge, judge_in_place, key_of, warm
from tests.mutants.results import HEAD, RESULT, results
from tests.mutants.table import MUTANTS, Mutant


def main() -> int:
    """Judge what was asked for; 0 when every mutant of the table is dead."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("names", nargs="*", help="judge these only")
    parser.add_argument("--all", action="store_true", help="also those whose result is fresh")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time")
    asked = parser.parse_args()
    unknown = set(asked.names) - {mutant.name for mutant in MUTANTS}
    if unknown:
        parser.error(f"no mutant is called {sorted(unknown)[0]}")
    kept = results()
    waiting = [m for m in MUTANTS if _is_wanted(m, asked, kept)]
    if waiting:
        warm()
    with ThreadPoolExecutor(asked.jobs) as pool:
        futures = {pool.submit(_judged, mutant): mutant for mutant in waiting}
        for future in as_completed(futures):
            mutant, outcome = futures[future], future.result()
            kept[mutant.name] = {**asdict(outcome), "key": key_of(mutant)}
            _keep(kept)
            print(
                f"{mutant.name:36}{outcome.end:10}{outcome.wall_s:6.0f} s  {outcome.why}",
                flush=True,
            )
    alive = [m.name for m in MUTANTS if kept.get(m.name, {}).get("end") != KILLED]
    print(f"{len(MUTANTS) - len(alive)} of {len(MUTANTS)} mutants killed", *alive)
    return 1 if alive else 0


def _is_wanted(mutant: Mutant, asked: argparse.Namespace, kept: dict[str, Any]) -> bool:
    if asked.names:
        return mutant.name in asked.names
    fresh = kept.get(mutant.name, {})
    return asked.all or fresh.get("key") != key_of(mutant) or fresh.get("end") != KILLED


def _judged(mutant: Mutant) -> Outcome:
    """The mutant's end, when its test passes on the tree as it is."""
    sound = judge_in_place(mutant)
    if sound.end != SURVIVED:
        return Outcome("broken", sound.flown, f"fails unbroken: {sound.why}", sound.wall_s)
    return judge(mutant)


def _keep(kept: dict[str, Any]) -> None:
    """Write all results, in the order of the table."""
    rows = {mutant.name: kept[mutant.name] for mutant in MUTANTS if mutant.name in kept}
    RESULT.write_text(HEAD + tomli_w.dumps(rows), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
