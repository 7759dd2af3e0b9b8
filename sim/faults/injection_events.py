"""Events of the bench's making: they stand among the flight software's, with numbers of their own.

A flight computer knows none of them: what it cannot feel, it is not told.
"""

from typing import Any

from fsw.framework.kernel import kernel
from fsw.interface.events import NOTICE
from sim.faults.records import INJECTION
from sim.faults.table import FAULT_SLOTS

FIRST_CODE = 1000
INJECTION_TABLE = (
    ("fault_opened", NOTICE, "row {a:.0f}: {b:fault}"),
    ("fault_closed", NOTICE, "row {a:.0f}: {b:fault}"),
)
INJ_OPENED, INJ_CLOSED = FIRST_CODE, FIRST_CODE + 1


@kernel
def keep_injections(world, log):
    """Append what opened and closed in this tick to an EventLog."""
    effects = world.board.effects
    if int(effects.opened) == 0 and int(effects.closed) == 0:
        return
    for row in range(FAULT_SLOTS):
        if int(effects.closed) & (1 << row) != 0:
            _keep(world, log, INJ_CLOSED, row)
        if int(effects.opened) & (1 << row) != 0:
            _keep(world, log, INJ_OPENED, row)


@kernel
def _keep(world, log, code, row):
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
    """The Injection that an Event tells of, None for an event of the flight software."""
    if int(event.code) < FIRST_CODE:
        return None
    return INJECTION.new(
        t_ns=int(event.t_ns),
        row=int(event.a),
        kind=int(event.b),
        open=int(event.code) == INJ_OPENED,
    )
