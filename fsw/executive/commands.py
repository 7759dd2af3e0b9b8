"""Ground commands and uplinked state vectors: accepted or refused, each acknowledged."""

from fsw.executive.mode_manager import apply_cue
from fsw.framework.kernel import kernel
from fsw.guidance.abort import orbit_in_reach
from fsw.interface.events import EventCode, post_event
from fsw.interface.messages import AckResult, CommandCode, RangeAction
from fsw.interface.modes import Cue, Mode
from fsw.navigation.state_update import take_nav_update


@kernel
def take_state_update(core, history, params, inbox, outbox):
    """Take an uplinked state, in the modes in which no force has acted since its epoch."""
    mode = int(core.executive.mode)
    if int(inbox.has_nav_update) == 1 and (mode == Mode.STANDBY or mode == Mode.COAST):
        update = inbox.nav_update
        take_nav_update(core.navigation, history, params, update, int(inbox.now_ns), outbox)


@kernel
def take_commands(core, params, inbox, outbox):
    """Execute or refuse each command, and acknowledge it."""
    for i in range(int(inbox.n_commands)):
        command = inbox.commands[i]
        result = _execute(core, params, int(command.code), int(inbox.now_ns), outbox)
        ack = outbox.acks[int(outbox.n_acks)]
        ack.seq = command.seq
        ack.code = command.code
        ack.result = result
        outbox.n_acks = int(outbox.n_acks) + 1
        core.executive.last_command_seq = command.seq
        post_event(outbox, EventCode.COMMAND_TAKEN, float(int(command.code)), float(int(result)))


@kernel
def _execute(core, params, code, now_ns, outbox):
    """Execute one command; returns its result."""
    if code == CommandCode.GO:
        return (
            AckResult.ACCEPTED
            if apply_cue(core, Cue.GO, now_ns, outbox)
            else AckResult.NOT_IN_THIS_MODE
        )
    if code == CommandCode.ABORT:
        braking = int(core.executive.mode) == Mode.BRAKING
        if braking and not orbit_in_reach(params.moon, params.vehicle, core.estimate):
            return AckResult.NOT_IN_THIS_MODE
        return (
            AckResult.ACCEPTED
            if apply_cue(core, Cue.ABORT, now_ns, outbox)
            else AckResult.NOT_IN_THIS_MODE
        )
    if code == CommandCode.RANGE_ENABLE:
        core.navigation.intake.inhibited = 0
        return AckResult.ACCEPTED
    if code == CommandCode.RANGE_INHIBIT:
        core.navigation.intake.inhibited = 1
        return AckResult.ACCEPTED
    if code == CommandCode.RANGE_POWER_CYCLE:
        return power_cycle_range(core.executive, params.executive, now_ns, outbox)
    return AckResult.UNKNOWN_COMMAND


@kernel
def power_cycle_range(executive, params, now_ns, outbox):
    """Command a power cycle of the rangefinder, while tries are left; returns the result."""
    if int(executive.power_cycles) >= int(params.power_cycles_max):
        return AckResult.TRIES_USED_UP
    executive.power_cycles = int(executive.power_cycles) + 1
    executive.cycled_ns = now_ns
    outbox.range_command.action = RangeAction.POWER_CYCLE
    outbox.has_range_command = 1
    return AckResult.ACCEPTED
