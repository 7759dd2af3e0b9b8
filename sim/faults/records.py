"""Records of faults at work: memories of the rows, their effects, the log of their windows."""

from fsw.framework.codes import Code
from fsw.framework.record import f64, i64, record, u8
from sim.faults.table import FaultKind

FAULT_MEMORY = record(
    "FaultMemory",
    "Memory of one row of faults.",
    opened_ns=i64("time at which its window opened last; -1 before", default=-1),
    held_t_ns=i64("time at which the held value was taken; -1 without one", default=-1),
    until_ns=i64("time until which clipping is held", default=-1),
    cycles=i64("power cycles of the instrument when the window opened"),
    held=f64("held range; below 0: none"),
    held_dv_B_mps=f64("clipped velocity increment", 3),
    held_dtheta_B_rad=f64("clipped angle increment", 3),
    open=u8("1 while the window is open"),
    below_from=u8("1 once the upper bound of its band was passed"),
    below_until=u8("1 once the lower bound was passed"),
    spare=u8("zero", 5),
)

EFFECTS = record(
    "Effects",
    "Effects of the open faults on engine and thrusters in this tick.",
    thrust=f64("factor on the thrust", default=1.0),
    lag_s=f64("added to the time constant of thrust"),
    throttle=f64("throttle at which the engine is stuck; negative: not stuck", default=-1.0),
    torque_B_Nm=f64("side torque at full throttle", 3),
    rcs=f64("factor on the thrusters' torque", 3, default=(1.0, 1.0, 1.0)),
    held_throttle=f64("throttle at which it stuck last"),
)


class ComputerAction(Code):
    """Actions of the flight computer in a tick: run, miss it, be down, or resume."""

    STEP = 0
    SKIP = 1
    AWAY = 2
    RESUME = 3


COMPUTER = record(
    "Computer",
    "Effects of the open faults on the flight computer.",
    stalled_until_ns=i64("time until which ticks are missed", default=-1),
    away_until_ns=i64("time until which it is down", default=-1),
    missed=i64("ticks missed since the last one run"),
    action=u8("its action in this tick", codes=ComputerAction),
    spare=u8("zero", 7),
)

INJECTION = record(
    "Injection",
    "The window of a fault opened or closed, for logs.",
    t_ns=i64("time of the tick"),
    row=u8("number of the row, from 0"),
    kind=u8("kind of the row", codes=FaultKind),
    open=u8("1 when its window opened, 0 when it closed"),
    spare=u8("zero", 5),
)
