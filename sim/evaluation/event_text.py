"""Events in words: the wording of the event table, with its two figures filled in."""

import string
from typing import Any

from fsw.interface.events import EVENT_TABLE, NOTICE
from fsw.interface.messages import ACK_NAMES, COMMAND_NAMES
from fsw.interface.modes import MODE_NAMES
from sim.faults.injection_events import FIRST_CODE, INJECTION_TABLE
from sim.faults.table import FAULT_KINDS

CODE_LISTS = {
    "mode": MODE_NAMES,
    "command": COMMAND_NAMES,
    "ack": ACK_NAMES,
    "fault": FAULT_KINDS,
}


class _Wording(string.Formatter):
    """`{a:mode}` is the name of mode number a; any other format is Python's own."""

    def format_field(self, value: Any, format_spec: str) -> str:
        names = CODE_LISTS.get(format_spec)
        if names is None:
            return format(value, format_spec)
        number = int(value)
        return names[number] if 0 <= number < len(names) else str(number)


_WORDING = _Wording()


def _row(code: int) -> tuple[str, int, str] | None:
    """The row of the event table, or of the bench's; None when a newer sender knows more."""
    if FIRST_CODE <= code < FIRST_CODE + len(INJECTION_TABLE):
        return INJECTION_TABLE[code - FIRST_CODE]
    return EVENT_TABLE[code] if 0 <= code < len(EVENT_TABLE) else None


def event_name(code: int) -> str:
    """Name of an event, or its number where there is none."""
    row = _row(code)
    return row[0] if row else f"event_{code}"


def event_severity(code: int) -> int:
    """Severity of an event."""
    row = _row(code)
    return row[1] if row else NOTICE


def event_detail(code: int, a: float, b: float) -> str:
    """What happened, in words and figures."""
    row = _row(code)
    return _WORDING.format(row[2], a=a, b=b) if row else f"{a:g}, {b:g}"
