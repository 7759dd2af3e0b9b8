"""Guidance at 10 Hz: thrust vector, throttle, and the cue that ends the phase.

Coast and braking fly to the gate (fsw.guidance.braking), approach, descent and terminal land
(fsw.guidance.approach_descent), an abort climbs out (fsw.guidance.abort). All of them command a
direction that turns no faster than body z can follow (fsw.guidance.thrust_vector), and their
vertical command stays under the stopping-distance law, whose figures are updated here first.
No law integrates, so none winds up.
"""

from fsw.framework.kernel import kernel
from fsw.framework.record import f64, record, u8
from fsw.guidance.abort import climb_out
from fsw.guidance.approach_descent import descend
from fsw.guidance.blind_descent import descent_floor, is_blind
from fsw.guidance.braking import brake
from fsw.guidance.stopping_distance import stopping_height, stopping_margin, usable_decel, v_cap
from fsw.guidance.thrust_vector import command_thrust, hold_attitude_at_first
from fsw.interface.modes import Cue, Mode
from fsw.models.gravity import surface_gravity

GUIDANCE_PARAMS = record(
    "GuidanceParams",
    "Braking to the gate, leaning in approach and descent, climbing out.",
    ignition_range_m=f64(
        "distance to the site below which ignition is considered", default=700e3, lo=1e5, hi=1.5e6
    ),
    ignition_throttle=f64("even throttle at which braking begins", default=0.94, lo=0.5, hi=1.0),
    throttle_ceiling=f64(
        "throttle above which the gate slides downrange", default=0.995, lo=0.5, hi=1.0
    ),
    gate_height_m=f64("height of the gate, where braking ends", default=3900.0, lo=500.0, hi=20e3),
    gate_clear_m=f64(
        "least height of the gate above the lowest ground that cannot be ruled out",
        default=2600.0,
        lo=0.0,
        hi=20e3,
    ),
    gate_highest_m=f64("greatest height of the gate", default=7000.0, lo=500.0, hi=20e3),
    gate_shift_mps2=f64(
        "rate at which the gate may move while braking, over the time to go",
        default=0.05,
        lo=0.0,
        hi=1.0,
    ),
    gate_short_m=f64("distance of the gate before the site", default=250.0, lo=0.0, hi=20e3),
    gate_forward_mps=f64("speed towards the site at the gate", default=20.0, lo=0.0, hi=200.0),
    gate_down_mps=f64("descent rate at the gate", default=75.0, lo=0.0, hi=200.0),
    give_up_mps=f64(
        "ground speed below which a gate out of reach ends braking",
        default=250.0,
        lo=0.0,
        hi=1000.0,
    ),
    freeze_s=f64("time to go below which it is only counted down", default=8.0, lo=1.0, hi=60.0),
    hold_s=f64("time to go below which the thrust vector is held", default=3.0, lo=0.2, hi=30.0),
    lean_approach_deg=f64("greatest lean in approach", default=50.0, lo=1.0, hi=70.0),
    lean_descent_deg=f64("greatest lean in descent", default=12.0, lo=1.0, hi=45.0),
    lean_terminal_deg=f64("greatest lean in terminal", default=4.0, lo=0.5, hi=15.0),
    decel_approach_mps2=f64(
        "horizontal deceleration planned in approach", default=1.0, lo=0.1, hi=5.0
    ),
    shed_above_m=f64(
        "height above which approach sheds what speed it has", default=100.0, lo=0.0, hi=5e3
    ),
    shed_s=f64(
        "time in which approach sheds its speed, where that needs more deceleration",
        default=20.0,
        lo=1.0,
        hi=1e3,
    ),
    decel_descent_mps2=f64(
        "horizontal deceleration planned in descent", default=0.2, lo=0.02, hi=2.0
    ),
    tau_place_s=f64(
        "time constant of the horizontal position loop", default=10.0, lo=2.0, hi=100.0
    ),
    tau_drift_s=f64("time constant of the horizontal velocity loop", default=4.0, lo=1.0, hi=30.0),
    drift_per_height_ps=f64(
        "horizontal speed allowed per height above the upright height",
        default=0.015,
        lo=0.0,
        hi=1.0,
    ),
    drift_max_mps=f64("horizontal speed allowed towards the site", default=12.0, lo=0.0, hi=100.0),
    upright_height_m=f64(
        "height below which drift is damped and the site no longer sought",
        default=12.0,
        lo=0.0,
        hi=200.0,
    ),
    settled_mps=f64("horizontal speed at which approach ends", default=4.0, lo=0.5, hi=50.0),
    turn_degps=f64("greatest turn rate of the thrust direction", default=4.0, lo=0.2, hi=20.0),
    abort_height_m=f64("height to which an abort climbs", default=20e3, lo=5e3, hi=200e3),
    abort_climb_mps=f64("greatest climb rate in an abort", default=60.0, lo=1.0, hi=500.0),
    abort_surplus_mps=f64(
        "speed above circular at which an abort cuts the engine", default=15.0, lo=0.0, hi=200.0
    ),
)

GUIDANCE = record(
    "Guidance",
    "Commands of guidance, and its memory between runs.",
    a_cmd_L_mps2=f64("thrust acceleration commanded", 3),
    a_brake_L_mps2=f64("thrust acceleration that leads to the gate", 3),
    thrust_dir_L=f64("direction commanded for body z; zero before the first run", 3),
    side_L=f64("direction commanded for body y, as far as body z allows", 3),
    downrange_L=f64("horizontal unit vector towards the site, kept from 20 km on", 3),
    accel_mps2=f64("thrust acceleration commanded along body z"),
    throttle=f64("the same as a share of full thrust, before lag compensation"),
    gate_m=f64("height of the gate above the site; 0 before it was set"),
    t_go_s=f64("time to the gate; 0 when not braking"),
    even_throttle=f64("throttle that even braking would need from here; 0 out of range"),
    v_cmd_mps=f64("descent rate commanded"),
    v_cap_mps=f64("greatest descent rate that could still be stopped"),
    v_floor_mps=f64("descent rate below which no law slows the vehicle"),
    a_floor_mps2=f64("deceleration that follows it"),
    stopping_margin_m=f64("height left after a stop to touchdown speed that begins now"),
    a_d_mps2=f64("deceleration that the stopping-distance law counts on"),
    u_before_mps2=f64("upward thrust acceleration before runtime assurance"),
    u_assured_mps2=f64("upward thrust acceleration after runtime assurance"),
    cue=u8("cue to the mode manager", codes=Cue),
    short=u8("1 while full thrust does not suffice to hold the downrange"),
    assured=u8("1 while runtime assurance raises the thrust"),
    engine_cut=u8("1 once the burn is complete"),
    blind=u8("1 in a blind descent"),
    blind_reported=u8("1 once that was reported"),
    spare=u8("zero", 2),
)


@kernel
def guide(guidance, params, estimate, mode, thrust_scale, dt_s):
    """Update guidance from the estimate.

    dt_s: time since the last run [s]; thrust_scale: true over commanded thrust.
    """
    guidance.cue = Cue.NONE
    guidance.assured = 0
    accel_max = accel_at_full_thrust(params.vehicle, estimate, thrust_scale)
    hold_attitude_at_first(guidance, estimate)
    _update_stopping_law(guidance, params, estimate, accel_max)
    if mode == Mode.COAST or mode == Mode.BRAKING:
        brake(guidance, params, estimate, mode, accel_max, dt_s)
    elif mode == Mode.APPROACH or mode == Mode.DESCENT or mode == Mode.TERMINAL:
        descend(guidance, params, estimate, mode, accel_max, dt_s)
    elif mode == Mode.ABORT:
        climb_out(guidance, params, estimate, accel_max, dt_s)
    else:
        command_thrust(guidance, (0.0, 0.0, 0.0), 0.0, accel_max)


@kernel
def accel_at_full_thrust(vehicle, estimate, thrust_scale):
    """Full thrust, as far as the engine still gives it, over mass [m/s^2]."""
    mass_kg = max(float(estimate.mass_kg), 0.5 * float(vehicle.dry_mass_kg))
    return float(vehicle.thrust_max_N) * thrust_scale / mass_kg


@kernel
def _update_stopping_law(guidance, params, estimate, accel_max):
    """Figures of the stopping-distance law and of the speed floor at the present state."""
    descent = params.descent
    g = surface_gravity(params.moon, params.site)
    h_lo = float(estimate.altitude_lo_m)
    a_d = usable_decel(descent, accel_max, g)
    h_stop = stopping_height(descent, h_lo, a_d)
    v = float(estimate.v_down_mps)
    slowest, decel = descent_floor(params, estimate, accel_max, g)
    guidance.a_d_mps2 = a_d
    guidance.v_floor_mps = slowest
    guidance.a_floor_mps2 = decel
    cap = v_cap(descent, h_lo, a_d)
    guidance.v_cap_mps = max(cap, slowest)
    guidance.blind = 1 if is_blind(params.letdown, estimate) and slowest > cap else 0
    guidance.stopping_margin_m = stopping_margin(h_stop, v, a_d, float(descent.t_d_s))
