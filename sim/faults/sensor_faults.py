"""Faults of increments, contacts and propulsion status, which arrive in the tick they are taken.

Rows act in their order, as in sim.faults.range_faults.
"""

from fsw.framework.kernel import kernel
from fsw.mathlib.vectors import clamp, load3
from sim.faults.table import FaultKind, Sensor
from sim.faults.windows import Message, acts, false_stamp_ns, is_lost, ns, open_ns


@kernel
def is_sent(board, sensor, count, t_ns):
    """False when one of the board's rows loses message number `count` of a sensor, sent at t_ns."""
    sent = True
    for row in range(int(board.n_faults)):
        if int(board.faults[row].sensor) == sensor:
            message = Message(int(board.seed), row, count, t_ns)
            if is_lost(board.fault_memory[row], board.faults[row], message):
                sent = False
    return sent


@kernel
def fault_imu(board, t_ns):
    """Apply the board's rows to the ImuReading that it has just taken, at t_ns."""
    reading = board.imu_reading
    count = int(board.imu_state.count) - 1
    for row in range(int(board.n_faults)):
        fault = board.faults[row]
        memory = board.fault_memory[row]
        kind = int(fault.kind)
        message = Message(int(board.seed), row, count, t_ns)
        if int(fault.sensor) == Sensor.IMU:
            reading.t_ns = false_stamp_ns(memory, fault, message, int(reading.t_ns))
        elif int(memory.open) == 1 and kind == FaultKind.IMU_BIAS:
            _add_bias(reading, fault)
        elif int(memory.open) == 1 and kind == FaultKind.IMU_CLIP:
            _clip(reading, memory, fault, t_ns)
        elif kind == FaultKind.IMU_ZERO and acts(memory, fault, message):
            for k in range(3):
                reading.dv_B_mps[k] = 0.0


@kernel
def _add_bias(reading, fault):
    axis = int(fault.axis)
    dt = float(int(reading.dt_ns)) * 1e-9
    dv = float(reading.dv_B_mps[axis])
    dtheta = float(reading.dtheta_B_rad[axis])
    reading.dv_B_mps[axis] = dv + float(fault.accel_offset_mps2) * dt
    reading.dtheta_B_rad[axis] = dtheta + float(fault.rate_offset_radps) * dt


@kernel
def _clip(reading, memory, fault, t_ns):
    """Clip every axis to the row's limits; a clipped reading is repeated for hold_s more."""
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
def fault_legs(board, t_ns, legs):
    """Legs that report a touch at t_ns, bit i for leg i, from those that do touch."""
    for row in range(int(board.n_faults)):
        fault = board.faults[row]
        memory = board.fault_memory[row]
        if int(memory.open) == 1:
            if int(fault.kind) == FaultKind.CONTACT_MISSING:
                legs = legs & ~int(fault.legs)
            elif int(fault.kind) == FaultKind.CONTACT_SPURIOUS and _in_pulse(memory, fault, t_ns):
                legs = legs | int(fault.legs)
    return legs


@kernel
def _in_pulse(memory, fault, t_ns):
    since_ns = open_ns(memory, t_ns)
    period_ns = ns(float(fault.period_s))
    if period_ns > 0:
        since_ns = since_ns % period_ns
    return since_ns < ns(float(fault.pulse_s))
