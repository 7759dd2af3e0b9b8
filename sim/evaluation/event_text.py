"""Text of events: the wording of the event table with its two figures filled in."""

import string
from typing import Any, NamedTuple

from fsw.framework.codes import Code
from fsw.interface.events import Event, EventCode, Severity
from fsw.interface.messages import AckResult, CommandCode
from fsw.interface.modes import Mode
from sim.faults.injection_events import InjectionEvent
from sim.faults.table import FaultKind

CODE_LISTS: dict[str, type[Code]] = {
    "mode": Mode,
    "command": CommandCode,
    "ack": AckResult,
    "fault": FaultKind,
}
NS_PER_S = 1_000_000_000

EVENTS: dict[int, Event] = {int(event): event for event in (*EventCode, *InjectionEvent)}


class FlightEvent(NamedTuple):
    """An event in words: flight time [s], name, severity, and what happened with its figures."""

    t_s: float
    name: str
    severity: str
    detail: str


class _Wording(string.Formatter):
    """`{a:mode}` is the name of mode number a; any other format is Python's own."""

    def format_field(self, value: Any, format_spec: str) -> str:
        codes = CODE_LISTS.get(format_spec)
        return codes.label_of(int(value)) if codes else format(value, format_spec)


_WORDING = _Wording()


def event_words(event: Any) -> FlightEvent:
    """An Event record in words."""
    code = int(event.code)
    severity = Severity.label_of(event_severity(code))
    detail = event_detail(code, float(event.a), float(event.b))
    return FlightEvent(float(event.t_ns) / NS_PER_S, event_name(code), severity, detail)


def event_name(code: int) -> str:
    """Name of an event, or its number where it is unknown: a newer sender may have more."""
    event = EVENTS.get(code)
    return event.label if event is not None else f"event_{code}"


def event_severity(code: int) -> Severity:
    """Severity of an event."""
    event = EVENTS.get(code)
    return event.severity if event is not None else Severity.NOTICE


def event_detail(code: int, a: float, b: float) -> str:
    """Text of an event, its figures filled in."""
    event = EVENTS.get(code)
    return _WORDING.format(event.wording, a=a, b=b) if event is not None else f"{a:g}, {b:g}"
