"""Observed truth: heights in flight, the state in the site's frame for logs, the touchdown record.

Nothing here moves the vehicle or evaluates the run.
"""

from math import sqrt

from fsw.framework.kernel import kernel
from fsw.mathlib.elementary import atan2
from fsw.mathlib.frames import DEG
from fsw.mathlib.vectors import (
    add3,
    dot3,
    load3,
    load4,
    norm3,
    quat_mul,
    rotate,
    scale3,
    store3,
    store4,
    sub3,
    unit3,
    unrotate,
)
from sim.plant.landing_legs import observe_footpads
from sim.plant.moon import ground_velocity, height_over_mean_m, map_place, q_LI_true
from sim.plant.terrain import ground_height_m
from sim.plant.vehicle import centre_of_mass_B, mass_kg

# the ground is observed every tick below this clearance, ten times a second above
FINE_BELOW_M = 200.0
COARSE_TICKS = 10

# clearance below which planes are laid under the footpads
FOOTPADS_BELOW_M = 4.0

# the ground is not observed this far above its highest point
SKY_M = 30_000.0

# at rest: slower than this for this time
STILL_MPS = 0.05
STILL_RADPS = 0.5 * DEG
STILL_NS = 2_000_000_000


@kernel
def observe_surroundings(world):
    """Update heights: over the mean radius, of the ground below, of the lowest footpad over it."""
    truth = world.truth
    r_I = load3(truth.r_BM_I_m)
    height = height_over_mean_m(world, r_I)
    truth.height_m = height
    drop = height - float(truth.ground_m)
    due = int(world.tick) % COARSE_TICKS == 0 or drop < FINE_BELOW_M
    if due and height < float(world.errors.relief_m) + SKY_M:
        truth.ground_m = ground_height_m(world, rotate(q_LI_true(world, int(world.t_ns)), r_I))
    clearance = height - float(truth.ground_m) - float(world.vehicle.footpad_below_m)
    if clearance < FOOTPADS_BELOW_M:
        clearance = observe_footpads(world, centre_of_mass_B(world, float(truth.propellant_kg)))
    truth.clearance_m = clearance


@kernel
def motion_over_ground(world):
    """(v_down, v_horizontal, tilt, rate) against the turning ground [m/s, m/s, rad, rad/s]."""
    truth = world.truth
    r_I = load3(truth.r_BM_I_m)
    up = unit3(r_I)
    v = sub3(load3(truth.v_BM_I_mps), ground_velocity(world, r_I))
    rise = dot3(v, up)
    level = sub3(v, scale3(up, rise))
    axis = rotate(load4(truth.q_IB), (0.0, 0.0, 1.0))
    c = dot3(axis, up)
    tilt = atan2(norm3(sub3(axis, scale3(up, c))), c)
    return (-rise, norm3(level), tilt, norm3(_rate_over_ground_B(world)))


@kernel
def _rate_over_ground_B(world):
    spin_B = unrotate(load4(world.truth.q_IB), (0.0, 0.0, float(world.moon.omega_radps)))
    return sub3(load3(world.truth.omega_BI_B_radps), spin_B)


@kernel
def observe_truth(out, world):
    """Fill a TruthL with the current state in the site's frame."""
    truth = world.truth
    r_I = load3(truth.r_BM_I_m)
    q_LI = q_LI_true(world, int(world.t_ns))
    site_radius = float(world.moon.radius_m) + float(world.errors.site_height_m)
    out.t_ns = int(world.t_ns)
    store3(out.r_BL_L_m, add3(rotate(q_LI, r_I), (0.0, 0.0, -site_radius)))
    v_I = sub3(load3(truth.v_BM_I_mps), ground_velocity(world, r_I))
    store3(out.v_BL_L_mps, rotate(q_LI, v_I))
    store4(out.q_LB, quat_mul(q_LI, load4(truth.q_IB)))
    store3(out.omega_BL_B_radps, _rate_over_ground_B(world))
    v_down, v_horizontal, tilt, rate = motion_over_ground(world)
    out.altitude_m = float(truth.clearance_m)
    out.height_m = float(truth.height_m)
    out.v_down_mps = v_down
    out.v_horizontal_mps = v_horizontal
    out.tilt_rad = tilt
    out.rate_radps = rate
    out.mass_kg = mass_kg(world, float(truth.propellant_kg))
    out.propellant_kg = float(truth.propellant_kg)
    out.thrust_N = float(truth.thrust_N)


@kernel
def note_contact(world, t_ns, motion):
    """Record the motion (see motion_over_ground) at a contact that has just begun."""
    touchdown = world.touchdown
    v_down, v_horizontal, tilt, rate = motion
    touchdown.contacts = int(touchdown.contacts) + 1
    touchdown.worst_v_down_mps = max(float(touchdown.worst_v_down_mps), v_down)
    touchdown.worst_v_horizontal_mps = max(float(touchdown.worst_v_horizontal_mps), v_horizontal)
    touchdown.worst_rate_radps = max(float(touchdown.worst_rate_radps), rate)
    if int(touchdown.first_t_ns) >= 0:
        return
    touchdown.first_t_ns = t_ns
    touchdown.v_down_mps = v_down
    touchdown.v_horizontal_mps = v_horizontal
    touchdown.tilt_rad = tilt
    touchdown.rate_radps = rate
    touchdown.propellant_kg = float(world.truth.propellant_kg)
    r_site = rotate(q_LI_true(world, t_ns), load3(world.truth.r_BM_I_m))
    x, y = map_place(world, r_site)
    touchdown.miss_m = sqrt(x * x + y * y)


@kernel
def note_rest(world):
    """After a tick: record lowest clearance, tilt since contact, hull strike, and rest."""
    touchdown = world.touchdown
    truth = world.truth
    touchdown.lowest_m = min(float(touchdown.lowest_m), float(truth.clearance_m))
    above = float(truth.height_m) - float(truth.ground_m)
    if above < float(world.vehicle.hull_radius_m) and int(touchdown.struck_t_ns) < 0:
        touchdown.struck_t_ns = int(world.t_ns)
    if int(touchdown.first_t_ns) < 0:
        return
    v_down, v_horizontal, tilt, rate = motion_over_ground(world)
    touchdown.rest_tilt_rad = tilt
    touchdown.worst_tilt_rad = max(float(touchdown.worst_tilt_rad), tilt)
    slow = abs(v_down) < STILL_MPS and v_horizontal < STILL_MPS and rate < STILL_RADPS
    if int(truth.legs) == 0 or not slow:
        touchdown.still_since_ns = -1
        return
    if int(touchdown.still_since_ns) < 0:
        touchdown.still_since_ns = int(world.t_ns)
    if int(touchdown.settled_t_ns) < 0:
        if int(world.t_ns) - int(touchdown.still_since_ns) >= STILL_NS:
            touchdown.settled_t_ns = int(world.t_ns)
