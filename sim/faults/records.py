"""What faults remember and do: records that the rows of sim.faults.table leave in the world."""

from fsw.framework.codes import Code
from fsw.framework.record import f64, i64, record, u8
from sim.faults.table import FaultKind

FAULT_MEMORY = record(
    "FaultMemory",
    "What a fault remembers.",
    opened_ns=i64("when its window opened last; -1 before the first time", default=-1),
    held_t_ns=i64("stamp of what it holds; -1 for nothing", default=-1),
    until_ns=i64("goes on until then by itself", default=-1),
    cycles=i64("power cycles of the instrument when the window opened"),
    held=f64("value that it holds"),
    held_dv_B_mps=f64("clipped velocity increment", 3),
    held_dtheta_B_rad=f64("clipped angle increment", 3),
    open=u8("1 while the window is open"),
    below_from=u8("1 once the upper bound of its band was passed"),
    below_until=u8("1 once the lower bound was passed"),
    spare=u8("zero", 5),
)

EFFECTS = record(
    "Effects",
    "What the open faults do in this tick to engine and thrusters.",
    thrust=f64("factor on the thrust", default=1.0),
    lag_s=f64("added to the time constant of thrust"),
    throttle=f64("where the throttle is stuck; negative when it is not", default=-1.0),
    torque_B_Nm=f64("side torque at full throttle", 3),
    rcs=f64("factor on the thrusters' torque", 3, default=(1.0, 1.0, 1.0)),
    held_throttle=f64("throttle at which it stuck last"),
)


class ComputerAction(Code):
    """What the flight computer does in a tick."""

    STEP = 0
    SKIP = 1
    AWAY = 2
    RESUME = 3


COMPUTER = record(
    "Computer",
    "What the faults make of the flight computer: in this tick it steps, stalls, is away or back.",
    stalled_until_ns=i64("ticks before this are missed", default=-1),
    away_until_ns=i64("it restarts until then", default=-1),
    missed=i64("ticks missed since the last one flown"),
    action=u8("what it does in this tick", codes=ComputerAction),
    spare=u8("zero", 7),
)

INJECTION = record(
    "Injection",
    "The window of a fault opened or closed, for logs.",
    t_ns=i64("time of the tick"),
    row=u8("number of the row, from 0"),
    kind=u8("what the row does", codes=FaultKind),
    open=u8("1 when its window opened, 0 when it closed"),
    spare=u8("zero", 5),
)
