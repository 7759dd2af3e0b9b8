"""`leadline replay`: recompute a log and report where it differs."""

from dataclasses import asdict
from typing import Any

from hil.log.replay import ReplayReport, replay
from tools.output.console import console, emit


def replay_log(path: str, as_json: bool) -> int:
    """Replay, report, and return the exit status: 0 when nothing differs."""
    report = replay(path)
    for line in report.lines():
        console(as_json).print(line, markup=False)
    if as_json:
        emit(_figures(report))
    return 0 if report.same else 1


def _figures(report: ReplayReport) -> dict[str, Any]:
    first = report.first and {**asdict(report.first), "text": str(report.first)}
    return {
        "log": report.path,
        "same": report.same,
        "ticks": report.ticks,
        "differences": report.differences,
        "first": first,
        "faults": report.faults,
        "notes": report.notes,
    }
