"""Output of the command line: results to standard output, all else to standard error."""

import json
import math
import sys
from typing import Any

from rich.console import Console

PIPE_WIDTH = 160  # a pipe has no width of its own, and 80 columns would cut lines in a file


def console(as_json: bool) -> Console:
    """A console for text: on standard error when standard output is one JSON object."""
    stream = sys.stderr if as_json else sys.stdout
    width = None if stream.isatty() else PIPE_WIDTH
    return Console(file=stream, width=width, highlight=False, soft_wrap=True)


def emit(result: dict[str, Any]) -> None:
    """One JSON object on standard output; a number that is not finite becomes null."""
    json.dump(_finite(result), sys.stdout, allow_nan=False, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")
    sys.stdout.flush()


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
