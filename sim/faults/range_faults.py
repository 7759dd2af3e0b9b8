"""What faults do to a range between the instrument and the flight computer's door.

Rows act in their order, each on what the one before it left: value, stamp, time of arrival. So a
row that stamps at arrival stamps what the rows above it have delayed.
"""

from fsw.framework.kernel import kernel
from sim.common.random_streams import gauss, uniform
from sim.faults.table import FaultKind, Sensor
from sim.faults.windows import (
    DRAWS,
    NOTHING,
    acts,
    false_stamp_ns,
    is_lost,
    message_stream,
    ns,
    open_ns,
)


@kernel
def fault_range(faults, memories, n, seed, count, cycles, t_ns, sample, due_ns):
    """Apply n rows to range number `count`, taken at t_ns and due at due_ns.

    cycles: how often the instrument was power-cycled. Returns when the sample and when its copy
    arrive, -1 for never.
    """
    copy_ns = NOTHING
    for i in range(n):
        fault = faults[i]
        memory = memories[i]
        if int(fault.sensor) == Sensor.RANGE:
            key = message_stream(seed, i)
            if is_lost(fault, memory, seed, i, count, t_ns):
                return (NOTHING, NOTHING)
            acting = acts(fault, memory, key, count)
            _hold(fault, memory, acting, t_ns, sample)
            stamp_ns = int(sample.t_ns)
            sample.t_ns = false_stamp_ns(fault, memory, key, count, t_ns, stamp_ns)
            if acting:
                _corrupt(fault, memory, key, count, cycles, t_ns, sample)
                if int(fault.kind) == FaultKind.DUPLICATE:
                    copy_ns = due_ns + ns(float(fault.delay_s))
                elif copy_ns != NOTHING:
                    copy_ns = _postpone(fault, memory, key, count, t_ns, copy_ns)
                due_ns = _postpone(fault, memory, key, count, t_ns, due_ns)
                if int(fault.kind) == FaultKind.STAMP_AT_ARRIVAL:
                    sample.t_ns = due_ns
    return (due_ns, copy_ns)


@kernel
def _hold(fault, memory, acting, t_ns, sample):
    """Stuck and stale: keep the value while it is good, and give it again while it is not."""
    kind = int(fault.kind)
    if kind == FaultKind.STUCK:
        if not acting:
            _keep(memory, sample)
        elif float(fault.value_m) >= 0.0:
            _say(sample, float(fault.value_m))
        else:
            _say_again(memory, sample)
    elif kind == FaultKind.STALE and acting:
        taken_ns = int(memory.held_t_ns)
        if taken_ns == NOTHING or t_ns - taken_ns >= ns(float(fault.period_s)):
            memory.held_t_ns = t_ns
            _keep(memory, sample)
        else:
            _say_again(memory, sample)


@kernel
def _keep(memory, sample):
    memory.held = float(sample.range_m)
    if int(sample.valid) == 0:
        memory.held = -1.0


@kernel
def _say_again(memory, sample):
    if float(memory.held) >= 0.0:
        _say(sample, float(memory.held))
    else:
        _say_nothing(sample)


@kernel
def _say(sample, range_m):
    sample.range_m = max(range_m, 0.0)
    sample.valid = 1


@kernel
def _say_nothing(sample):
    sample.range_m = 0.0
    sample.valid = 0
    sample.quality = 0


@kernel
def _corrupt(fault, memory, key, count, cycles, t_ns, sample):
    """What an acting row makes of the value and of the instrument's opinion of it."""
    kind = int(fault.kind)
    if kind == FaultKind.LATE_ACQUISITION or kind == FaultKind.EARLY_LOSS:
        _say_nothing(sample)
    elif kind == FaultKind.GARBAGE:
        _say(sample, float(fault.value_m) * uniform(key, DRAWS * count + 1))
    elif kind == FaultKind.ZERO_VALID:
        _say(sample, 0.0)
    elif int(sample.valid) == 1:
        _corrupt_valid(fault, memory, key, count, cycles, t_ns, sample)
    elif kind == FaultKind.SATURATED or kind == FaultKind.FALSE_VALID:
        _say(sample, float(fault.value_m))


@kernel
def _corrupt_valid(fault, memory, key, count, cycles, t_ns, sample):
    """The same for a sample that saw the ground."""
    kind = int(fault.kind)
    good = float(sample.range_m)
    if kind == FaultKind.FALSE_INVALID:
        sample.valid = 0
    elif kind == FaultKind.SATURATED:
        _say(sample, min(good, float(fault.value_m)))
    elif kind == FaultKind.WRONG:
        since_s = float(open_ns(memory, t_ns)) * 1e-9
        _say(sample, good + float(fault.offset_m) + float(fault.ramp_mps) * since_s)
    elif kind == FaultKind.SCALE:
        _say(sample, good * float(fault.scale))
    elif kind == FaultKind.WRONG_SCALE:
        if int(memory.held_t_ns) == NOTHING:
            memory.held_t_ns = t_ns
            memory.cycles = cycles
        if int(memory.cycles) == cycles:
            _say(sample, good * float(fault.scale))
    elif kind == FaultKind.NOISE:
        sigma_m = float(fault.sigma_m) + float(fault.sigma_share) * good
        _say(sample, good + sigma_m * gauss(key, DRAWS * count + 2))
    elif kind == FaultKind.SPIKES:
        up = uniform(key, DRAWS * count + 1) < 0.5
        _say(sample, good + float(fault.offset_m) if up else good - float(fault.offset_m))
    elif kind == FaultKind.FALSE_SHORT:
        _say(sample, good * uniform(key, DRAWS * count + 1))
    elif kind == FaultKind.MULTIPLE_RETURNS:
        _say(sample, good + float(fault.offset_m) * uniform(key, DRAWS * count + 1))


@kernel
def _postpone(fault, memory, key, count, t_ns, due_ns):
    """When a sample arrives that was due at due_ns."""
    kind = int(fault.kind)
    if kind == FaultKind.DELAYED or kind == FaultKind.REORDER:
        return due_ns + ns(float(fault.delay_s))
    if kind == FaultKind.JITTER:
        return due_ns + ns(float(fault.jitter_s) * uniform(key, DRAWS * count + 1))
    if kind == FaultKind.GROWING_LAG:
        since_s = float(open_ns(memory, t_ns)) * 1e-9
        return due_ns + ns(float(fault.lag_share) * since_s)
    period_ns = ns(float(fault.period_s))
    if kind == FaultKind.BURST and period_ns > 0:
        periods = (due_ns - int(memory.opened_ns) + period_ns - 1) // period_ns
        return int(memory.opened_ns) + periods * period_ns
    return due_ns
