"""The scenario guide, `sim/scenarios/README.md`, written from the records that read a scenario.

`python -m sim.scenario.scenario_guide` writes it; a test fails when it is stale.
"""

from collections.abc import Iterator

from fsw.executive.state import PARAMS
from fsw.framework.record import Field, Record
from sim.common.toml_records import UNITS, default_text, expected, settable, unit_of
from sim.evaluation.published_figures import FIGURES
from sim.evaluation.verdict import RunVerdict
from sim.plant.world import WORLD
from sim.scenario.fault_guide import fault_sections
from sim.scenario.layers import record_at
from sim.scenario.load import SCENARIOS, WORLD_TABLES

GUIDE = SCENARIOS / "README.md"

OPENING = """\
# Scenarios

A scenario is a TOML file. `leadline fly` takes its path, or the name of one in this folder;
`leadline scenarios` lists them. Reading is strict: an unknown key, a missing unit suffix, a wrong
type or a value out of range is refused in one line that names the key and what was expected.

```toml
name = "late-and-light"
doc = "One line on the scenario."

[vehicle]
class = "resilience_class"     # a file of sim/vehicles

[start]
propellant_kg = 350.0

[sensors.range]
max_m = 900.0

[expect]
verdict = "landed"
```

A key that a file omits keeps the default below. `--set start.propellant_kg=340` overrides a
key for one run, in TOML's own syntax.

`[vehicle]`, `[site]`, `[start]`, `[sensors.*]` set the truth. The flight software is loaded with
the site, the mass at the start and the cant of the rangefinder as the truth has them; its other
parameters stand under `[params.*]` and have figures of their own. Setting `[params.site]` apart
from `[site]` makes a datum error. `--params FILE` reads the tables of `[params.*]`, without
that prefix, from a file of their own; a scenario's `[params.*]` overrides it. `--params as-flown`
reads `sim/params/as-flown.toml` in the same way, and then the scenario's `[as_flown.*]`, which
overrides its `[params.*]` with that preset and has no effect with others.

`[run]` gives the `seed` (default 0) and the preset, `params`, of a scenario that was written for
one run; `--seed` and `--params` override it.

`[expect] verdict` is the expected verdict (default `landed`), one of
{verdicts}; `as_flown` beside it is that with the `as-flown` preset.

A scenario that is modelled on a flight has a table `[published]` of figures from accounts of it,
and `[inferred]` of figures derived from those; `leadline scenarios --history` compares them with
simulated ones. `v_192m_mps` and `vh_192m_mps` are the descent rate and the horizontal speed where
the clearance was 192 m for the first time, and so on for any height; the other figures are

{figures}

This page is generated from the records: `python -m sim.scenario.scenario_guide`.
"""


def guide() -> str:
    """The text of the scenario guide."""
    verdicts = ", ".join(f"`{name}`" for name in RunVerdict.labels())
    tables = [("vehicle", WORLD.fields["vehicle"].record)]
    tables += [(name, record_at(WORLD, place)) for name, place in WORLD_TABLES.items()]
    sections = _sections(tables) + fault_sections() + _sections([("params", PARAMS)])
    figures = "\n".join(f"- `{name}`: {figure.doc}" for name, figure in FIGURES.items())
    return "\n".join([OPENING.format(verdicts=verdicts, figures=figures), *sections])


def _sections(tables: list[tuple[str, Record | None]]) -> list[str]:
    return [
        _section(path, record)
        for name, outer in tables
        if outer is not None
        for path, record in _nested(name, outer)
    ]


def _nested(path: str, record: Record) -> Iterator[tuple[str, Record]]:
    """A record and those in it, outer ones first, with their dotted paths."""
    yield path, record
    for key, field in settable(record).items():
        if field.record is not None:
            yield from _nested(f"{path}.{key}", field.record)


def _section(path: str, record: Record) -> str:
    rows = [_row(key, field) for key, field in settable(record).items() if field.record is None]
    if not rows:
        return f"## `[{path}]`\n\n{record.doc}\n"
    head = ["| key | unit | takes | default | meaning |", "|---|---|---|---|---|"]
    return "\n".join([f"## `[{path}]`", "", record.doc, "", *head, *rows, ""])


def _row(key: str, field: Field) -> str:
    unit = UNITS.get(unit_of(key), "")
    cells = (f"`{key}`", unit, expected(field), default_text(field), field.doc)
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    GUIDE.write_text(guide(), encoding="utf-8")
