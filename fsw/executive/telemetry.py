"""Telemetry: the housekeeping record, filled from core."""

from fsw.framework.kernel import kernel
from fsw.mathlib.vectors import load3, load4
from fsw.models.propulsion import propellant_left_kg

# range_state while ranges are silent; otherwise it is 1 once locked, as in the filter
RANGE_SILENT = 2


@kernel
def fill_telemetry(outbox, core, params):
    """Fill the telemetry record of the outbox."""
    t = outbox.telemetry
    estimate = core.estimate
    guidance = core.guidance
    r = load3(estimate.r_BL_L_m)
    v = load3(estimate.v_BL_L_mps)
    q = load4(estimate.q_LB)
    for i in range(3):
        t.r_BL_L_m[i] = r[i]
        t.v_BL_L_mps[i] = v[i]
    for i in range(4):
        t.q_LB[i] = q[i]
    t.altitude_m = estimate.altitude_m
    t.altitude_lo_m = estimate.altitude_lo_m
    t.sigma_altitude_m = estimate.sigma_altitude_m
    t.v_cap_mps = guidance.v_cap_mps
    t.stopping_margin_m = guidance.stopping_margin_m
    t.throttle = core.actuators.throttle
    t.mass_kg = estimate.mass_kg
    t.propellant_kg = propellant_left_kg(core.propulsion, params.vehicle)
    t.t_go_s = guidance.t_go_s
    t.range_age_s = estimate.range_age_s
    for i in range(len(t.range_verdicts)):
        t.range_verdicts[i] = core.navigation.intake.verdicts[i]
    t.tick = core.executive.tick
    t.overruns = core.executive.overruns
    t.mode = core.executive.mode
    t.range_state = core.navigation.grid.trust.locked
    if int(core.navigation.silent) == 1:
        t.range_state = RANGE_SILENT
    outbox.has_telemetry = 1
