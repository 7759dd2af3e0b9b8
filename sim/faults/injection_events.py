"""Events of fault injection, logged among the flight software's under codes of their own.

The flight computer gets none of them.
"""

from typing import Any

from fsw.framework.kernel import kernel
from fsw.interface.events import Event, Severity
from sim.faults.records import INJECTION
from sim.faults.table import FAULT_SLOTS


class InjectionEvent(Event):
    """Events of fault injection, with codes that no event of the flight software has."""

    FAULT_OPENED = 1000, Severity.NOTICE, "row {a:.0f}: {b:fault}"
    FAULT_CLOSED = 1001, Severity.NOTICE, "row {a:.0f}: {b:fault}"


@kernel
def log_injections(log, world):
    """Append the windows that opened and closed in this tick to an EventLog."""
    effects = world.board.effects
    if int(effects.opened) == 0 and int(effects.closed) == 0:
        return
    for row in range(FAULT_SLOTS):
        if int(effects.closed) & (1 << row) != 0:
            _append(log, world, InjectionEvent.FAULT_CLOSED, row)
        if int(effects.opened) & (1 << row) != 0:
            _append(log, world, InjectionEvent.FAULT_OPENED, row)


@kernel
def _append(log, world, code, row):
    n = int(log.n)
    if n >= len(log.events):
        log.lost = int(log.lost) + 1
        return
    event = log.events[n]
    event.t_ns = int(world.t_ns)
    event.code = code
    event.a = float(row)
    event.b = float(int(world.board.faults[row].kind))
    log.n = n + 1


def injection_of(event: Any) -> Any | None:
    """An injection event as an Injection record; None for an event of the flight software."""
    if int(event.code) not in list(InjectionEvent):
        return None
    return INJECTION.new(
        t_ns=int(event.t_ns),
        row=int(event.a),
        kind=int(event.b),
        open=int(event.code) == InjectionEvent.FAULT_OPENED,
    )
