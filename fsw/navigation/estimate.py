"""The estimate: navigation's output to guidance, control and telemetry, in the site's frame."""

from fsw.framework.record import f64, i64, record

ESTIMATE = record(
    "Estimate",
    "Output of navigation for guidance and control: the present state, in the site's frame.",
    t_ns=i64("time to which it belongs, flight clock"),
    r_BL_L_m=f64("position with respect to the landing site", 3),
    v_BL_L_mps=f64("velocity with respect to the landing site, which turns with the Moon", 3),
    q_LB=f64("attitude", 4),
    omega_BL_B_radps=f64("angular rate, site's frame neglected", 3),
    f_B_mps2=f64("specific force of the last increment, bias removed", 3),
    up_L=f64("unit vector from the Moon's centre to the vehicle", 3),
    altitude_m=f64("footpads above the ground under the beam"),
    sigma_altitude_m=f64("standard deviation of that altitude"),
    altitude_lo_m=f64("lowest altitude that cannot be ruled out"),
    altitude_blind_m=f64("altitude for a blind descent: the lower of primary and alternate"),
    sigma_blind_m=f64("standard deviation of that altitude"),
    altitude_hi_m=f64("altitude by the highest live hypothesis, no margin added"),
    v_down_mps=f64("descent rate along the local vertical"),
    sigma_v_down_mps=f64("standard deviation of the descent rate"),
    mass_kg=f64("mass"),
    range_age_s=f64("age of the newest range fused; -1 before the first"),
)
