"""What all tests share: kernels are compiled once, before tests are spread over processes."""

import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.database import DirectoryBasedExampleDatabase

pytest_plugins = ["tests.fault_coverage"]

# the same examples on every machine; the first one of a run may wait for the compiler
settings.register_profile("ci", derandomize=True, deadline=None, database=None)
# other ones in every run, and what has failed before is tried first: `make hunt`
settings.register_profile(
    "hunt",
    deadline=None,
    max_examples=1000,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
    database=DirectoryBasedExampleDatabase(".hypothesis/examples"),
)
settings.load_profile("ci")


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session):
    """Fly once in a process of its own when workers follow, so that none of them compiles."""
    config = session.config
    if hasattr(config, "workerinput") or not getattr(config.option, "numprocesses", None):
        return
    subprocess.run(
        [sys.executable, "-m", "tools.cli.main", "fly", "--json"],
        check=False,
        stdout=subprocess.DEVNULL,
    )


def pytest_terminal_summary(terminalreporter):
    """Say how many tests were skipped, and why, one line for each reason."""
    skipped = terminalreporter.stats.get("skipped", [])
    for why, count in Counter(report.longrepr[2] for report in skipped).items():
        terminalreporter.write_line(f"{count} tests skipped: {why.removeprefix('Skipped: ')}")
