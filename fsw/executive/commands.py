"""Ground commands and uplinked state vectors: accepted or refused, each acknowledged."""

from fsw.executive.mode_manager import apply_cue
from fsw.framework.kernel import kernel
from fsw.guidance.abort import orbit_in_reach
from fsw.interface.events import EV_COMMAND_TAKEN, post_event
from fsw.interface.messages import (
    ACK_ACCEPTED,
    ACK_TRIES_USED_UP,
    ACK_UNKNOWN,
    ACK_WRONG_MODE,
    CMD_ABORT,
    CMD_GO,
    CMD_RANGE_ENABLE,
    CMD_RANGE_INHIBIT,
    CMD_RANGE_POWER_CYCLE,
    RANGE_POWER_CYCLE,
)
from fsw.interface.modes import BRAKING, COAST, CUE_ABORT, CUE_GO, STANDBY
from fsw.navigation.state_update import take_nav_update


@kernel
def take_state_update(core, history, params, inbox, outbox):
    """An uplinked state is taken only where no force has acted since its epoch."""
    mode = int(core.executive.mode)
    if int(inbox.has_nav_update) == 1 and (mode == STANDBY or mode == COAST):
        update = inbox.nav_update
        take_nav_update(core.navigation, history, params, update, int(inbox.now_ns), outbox)


@kernel
def take_commands(core, params, inbox, outbox):
    """Obey or refuse each command, and answer it."""
    for i in range(int(inbox.n_commands)):
        command = inbox.commands[i]
        result = _execute(core, params, int(command.code), int(inbox.now_ns), outbox)
        ack = outbox.acks[int(outbox.n_acks)]
        ack.seq = command.seq
        ack.code = command.code
        ack.result = result
        outbox.n_acks = int(outbox.n_acks) + 1
        core.executive.last_command_seq = command.seq
        post_event(outbox, EV_COMMAND_TAKEN, float(int(command.code)), float(result))


@kernel
def _execute(core, params, code, now_ns, outbox):
    """Carry out one command; returns the answer."""
    if code == CMD_GO:
        return ACK_ACCEPTED if apply_cue(core, CUE_GO, now_ns, outbox) else ACK_WRONG_MODE
    if code == CMD_ABORT:
        braking = int(core.executive.mode) == BRAKING
        if braking and not orbit_in_reach(params.moon, params.vehicle, core.estimate):
            return ACK_WRONG_MODE
        return ACK_ACCEPTED if apply_cue(core, CUE_ABORT, now_ns, outbox) else ACK_WRONG_MODE
    if code == CMD_RANGE_ENABLE:
        core.navigation.intake.inhibited = 0
        return ACK_ACCEPTED
    if code == CMD_RANGE_INHIBIT:
        core.navigation.intake.inhibited = 1
        return ACK_ACCEPTED
    if code == CMD_RANGE_POWER_CYCLE:
        return power_cycle_range(core.executive, params.executive, now_ns, outbox)
    return ACK_UNKNOWN


@kernel
def power_cycle_range(executive, params, now_ns, outbox):
    """Ask for a power cycle of the rangefinder, while tries are left; returns the answer."""
    if int(executive.power_cycles) >= int(params.power_cycles_max):
        return ACK_TRIES_USED_UP
    executive.power_cycles = int(executive.power_cycles) + 1
    executive.cycled_ns = now_ns
    outbox.range_command.action = RANGE_POWER_CYCLE
    outbox.has_range_command = 1
    return ACK_ACCEPTED
