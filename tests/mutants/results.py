"""The last results, as they are kept beside the table."""

import tomllib
from pathlib import Path
from typing import Any

RESULT = Path(__file__).with_name("result.toml")
HEAD = "# Written by `python -m tests.mutants`; tests/test_mutants.py says when it is stale.\n\n"


def results() -> dict[str, Any]:
    """Outcome and key of every mutant judged so far, by name; nothing before the first run."""
    return tomllib.loads(RESULT.read_text(encoding="utf-8")) if RESULT.exists() else {}
