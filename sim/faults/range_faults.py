"""Faults of a range between the instrument and the flight computer.

Rows act in their order, each on what the one before it left: value, time-tag, time of arrival. So
a row that stamps at arrival stamps what the rows above it have delayed.
"""

from fsw.framework.kernel import kernel
from sim.common.random_streams import gauss
from sim.faults.table import FaultKind, Sensor
from sim.faults.windows import (
    DRAWS,
    NEVER_NS,
    Message,
    acts,
    false_stamp_ns,
    is_lost,
    message_stream,
    message_uniform,
    ns,
    open_ns,
)

# draws of a row for each message, beside the one that decides whether it acts
EXTENT_DRAW, NOISE_DRAW = 1, 2


@kernel
def fault_range(board, t_ns, sample, due_ns):
    """Apply the board's rows to the range that it has just measured, at t_ns, due at due_ns.

    Writes the RangeSample and the memories of the rows. Returns when the sample and when its copy
    arrive, -1 for never.
    """
    count = int(board.range_state.count) - 1
    cycles = int(board.range_state.cycles)
    copy_ns = NEVER_NS
    for row in range(int(board.n_faults)):
        fault = board.faults[row]
        memory = board.fault_memory[row]
        if int(fault.sensor) == Sensor.RANGE:
            message = Message(int(board.seed), row, count, t_ns)
            if is_lost(memory, fault, message):
                return (NEVER_NS, NEVER_NS)
            acting = acts(memory, fault, message)
            _hold(sample, memory, fault, acting, t_ns)
            sample.t_ns = false_stamp_ns(memory, fault, message, int(sample.t_ns))
            if acting:
                _corrupt(sample, memory, fault, message, cycles)
                if int(fault.kind) == FaultKind.DUPLICATE:
                    copy_ns = due_ns + ns(float(fault.delay_s))
                elif copy_ns != NEVER_NS:
                    copy_ns = _postponed_ns(memory, fault, message, copy_ns)
                due_ns = _postponed_ns(memory, fault, message, due_ns)
                if int(fault.kind) == FaultKind.STAMP_AT_ARRIVAL:
                    sample.t_ns = due_ns
    return (due_ns, copy_ns)


@kernel
def _hold(sample, memory, fault, acting, t_ns):
    """Stuck and stale: keep the value while the row does not act, repeat it while it does."""
    kind = int(fault.kind)
    if kind == FaultKind.STUCK:
        if not acting:
            _keep(memory, sample)
        elif float(fault.value_m) >= 0.0:
            _report(sample, float(fault.value_m))
        else:
            _repeat(sample, memory)
    elif kind == FaultKind.STALE and acting:
        taken_ns = int(memory.held_t_ns)
        if taken_ns == NEVER_NS or t_ns - taken_ns >= ns(float(fault.period_s)):
            memory.held_t_ns = t_ns
            _keep(memory, sample)
        else:
            _repeat(sample, memory)


@kernel
def _keep(memory, sample):
    memory.held = float(sample.range_m)
    if int(sample.valid) == 0:
        memory.held = -1.0


@kernel
def _repeat(sample, memory):
    if float(memory.held) >= 0.0:
        _report(sample, float(memory.held))
    else:
        _report_nothing(sample)


@kernel
def _report(sample, range_m):
    sample.range_m = max(range_m, 0.0)
    sample.valid = 1


@kernel
def _report_nothing(sample):
    sample.range_m = 0.0
    sample.valid = 0
    sample.quality = 0


@kernel
def _corrupt(sample, memory, fault, message, cycles):
    """Change value and validity as an acting row does; cycles: power cycles of the instrument."""
    kind = int(fault.kind)
    if kind == FaultKind.LATE_ACQUISITION or kind == FaultKind.EARLY_LOSS:
        _report_nothing(sample)
    elif kind == FaultKind.GARBAGE:
        _report(sample, float(fault.value_m) * message_uniform(message, EXTENT_DRAW))
    elif kind == FaultKind.ZERO_VALID:
        _report(sample, 0.0)
    elif int(sample.valid) == 1:
        _corrupt_valid(sample, memory, fault, message, cycles)
    elif kind == FaultKind.SATURATED or kind == FaultKind.FALSE_VALID:
        _report(sample, float(fault.value_m))


@kernel
def _corrupt_valid(sample, memory, fault, message, cycles):
    """The same for a sample that saw the ground."""
    kind = int(fault.kind)
    good = float(sample.range_m)
    if kind == FaultKind.FALSE_INVALID:
        sample.valid = 0
    elif kind == FaultKind.SATURATED:
        _report(sample, min(good, float(fault.value_m)))
    elif kind == FaultKind.WRONG:
        since_s = float(open_ns(memory, message.t_ns)) * 1e-9
        _report(sample, good + float(fault.offset_m) + float(fault.ramp_mps) * since_s)
    elif kind == FaultKind.SCALE:
        _report(sample, good * float(fault.scale))
    elif kind == FaultKind.WRONG_SCALE:
        if int(memory.held_t_ns) == NEVER_NS:
            memory.held_t_ns = message.t_ns
            memory.cycles = cycles
        if int(memory.cycles) == cycles:
            _report(sample, good * float(fault.scale))
    elif kind == FaultKind.NOISE:
        sigma_m = float(fault.sigma_m) + float(fault.sigma_share) * good
        key = message_stream(message.seed, message.slot)
        noise = gauss(key, DRAWS * message.ordinal + NOISE_DRAW)
        _report(sample, good + sigma_m * noise)
    elif kind == FaultKind.SPIKES:
        up = message_uniform(message, EXTENT_DRAW) < 0.5
        _report(sample, good + float(fault.offset_m) if up else good - float(fault.offset_m))
    elif kind == FaultKind.FALSE_SHORT:
        _report(sample, good * message_uniform(message, EXTENT_DRAW))
    elif kind == FaultKind.MULTIPLE_RETURNS:
        _report(sample, good + float(fault.offset_m) * message_uniform(message, EXTENT_DRAW))


@kernel
def _postponed_ns(memory, fault, message, due_ns):
    """When a sample arrives that was due at due_ns before this row."""
    kind = int(fault.kind)
    if kind == FaultKind.DELAYED or kind == FaultKind.REORDER:
        return due_ns + ns(float(fault.delay_s))
    if kind == FaultKind.JITTER:
        return due_ns + ns(float(fault.jitter_s) * message_uniform(message, EXTENT_DRAW))
    if kind == FaultKind.GROWING_LAG:
        since_s = float(open_ns(memory, message.t_ns)) * 1e-9
        return due_ns + ns(float(fault.lag_share) * since_s)
    period_ns = ns(float(fault.period_s))
    if kind == FaultKind.BURST and period_ns > 0:
        periods = (due_ns - int(memory.opened_ns) + period_ns - 1) // period_ns
        return int(memory.opened_ns) + periods * period_ns
    return due_ns
