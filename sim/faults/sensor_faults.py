"""What faults do to increments, contacts and propulsion status, which arrive as they are taken.

Rows act in their order, as in sim.faults.range_faults.
"""

from fsw.framework.kernel import kernel
from fsw.mathlib.vectors import clamp, load3
from sim.faults.table import FaultKind, Sensor
from sim.faults.windows import acts, false_stamp_ns, is_lost, message_stream, ns, open_ns


@kernel
def is_sent(faults, memories, n, seed, sensor, count, t_ns):
    """False when one of n rows loses message number `count` of a sensor, sent at t_ns."""
    sent = True
    for i in range(n):
        if int(faults[i].sensor) == sensor and is_lost(
            faults[i], memories[i], seed, i, count, t_ns
        ):
            sent = False
    return sent


@kernel
def fault_imu(faults, memories, n, seed, count, t_ns, reading):
    """Apply n rows to reading number `count`, an ImuReading taken at t_ns."""
    for i in range(n):
        fault = faults[i]
        memory = memories[i]
        kind = int(fault.kind)
        key = message_stream(seed, i)
        if int(fault.sensor) == Sensor.IMU:
            stamp_ns = int(reading.t_ns)
            reading.t_ns = false_stamp_ns(fault, memory, key, count, t_ns, stamp_ns)
        elif int(memory.open) == 1 and kind == FaultKind.IMU_BIAS:
            _add_bias(fault, reading)
        elif int(memory.open) == 1 and kind == FaultKind.IMU_CLIP:
            _clip(fault, memory, t_ns, reading)
        elif kind == FaultKind.IMU_ZERO and acts(fault, memory, key, count):
            for k in range(3):
                reading.dv_B_mps[k] = 0.0


@kernel
def _add_bias(fault, reading):
    axis = int(fault.axis)
    dt = float(int(reading.dt_ns)) * 1e-9
    dv = float(reading.dv_B_mps[axis])
    dtheta = float(reading.dtheta_B_rad[axis])
    reading.dv_B_mps[axis] = dv + float(fault.accel_offset_mps2) * dt
    reading.dtheta_B_rad[axis] = dtheta + float(fault.rate_offset_radps) * dt


@kernel
def _clip(fault, memory, t_ns, reading):
    """Hold every axis within the limits; one that was clipped stays there for a while."""
    dt = float(int(reading.dt_ns)) * 1e-9
    dv_max = float(fault.accel_max_mps2) * dt
    dtheta_max = float(fault.rate_max_radps) * dt
    clipped = False
    for k in range(3):
        dv = float(reading.dv_B_mps[k])
        dtheta = float(reading.dtheta_B_rad[k])
        if abs(dv) > dv_max or abs(dtheta) > dtheta_max:
            clipped = True
            reading.dv_B_mps[k] = clamp(dv, -dv_max, dv_max)
            reading.dtheta_B_rad[k] = clamp(dtheta, -dtheta_max, dtheta_max)
    if clipped:
        reading.saturated = 1
        memory.until_ns = t_ns + ns(float(fault.hold_s))
        for k in range(3):
            memory.held_dv_B_mps[k] = float(reading.dv_B_mps[k])
            memory.held_dtheta_B_rad[k] = float(reading.dtheta_B_rad[k])
    elif t_ns < int(memory.until_ns):
        reading.saturated = 1
        dv_held = load3(memory.held_dv_B_mps)
        dtheta_held = load3(memory.held_dtheta_B_rad)
        for k in range(3):
            reading.dv_B_mps[k] = dv_held[k]
            reading.dtheta_B_rad[k] = dtheta_held[k]


@kernel
def fault_legs(faults, memories, n, t_ns, legs):
    """Legs that report a touch at t_ns, bit i for leg i, from those that do touch."""
    for i in range(n):
        fault = faults[i]
        memory = memories[i]
        if int(memory.open) == 1:
            if int(fault.kind) == FaultKind.CONTACT_MISSING:
                legs = legs & ~int(fault.legs)
            elif int(fault.kind) == FaultKind.CONTACT_SPURIOUS and _in_pulse(fault, memory, t_ns):
                legs = legs | int(fault.legs)
    return legs


@kernel
def _in_pulse(fault, memory, t_ns):
    since_ns = open_ns(memory, t_ns)
    period_ns = ns(float(fault.period_s))
    if period_ns > 0:
        since_ns = since_ns % period_ns
    return since_ns < ns(float(fault.pulse_s))
