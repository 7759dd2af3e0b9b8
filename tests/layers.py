"""The sub-packages of the rooms, lowest first: each may import only what stands before it.

`python -m tests.layers` prints the table that README.md shows.
"""

from pathlib import Path

LAYERS = (
    "fsw.framework",
    "fsw.mathlib",
    "fsw.interface",
    "fsw.models",
    "fsw.filter",
    "fsw.intake",
    "fsw.navigation",
    "fsw.guidance",
    "fsw.control",
    "fsw.executive",
    "sim.common",
    "sim.faults",
    "sim.sensors",
    "sim.plant",
    "sim.evaluation",
    "sim.scenario",
    "sim.run",
    "sim.campaign",
    "sim.search",
    "hil.platform",
    "hil.wire",
    "hil.log",
    "hil.protocol",
    "hil.boards",
    "hil.ends",
    "hil.bench",
    "tools.output",
    "tools.plots",
    "tools.benchmarks",
    "tools.cli",
)


def table() -> str:
    """The sub-packages and what they are for, from their docstrings, as a Markdown table."""
    rows = ["| folder | what is in it |", "|---|---|"]
    for layer in LAYERS:
        folder = layer.replace(".", "/")
        doc = Path(folder, "__init__.py").read_text(encoding="utf-8").strip().strip('"')
        rows.append(f"| `{folder}/` | {doc} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(table())
