"""The sensors at work: one tick of a SensorBoard, which sees nothing of the world but its inbox.

The same kernels run in three places: inside the plant, in a process that plays a sensor board,
and compiled for a microcontroller. Every sample passes sensing, the rows of faults in their
order, and for ranges the time that they take to arrive.

A board on a bench in real time has a clock of its own. It samples when the truth of a tick comes,
and stamps with that time as its clock would have had it if no message had ever been late: the
offset between clock and truth follows an early message at once and a late one slowly.
"""

from fsw.framework.kernel import kernel
from fsw.interface.messages import RangeAction
from fsw.interface.timing import TICK_NS
from sim.common.random_streams import Stream, gauss, stream_key
from sim.faults.range_faults import fault_range
from sim.faults.sensor_faults import fault_imu, fault_legs, is_sent
from sim.faults.table import FaultKind, Sensor
from sim.faults.windows import NOTHING, watch_windows
from sim.sensors.imu import measure_imu, tell_imu
from sim.sensors.rangefinder import is_sampling, measure_range, switch_range
from sim.sensors.transport_delay import arrive, lose_arrivals, range_latency_ns, send_range

# contacts are sent at every tick below this clearance, else with the status
CONTACT_M = 30.0

# off and on again takes so long, the warm-up not counted
CYCLE_S = 1.0

# share of a late message by which the offset grows, and by how much at most: 1 % of a tick, what
# an oscillator without a crystal may be off; share of an early one by which it shrinks
LATE_SHARE, LATE_MAX_NS = 64, TICK_NS // 100
EARLY_SHARE = 8


@kernel
def is_allowed(board, armed):
    """1 when a board that was armed, or was not, may begin with what it has been loaded with."""
    return 1 if armed or int(board.n_faults) == 0 else 0


@kernel
def tick_board(board, inbox, arrivals, clock_ns):
    """One tick of a board that stands by itself: orders first, then what the sensors say.

    clock_ns: when the truth had come by the board's own clock; negative while time is virtual.
    """
    t_ns = int(inbox.truth.t_ns)
    if int(inbox.has_range_command) == 1:
        obey_range_order(board, inbox.range_command, t_ns)
    lose_arrivals(arrivals)
    sense_board(board, inbox, arrivals)
    inbox.has_beam = 0
    inbox.has_status = 0
    inbox.has_range_command = 0
    if clock_ns >= 0:
        _follow_clock(board, clock_ns - t_ns)
        _stamp(arrivals, int(board.clock_offset_ns))


@kernel
def sense_board(board, inbox, arrivals):
    """Fill `arrivals` with all that reaches the flight computer in the tick of inbox.truth."""
    _settle(board, inbox.truth)
    _sense_imu(board, inbox.truth, arrivals)
    _sense_range(board, inbox, arrivals)
    _sense_contact(board, inbox.truth, arrivals, int(inbox.has_status) == 1)
    if int(inbox.has_status) == 1:
        _sense_status(board, inbox.status, arrivals)


@kernel
def obey_range_order(board, order, t_ns):
    """Take a RangeCommand: power for the rangefinder on, off, or off and on again."""
    action = int(order.action)
    parameters = board.sensors.range
    state = board.range_state
    if action == RangeAction.POWER_OFF:
        switch_range(parameters, state, t_ns, False, 0.0)
    elif action == RangeAction.POWER_CYCLE:
        switch_range(parameters, state, t_ns, True, CYCLE_S)
    elif action == RangeAction.POWER_ON and int(state.ready_t_ns) < 0:
        switch_range(parameters, state, t_ns, True, 0.0)


@kernel
def _settle(board, truth):
    """Open and close windows, and settle what the open rows do to the sensors in this tick."""
    n = int(board.n_faults)
    if n == 0:
        return
    effects = board.effects
    opened, closed = watch_windows(
        board.faults,
        board.fault_memory,
        n,
        int(truth.t_ns),
        float(truth.clearance_m),
        int(truth.mode),
    )
    effects.opened = opened
    effects.closed = closed
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
def _is_heard(board, sensor, count, t_ns):
    """True when the faults let message number `count` of a sensor through."""
    n = int(board.n_faults)
    if n == 0:
        return True
    sent = is_sent(board.faults, board.fault_memory, n, int(board.seed), sensor, count, t_ns)
    return sent and int(board.effects.silent) == 0


@kernel
def _sense_imu(board, truth, arrivals):
    seed = int(board.seed)
    count = int(board.imu_state.count)
    state = board.imu_state
    reading = board.imu_reading
    t_ns = int(truth.t_ns)
    reading.t_ns = t_ns
    reading.dt_ns = TICK_NS
    if t_ns > 0:  # at first the sums are told as they stand: nothing was gained yet
        measure_imu(board.sensors.imu, board.imu_errors, state, seed, truth, reading)
        n = int(board.n_faults)
        fault_imu(board.faults, board.fault_memory, n, seed, count, t_ns, reading)
    tell_imu(state, reading, arrivals.imus[0])
    arrivals.n_imus = 1
    if not _is_heard(board, Sensor.IMU, count, t_ns):
        arrivals.n_imus = 0


@kernel
def _sense_range(board, inbox, arrivals):
    t_ns = int(inbox.truth.t_ns)
    if is_sampling(board.sensors.range, board.range_state, t_ns):
        if int(inbox.has_beam) == 0:  # the line has lost it: nothing is seen
            inbox.beam.slant_m = 0.0
            inbox.beam.t_ns = t_ns
        _sample_range(board, inbox.beam, arrivals.ranges[0], t_ns)
    arrive(board.delivery, arrivals, t_ns)


@kernel
def _sample_range(board, beam, sample, t_ns):
    """Take a sample, in a record that is at hand, and put it on its way."""
    count = int(board.range_state.count)
    parameters = board.sensors.range
    seed = int(board.seed)
    loss_db = float(board.effects.loss_db)
    measure_range(parameters, board.range_state, seed, beam, loss_db, sample)
    due_ns = t_ns + range_latency_ns(parameters, seed, count)
    due_ns, copy_ns = fault_range(
        board.faults,
        board.fault_memory,
        int(board.n_faults),
        seed,
        count,
        int(board.range_state.cycles),
        t_ns,
        sample,
        due_ns,
    )
    if due_ns != NOTHING and int(board.effects.silent) == 0:
        send_range(board.delivery, sample, due_ns)
        if copy_ns != NOTHING:
            send_range(board.delivery, sample, copy_ns)


@kernel
def _sense_contact(board, truth, arrivals, status_due):
    """The switches speak with the status, near the ground in every tick, and when they change."""
    t_ns = int(truth.t_ns)
    legs = int(truth.legs)
    legs = fault_legs(board.faults, board.fault_memory, int(board.n_faults), t_ns, legs)
    near = float(truth.clearance_m) < CONTACT_M
    if not status_due and not near and legs == int(board.legs_reported):
        return
    board.legs_reported = legs
    arrivals.contact.t_ns = t_ns
    arrivals.contact.seq = int(board.contacts_sent) & 0xFFFF
    arrivals.contact.legs = legs
    arrivals.has_contact = 1
    if not _is_heard(board, Sensor.CONTACT, t_ns // TICK_NS, t_ns):
        arrivals.has_contact = 0
    board.contacts_sent = int(board.contacts_sent) + 1


@kernel
def _sense_status(board, status, arrivals):
    count = int(board.statuses_sent)
    noise = gauss(stream_key(int(board.seed), Stream.GAUGE), count)
    said = arrivals.propulsion
    said.t_ns = int(status.t_ns)
    said.seq = count & 0xFFFF
    said.mass_kg = float(status.mass_kg) + noise * float(status.gauge_sigma_kg)
    said.tank_pressure_Pa = float(status.tank_pressure_Pa)
    said.ready = int(status.ready)
    if int(board.effects.not_ready) == 1:
        said.ready = 0
    arrivals.has_propulsion = 1
    if not _is_heard(board, Sensor.PROPULSION, count, int(status.t_ns)):
        arrivals.has_propulsion = 0
    board.statuses_sent = count + 1


@kernel
def _follow_clock(board, seen_ns):
    """Learn the offset of the board's clock from a truth that came when it was seen_ns ahead."""
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
def _stamp(arrivals, offset_ns):
    """Move the stamps of what is sent in this tick to the board's clock."""
    for i in range(int(arrivals.n_imus)):
        arrivals.imus[i].t_ns = int(arrivals.imus[i].t_ns) + offset_ns
    for i in range(int(arrivals.n_ranges)):
        arrivals.ranges[i].t_ns = int(arrivals.ranges[i].t_ns) + offset_ns
    arrivals.contact.t_ns = int(arrivals.contact.t_ns) + offset_ns
    arrivals.propulsion.t_ns = int(arrivals.propulsion.t_ns) + offset_ns
