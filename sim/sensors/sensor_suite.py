"""The sensor suite: one tick of a SensorBoard, whose only input from the world is its inbox.

The same kernels run inside the plant, in a process that plays a sensor board, and compiled for a
microcontroller. Every sample is measured, passes the rows of faults in their order, and a range
then its transport delay.

A board on a bench in real time has a clock of its own. It samples when the inputs of a tick arrive,
and stamps with the time that its clock would show had they arrived without jitter: the estimated
offset between clock and truth follows an early message quickly and a late one slowly.
"""

from fsw.framework.kernel import kernel
from fsw.interface.messages import RangeAction
from fsw.interface.timing import TICK_NS
from sim.common.random_streams import Stream, gauss, stream_key
from sim.faults.range_faults import fault_range
from sim.faults.sensor_faults import fault_imu, fault_legs, is_sent
from sim.faults.table import FaultKind, Sensor
from sim.faults.windows import NEVER_NS, watch_windows
from sim.sensors.imu import measure_imu, report_imu
from sim.sensors.rangefinder import is_sampling, measure_range, switch_range
from sim.sensors.transport_delay import (
    clear_messages,
    range_latency_ns,
    send_range,
    take_due_ranges,
)

# clearance below which contacts are sent at every tick, else with the status
CONTACT_M = 30.0

# duration of a power cycle, without the warm-up
CYCLE_S = 1.0

# one part in so many of a late message's delay by which the offset grows, and its greatest growth:
# 1 % of a tick, the error of an oscillator without a crystal; the same part for an early message
LATE_SHARE, LATE_MAX_NS = 64, TICK_NS // 100
EARLY_SHARE = 8


@kernel
def is_allowed(board, armed):
    """1 when a board may start with the record it was loaded with: faults need an armed one."""
    return 1 if armed or int(board.n_faults) == 0 else 0


@kernel
def tick_board(board, inbox, messages, clock_ns):
    """One tick of a board apart from the plant: commands first, then the sensors' outputs.

    clock_ns: arrival of the inputs by the board's own clock; negative while time is virtual.
    """
    t_ns = int(inbox.truth.t_ns)
    if int(inbox.has_range_command) == 1:
        command_rangefinder(board, inbox.range_command, t_ns)
    clear_messages(messages)
    sense_board(board, inbox, messages)
    inbox.has_beam = 0
    inbox.has_status = 0
    inbox.has_range_command = 0
    if clock_ns >= 0:
        _follow_clock(board, clock_ns - t_ns)
        _stamp(messages, int(board.clock_offset_ns))


@kernel
def sense_board(board, inbox, messages):
    """Fill `messages` with the sensor outputs that arrive in the tick of inbox.truth."""
    _set_effects(board, inbox.truth)
    _sense_imu(board, inbox.truth, messages)
    _sense_range(board, inbox, messages)
    _sense_contact(board, inbox.truth, messages, int(inbox.has_status) == 1)
    if int(inbox.has_status) == 1:
        _sense_status(board, inbox.status, messages)


@kernel
def command_rangefinder(board, command, t_ns):
    """Carry out a RangeCommand: power the rangefinder on, off, or cycle it."""
    action = int(command.action)
    params = board.sensors.range
    state = board.range_state
    if action == RangeAction.POWER_OFF:
        switch_range(state, params, t_ns, False, 0.0)
    elif action == RangeAction.POWER_CYCLE:
        switch_range(state, params, t_ns, True, CYCLE_S)
    elif action == RangeAction.POWER_ON and int(state.ready_t_ns) < 0:
        switch_range(state, params, t_ns, True, 0.0)


@kernel
def _set_effects(board, truth):
    """Open and close windows, and set the effects of the open rows on the sensors in this tick."""
    n = int(board.n_faults)
    if n == 0:
        return
    watch_windows(board, truth)
    effects = board.effects
    effects.loss_db = 0.0
    effects.silent = 0
    effects.not_ready = 0
    for i in range(n):
        if int(board.fault_memory[i].open) == 1:
            kind = int(board.faults[i].kind)
            if kind == FaultKind.LINK_LOSS:
                effects.loss_db = float(effects.loss_db) + float(board.faults[i].loss_db)
            elif kind == FaultKind.PAUSE:
                effects.silent = 1
            elif kind == FaultKind.PROPULSION_NOT_READY:
                effects.not_ready = 1


@kernel
def _passes_faults(board, sensor, count, t_ns):
    """True when the rows of faults let message number `count` of a sensor through."""
    sent = is_sent(board, sensor, count, t_ns)
    return sent and int(board.effects.silent) == 0


@kernel
def _sense_imu(board, truth, messages):
    count = int(board.imu_state.count)
    t_ns = int(truth.t_ns)
    board.imu_reading.t_ns = t_ns
    board.imu_reading.dt_ns = TICK_NS
    if t_ns > 0:  # at the start the integrals are reported as they are: nothing was measured yet
        measure_imu(board, truth)
        fault_imu(board, t_ns)
    report_imu(messages.imus[0], board.imu_state, board.imu_reading)
    messages.n_imus = 1
    if not _passes_faults(board, Sensor.IMU, count, t_ns):
        messages.n_imus = 0


@kernel
def _sense_range(board, inbox, messages):
    t_ns = int(inbox.truth.t_ns)
    if is_sampling(board.sensors.range, board.range_state, t_ns):
        if int(inbox.has_beam) == 0:  # lost on the line: no return
            inbox.beam.slant_m = 0.0
            inbox.beam.t_ns = t_ns
        _sample_range(board, inbox.beam, messages.ranges[0], t_ns)
    take_due_ranges(messages, board.delivery, t_ns)


@kernel
def _sample_range(board, beam, sample, t_ns):
    """Take a sample, in a scratch record, and queue it until it is due."""
    count = int(board.range_state.count)
    measure_range(board, beam, sample)
    due_ns = t_ns + range_latency_ns(board.sensors.range, int(board.seed), count)
    due_ns, copy_ns = fault_range(board, t_ns, sample, due_ns)
    if due_ns != NEVER_NS and int(board.effects.silent) == 0:
        send_range(board.delivery, sample, due_ns)
        if copy_ns != NEVER_NS:
            send_range(board.delivery, sample, copy_ns)


@kernel
def _sense_contact(board, truth, messages, status_due):
    """Contacts are sent with the status, near the ground in every tick, and on a change."""
    t_ns = int(truth.t_ns)
    legs = fault_legs(board, t_ns, int(truth.legs))
    near = float(truth.clearance_m) < CONTACT_M
    if not status_due and not near and legs == int(board.legs_reported):
        return
    board.legs_reported = legs
    messages.contact.t_ns = t_ns
    messages.contact.seq = int(board.contacts_sent) & 0xFFFF
    messages.contact.legs = legs
    messages.has_contact = 1
    if not _passes_faults(board, Sensor.CONTACT, t_ns // TICK_NS, t_ns):
        messages.has_contact = 0
    board.contacts_sent = int(board.contacts_sent) + 1


@kernel
def _sense_status(board, status, messages):
    count = int(board.statuses_sent)
    noise = gauss(stream_key(int(board.seed), Stream.GAUGE), count)
    sample = messages.propulsion
    sample.t_ns = int(status.t_ns)
    sample.seq = count & 0xFFFF
    sample.mass_kg = float(status.mass_kg) + noise * float(status.gauge_sigma_kg)
    sample.tank_pressure_Pa = float(status.tank_pressure_Pa)
    sample.ready = int(status.ready)
    if int(board.effects.not_ready) == 1:
        sample.ready = 0
    messages.has_propulsion = 1
    if not _passes_faults(board, Sensor.PROPULSION, count, int(status.t_ns)):
        messages.has_propulsion = 0
    board.statuses_sent = count + 1


@kernel
def _follow_clock(board, seen_ns):
    """Update the offset of the board's clock from inputs that arrived at an offset of seen_ns."""
    offset_ns = int(board.clock_offset_ns)
    late_ns = seen_ns - offset_ns
    if int(board.clock_ticks) == 0:
        offset_ns = seen_ns
    elif late_ns > 0:
        offset_ns = offset_ns + min(late_ns // LATE_SHARE, LATE_MAX_NS)
    else:
        offset_ns = offset_ns + late_ns // EARLY_SHARE
    board.clock_offset_ns = offset_ns
    board.clock_ticks = int(board.clock_ticks) + 1


@kernel
def _stamp(messages, offset_ns):
    """Move the time-tags of this tick's messages to the board's clock."""
    for i in range(int(messages.n_imus)):
        messages.imus[i].t_ns = int(messages.imus[i].t_ns) + offset_ns
    for i in range(int(messages.n_ranges)):
        messages.ranges[i].t_ns = int(messages.ranges[i].t_ns) + offset_ns
    messages.contact.t_ns = int(messages.contact.t_ns) + offset_ns
    messages.propulsion.t_ns = int(messages.propulsion.t_ns) + offset_ns
