"""Throttle: commanded acceleration to throttle, with lag, limits and the thrust scale.

The lag is compensated in part: the command leads the lag model's thrust by part / (1 - part) of
their difference.
"""

from fsw.control.thrust_estimator import (
    THROTTLE_STEADY,
    ThrustReading,
    estimate_thrust,
    reset_thrust_means,
)
from fsw.framework.kernel import kernel
from fsw.mathlib.vectors import clamp

# least mass that thrust is computed for
MASS_MIN_KG = 1.0


@kernel
def control_throttle(core, params, running, dt_s):
    """Throttle for the acceleration that guidance commands; 0 when the engine is off."""
    state = core.control
    vehicle = params.vehicle
    if not running:
        reset_thrust_means(state.thrust)
        state.thrust_share = 0.0
        state.throttle = 0.0
        return 0.0
    mass_kg = max(float(core.estimate.mass_kg), MASS_MIN_KG)
    full_N = float(vehicle.thrust_max_N)
    least = float(vehicle.throttle_min)
    measured = float(core.estimate.f_B_mps2[2]) * mass_kg / full_N
    expected = float(state.thrust_share)
    steady = abs(float(state.throttle) - expected) <= THROTTLE_STEADY
    # a failed engine still leaves noise; exactly zero is a failed accelerometer
    if measured != 0.0:
        reading = ThrustReading(measured, expected, steady, float(vehicle.transport_s) + dt_s)
        estimate_thrust(state.thrust, params.control.thrust, reading, dt_s)
    wanted = float(core.guidance.accel_mps2) * mass_kg / (full_N * float(state.thrust.scale))
    wanted = clamp(wanted, least, 1.0)
    share = float(state.thrust_share)
    part = float(params.control.lag_compensation)
    throttle = clamp(wanted + (wanted - share) * part / (1.0 - part), least, 1.0)
    lag_s = max(float(vehicle.lag_s), dt_s)
    state.thrust_share = share + (throttle - share) * dt_s / lag_s
    state.throttle = throttle
    return throttle
