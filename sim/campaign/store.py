"""The folder of a campaign, written so that an interrupt at any time loses no finished row.

    campaign.json       manifest: a campaign can be resumed only with the same one
    journal.jsonl       the newest rows, each written as soon as it is finished
    rows/part-*.parquet older rows, in parts
    rows.parquet        all rows by index, once the campaign is complete
    failures/*.toml     each run that did not land, as a scenario of its own
    summary.json        the figures; coverage.json has the cells that no run has visited

An interrupt may leave a row both in a part and in the journal; it is read once.
"""

import hashlib
import importlib.util
import json
from pathlib import Path
from typing import Any

import tomli_w

from fsw.framework.kernel_cache import kernels_hash
from sim.campaign.executors import Row
from sim.campaign.sampling import Plan
from sim.campaign.spec import LATIN_HYPERCUBE
from sim.common.errors import InputError
from sim.run.survivability import LANDED
from sim.scenario.load import assemble

# rows written into one part
PART_ROWS = 256
MANIFEST, JOURNAL, WHOLE = "campaign.json", "journal.jsonl", "rows.parquet"
PARTS, FAILURES = "rows", "failures"

# columns of text
WORDS = (
    "params",
    "block",
    "drawn_from",
    "kind",
    "window",
    "faults",
    "magnitude_key",
    "onset_phase",
    "verdict",
    "state_sha256",
    "how",
    "why",
    "loss",
)


class Store:
    """The folder of one campaign. `rows` has every row so far, by index."""

    def __init__(self, folder: str | Path, plan: Plan, resume: bool) -> None:
        """Begin a campaign, or resume it. Raises InputError."""
        require_pyarrow("--out")
        self.folder = Path(folder)
        self._plan = plan
        try:
            self._open(resume)
            self._fresh = _journal(self.folder)
            self.rows = read_rows(self.folder)
        except OSError as error:
            reason = (error.strerror or "cannot be written").lower()
            raise InputError(f"--out {self.folder}: {reason}") from error

    def _open(self, resume: bool) -> None:
        path, ours = self.folder / MANIFEST, _manifest(self._plan)
        (self.folder / FAILURES).mkdir(parents=True, exist_ok=True)
        (self.folder / PARTS).mkdir(exist_ok=True)
        if path.exists():
            if not resume:
                raise InputError(f"--out {self.folder}: holds a campaign; --resume continues it")
            _refuse_another(json.loads(path.read_text(encoding="utf-8")), ours, self.folder)
        path.write_text(json.dumps(ours, indent=2) + "\n", encoding="utf-8")

    def keep(self, row: Row) -> None:
        """Write a row, and the scenario of a run that did not land."""
        with (self.folder / JOURNAL).open("a", encoding="utf-8") as journal:
            journal.write("\n" + json.dumps(row))  # a line that was cut off ends here
        self.rows[row["index"]] = self._fresh[row["index"]] = row
        if row["verdict"] != LANDED:
            write_failure(failure_path(self.folder, row["index"]), self._plan, row)
        if len(self._fresh) >= PART_ROWS:
            self._write_part()

    def close(self) -> None:
        """Write the rows into one file when the campaign is complete, else into parts."""
        self._write_part()
        if len(self.rows) < self._plan.runs:
            return
        _write_table(self.folder / WHOLE, [self.rows[i] for i in sorted(self.rows)], self._plan)
        for part in (self.folder / PARTS).glob("*.parquet"):
            part.unlink()
        (self.folder / JOURNAL).unlink(missing_ok=True)

    def failures(self) -> list[str]:
        """The scenario files of the runs that did not land, by index."""
        lost = sorted(index for index, row in self.rows.items() if row["verdict"] != LANDED)
        return [str(failure_path(self.folder, index)) for index in lost]

    def write(self, name: str, figures: dict[str, Any]) -> None:
        """Write a JSON file into the folder."""
        (self.folder / name).write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")

    def _write_part(self) -> None:
        if not self._fresh:
            return
        rows = [self._fresh[index] for index in sorted(self._fresh)]
        numbers = [int(p.stem.partition("-")[2]) for p in (self.folder / PARTS).glob("part-*")]
        name = f"part-{max(numbers, default=-1) + 1:05d}.parquet"
        _write_table(self.folder / PARTS / name, rows, self._plan)
        self._fresh.clear()
        (self.folder / JOURNAL).write_text("")


def require_pyarrow(what: str) -> None:
    """Raise InputError when `what` needs pyarrow and it is not installed."""
    if importlib.util.find_spec("pyarrow") is None:
        raise InputError(f"{what}: needs pyarrow: pip install 'leadline[campaign]'")


def read_rows(folder: Path) -> dict[int, Row]:
    """Every row in a folder, by index, of a complete or interrupted campaign."""
    import pyarrow.parquet

    rows: dict[int, Row] = {}
    for path in (folder / WHOLE, *sorted((folder / PARTS).glob("part-*.parquet"))):
        if path.exists():
            rows |= {row["index"]: row for row in pyarrow.parquet.read_table(path).to_pylist()}
    return rows | _journal(folder)


def read_campaign(folder: str | Path) -> tuple[dict[str, Any], list[Row]]:
    """Manifest and rows, by index, of a campaign's folder. Raises InputError."""
    require_pyarrow(str(folder))
    path = Path(folder) / MANIFEST
    if not path.exists():
        raise InputError(f"{folder}: not the folder of a campaign: there is no {MANIFEST}")
    rows = read_rows(Path(folder))
    manifest = json.loads(path.read_text(encoding="utf-8"))
    return manifest, [rows[index] for index in sorted(rows)]


def failure_path(folder: Path, index: int) -> Path:
    """Path of the scenario of a run that did not land."""
    return folder / FAILURES / f"run-{index:06d}.toml"


def write_failure(path: Path, plan: Plan, row: Row) -> None:
    """Write a run as a scenario of its own, which names its seed and its preset."""
    document = plan.draw(row["index"]).document
    verdict = row["verdict"].replace("_", " ")
    loss = f"lost by {row['loss']}" if row["survivable"] else f"not survivable: {row['why']}"
    document["doc"] = f"{document['doc']} {verdict.capitalize()}; {loss}."
    path.write_text(tomli_w.dumps(document), encoding="utf-8")


def _manifest(plan: Plan) -> dict[str, Any]:
    base = assemble(plan.spec.document, "", overrides=plan.overrides, params=plan.params)
    figures = hashlib.sha256(base.world.tobytes() + base.params.tobytes()).hexdigest()
    return {
        "campaign": plan.spec.name,
        "scenario": plan.spec.scenario,
        "spec": repr(plan.spec),
        "runs": plan.runs,
        "seed": plan.seed,
        "set": [list(pair) for pair in plan.overrides],
        "params": plan.params,
        "figures": figures,
        "kernels": kernels_hash("sim.campaign.runner"),
    }


def _refuse_another(theirs: dict[str, Any], ours: dict[str, Any], folder: Path) -> None:
    """Raise InputError when two manifests differ; more runs may be added if independent."""
    for key, difference in (
        ("spec", "another spec"),
        ("seed", "another --seed"),
        ("set", "another --set"),
        ("params", "other --params"),
        ("figures", "other figures of vehicle or parameters"),
        ("kernels", "another version of the code"),
        ("runs", "another -n, which a Latin hypercube depends on"),
    ):
        if key == "runs" and f"sampling='{LATIN_HYPERCUBE}'" not in ours["spec"]:
            continue
        if theirs.get(key) != ours[key]:
            raise InputError(f"--resume {folder}: was begun with {difference}")


def _journal(folder: Path) -> dict[int, Row]:
    """Rows of the journal; a line that was cut off is no row."""
    path = folder / JOURNAL
    rows: dict[int, Row] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            continue
        rows[row["index"]] = row
    return rows


def _write_table(path: Path, rows: list[Row], plan: Plan) -> None:
    """Write rows as Parquet, whole or not at all."""
    import pyarrow as pa
    import pyarrow.parquet

    varied = {f"vary.{key}": by.extremes[0] for key, by in plan.spec.columns}
    schema = pa.schema([(name, _type(pa, name, varied)) for name in rows[0]])
    unfinished = path.with_suffix(".tmp")
    pyarrow.parquet.write_table(pa.Table.from_pylist(rows, schema), unfinished)
    unfinished.replace(path)


def _type(pa: Any, name: str, varied: dict[str, Any]) -> Any:
    if name in ("index", "seed"):
        return pa.int64()
    if name == "survivable":
        return pa.bool_()
    if name in WORDS:
        return pa.string()
    if name not in varied:
        return pa.float64()
    example = varied[name]
    plain = {bool: pa.bool_(), int: pa.int64(), str: pa.string()}
    return plain.get(type(example), pa.float64())
