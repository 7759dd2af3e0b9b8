"""Faults of engine, thrusters and flight computer, set once at the start of a tick."""

from fsw.framework.kernel import kernel
from fsw.interface.timing import TICK_NS
from sim.faults.records import ComputerAction
from sim.faults.table import FaultKind
from sim.faults.windows import NEVER_NS, ns, open_ns
from sim.plant.actuators import throttle_now


@kernel
def set_fault_effects(world):
    """Set the effects of the open rows on engine, thrusters and computer in the tick at world.t_ns.

    The rows belong to the sensor board, which has opened and closed their windows before.
    """
    board = world.board
    n = int(board.n_faults)
    if n == 0:
        return
    effects = world.effects
    _reset_effects(effects)
    for i in range(n):
        if int(board.fault_memory[i].open) == 1:
            _add_effect(effects, world, board.faults[i], board.fault_memory[i])
    _set_computer_action(world.computer, board, int(world.t_ns))


@kernel
def _reset_effects(effects):
    effects.thrust = 1.0
    effects.lag_s = 0.0
    effects.throttle = -1.0
    for k in range(3):
        effects.torque_B_Nm[k] = 0.0
        effects.rcs[k] = 1.0


@kernel
def _add_effect(effects, world, fault, memory):
    kind = int(fault.kind)
    axis = int(fault.axis)
    if kind == FaultKind.THRUST_SCALE:
        effects.thrust = float(effects.thrust) * float(fault.scale)
    elif kind == FaultKind.THRUST_LAG:
        effects.lag_s = float(effects.lag_s) + float(fault.lag_s)
    elif kind == FaultKind.ENGINE_OUT:
        effects.thrust = 0.0
    elif kind == FaultKind.ENGINE_LOST:
        effects.thrust = float(effects.thrust) * (1.0 - float(fault.lost_share))
        effects.torque_B_Nm[axis] = float(effects.torque_B_Nm[axis]) + float(fault.torque_Nm)
    elif kind == FaultKind.THROTTLE_STUCK:
        if int(memory.opened_ns) == int(world.t_ns):
            effects.held_throttle = throttle_now(world)
        effects.throttle = float(effects.held_throttle)
        if float(fault.throttle) >= 0.0:
            effects.throttle = float(fault.throttle)
    elif kind == FaultKind.RCS_LOST:
        effects.rcs[axis] = float(effects.rcs[axis]) * (1.0 - float(fault.lost_share))


@kernel
def _set_computer_action(computer, board, t_ns):
    """Set what the flight computer does in this tick: step, skip it, be away, or resume."""
    for i in range(int(board.n_faults)):
        fault = board.faults[i]
        memory = board.fault_memory[i]
        if int(memory.open) == 1:
            if int(fault.kind) == FaultKind.MISSED_TICKS and _stall_begins(memory, fault, t_ns):
                until_ns = t_ns + int(fault.ticks) * TICK_NS
                computer.stalled_until_ns = max(int(computer.stalled_until_ns), until_ns)
            elif int(fault.kind) == FaultKind.RESTART and int(memory.opened_ns) == t_ns:
                until_ns = t_ns + ns(float(fault.outage_s))
                computer.away_until_ns = max(int(computer.away_until_ns), until_ns)
    if t_ns < int(computer.away_until_ns):
        computer.action = ComputerAction.AWAY
    elif int(computer.away_until_ns) != NEVER_NS:
        computer.action = ComputerAction.RESUME
        computer.away_until_ns = NEVER_NS
        computer.missed = 0
    elif t_ns < int(computer.stalled_until_ns):
        computer.action = ComputerAction.SKIP
    else:
        computer.action = ComputerAction.STEP


@kernel
def _stall_begins(memory, fault, t_ns):
    """True when a stall begins: as the window opens, and once in every period after that."""
    since_ns = open_ns(memory, t_ns)
    period_ns = ns(float(fault.period_s))
    if since_ns == 0 or period_ns == 0:
        return since_ns == 0
    return since_ns // period_ns != (since_ns - TICK_NS) // period_ns


@kernel
def flies(computer):
    """True when the flight software gets this tick."""
    action = int(computer.action)
    return action == ComputerAction.STEP or action == ComputerAction.RESUME


@kernel
def take_missed(computer):
    """Ticks that the flight software has missed since its last one, once the tick is flown."""
    if not flies(computer):
        computer.missed = int(computer.missed) + 1
        return 0
    missed = int(computer.missed)
    computer.missed = 0
    return missed
