"""Facts about this process: its path and its processor."""

import os
from pathlib import Path


def own_cpu(first: bool) -> int | None:
    """A processor for each end, where there are two."""
    if not hasattr(os, "sched_getaffinity"):
        return None
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        return None
    return allowed[0] if first else allowed[-1]


def own_path() -> str:
    """Where this program was loaded from: its children shall be of the same source."""
    paths = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    return os.pathsep.join(path for path in paths if path)
