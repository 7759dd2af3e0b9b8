"""Events in words: the wording of the event table, with its two figures filled in."""

import string
from typing import Any

from fsw.events import EVENT_NAMES, EVENT_TABLE
from fsw.messages import ACK_NAMES, COMMAND_NAMES
from fsw.modes import MODE_NAMES

CODE_LISTS = {"mode": MODE_NAMES, "command": COMMAND_NAMES, "ack": ACK_NAMES}


class _Wording(string.Formatter):
    """`{a:mode}` is the name of mode number a; any other format is Python's own."""

    def format_field(self, value: Any, format_spec: str) -> str:
        names = CODE_LISTS.get(format_spec)
        if names is None:
            return format(value, format_spec)
        number = int(value)
        return names[number] if 0 <= number < len(names) else str(number)


_WORDING = _Wording()


def event_name(code: int) -> str:
    """Name of an event, or its number when a newer sender knows more of them."""
    return EVENT_NAMES[code] if 0 <= code < len(EVENT_NAMES) else f"event_{code}"


def event_detail(code: int, a: float, b: float) -> str:
    """What happened, in words and figures."""
    if not 0 <= code < len(EVENT_TABLE):
        return f"{a:g}, {b:g}"
    return _WORDING.format(EVENT_TABLE[code][2], a=a, b=b)
