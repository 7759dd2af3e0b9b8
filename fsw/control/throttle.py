"""Throttle: commanded acceleration to throttle, with lag, limits and the thrust scale in it."""

from fsw.control.thrust_estimator import THROTTLE_STEADY, forget_thrust, gauge_thrust
from fsw.framework.kernel import kernel
from fsw.mathlib.vectors import clamp

# --- throttle ----------------------------------------------------------------------------


@kernel
def control_throttle(state, params, vehicle, estimate, guidance, running, dt_s):
    """Throttle for the acceleration that guidance wants; 0 when the engine is off."""
    if not running:
        forget_thrust(state.thrust)
        state.thrust_share = 0.0
        state.throttle = 0.0
        return 0.0
    mass_kg = max(float(estimate.mass_kg), 1.0)
    full_N = float(vehicle.thrust_max_N)
    least = float(vehicle.throttle_min)
    felt = float(estimate.f_B_mps2[2]) * mass_kg / full_N
    expected = float(state.thrust_share)
    steady = abs(float(state.throttle) - expected) <= THROTTLE_STEADY
    # an engine that is out still leaves noise; exactly nothing is an accelerometer that is out
    if felt != 0.0:
        late_s = float(vehicle.transport_s) + dt_s
        gauge_thrust(state.thrust, params.thrust, felt, expected, steady, late_s, dt_s)
    wanted = float(guidance.accel_mps2) * mass_kg / (full_N * float(state.thrust.scale))
    wanted = clamp(wanted, least, 1.0)
    share = float(state.thrust_share)
    part = float(params.lag_compensation)
    throttle = clamp(wanted + (wanted - share) * part / (1.0 - part), least, 1.0)
    lag_s = max(float(vehicle.lag_s), dt_s)
    state.thrust_share = share + (throttle - share) * dt_s / lag_s
    state.throttle = throttle
    return throttle
