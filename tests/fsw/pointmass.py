"""A point mass under the guidance laws, with a truth of its own, apart from the flight kernels.

The frame is the site's, on the equator, turning with the Moon. Attitude follows the thrust
direction wanted at once, thrust with the engine's lag; navigation is perfect but for the errors
asked for, and sees the true height once it is below 3 km.
"""

import functools
import math

import numpy as np

from fsw.control.attitude import attitude_wanted
from fsw.executive.state import PARAMS
from fsw.framework.kernel import kernel
from fsw.framework.record import f64, i64, record
from fsw.guidance.dispatch import GUIDANCE, guide
from fsw.guidance.stopping_distance import lowest_altitude
from fsw.interface.modes import Mode, next_mode
from fsw.mathlib.vectors import add3, add_scaled3, load3, norm3, scale3, store3, store4, unit3
from fsw.navigation.estimate import ESTIMATE

GM, RADIUS_M, OMEGA_RADPS = 4.9028e12, 1.7374e6, 2.6617e-6
FULL_N, EXHAUST_MPS, DRY_KG, LAG_S = 1600.0, 3089.1, 340.0, 0.25
STEP_S = 0.1
LOCK_M = 3000.0
NOTICE_S = 20.0  # time after ignition when the thrust scale is known

CRAFT = record(
    "PointMass",
    "Truth and flight software's memory of a point mass.",
    r_L_m=f64("position", 3),
    v_L_mps=f64("velocity", 3),
    r_error_m=f64("estimated less true position", 3),
    height_m=f64("height"),
    mass_kg=f64("mass", default=720.0),
    thrust=f64("true over believed full thrust", default=1.0),
    share=f64("thrust, as a share of full"),
    burning_s=f64("time since ignition"),
    t_s=f64("time"),
    mode=i64("flight mode", default=Mode.COAST),
    guidance=GUIDANCE("guidance"),
    estimate=ESTIMATE("estimate"),
    params=PARAMS("parameters"),
)


@kernel
def _sense(craft):
    """Fill the estimate from the truth and its errors."""
    e = craft.estimate
    g = craft.guidance
    centre = add3(load3(craft.r_L_m), (0.0, 0.0, RADIUS_M))
    up = unit3(centre)
    v = load3(craft.v_L_mps)
    craft.height_m = norm3(centre) - RADIUS_M
    error = load3(craft.r_error_m)
    if float(craft.height_m) < LOCK_M:
        error = (error[0], error[1], 0.0)
    store3(e.r_BL_L_m, add3(load3(craft.r_L_m), error))
    store3(e.v_BL_L_mps, v)
    store3(e.up_L, up)
    if norm3(load3(g.thrust_dir_L)) > 0.5:
        store4(e.q_LB, attitude_wanted(load3(g.thrust_dir_L), load3(g.side_L)))
    e.altitude_m = float(craft.height_m) + error[2]
    e.altitude_lo_m = lowest_altitude(craft.params.descent, float(e.altitude_m), 0.3, 0.0)
    e.v_down_mps = -(v[0] * up[0] + v[1] * up[1] + v[2] * up[2])
    e.mass_kg = craft.mass_kg


@kernel
def _fall(r, v):
    """Gravity, centrifugal and Coriolis acceleration; the site turns about y."""
    centre = add3(r, (0.0, 0.0, RADIUS_M))
    pull = scale3(centre, -GM / (norm3(centre) * norm3(centre) * norm3(centre)))
    w = OMEGA_RADPS
    turning = (w * w * centre[0] - 2.0 * w * v[2], 0.0, w * w * centre[2] + 2.0 * w * v[0])
    return add3(pull, turning)


@kernel
def step(craft):
    """One run of guidance and a tenth of a second of truth."""
    _sense(craft)
    g = craft.guidance
    scale = float(craft.thrust) if float(craft.burning_s) > NOTICE_S else 1.0
    guide(g, craft.params, craft.estimate, int(craft.mode), scale, STEP_S)
    after = next_mode(int(craft.mode), int(g.cue))
    if after >= 0:
        craft.mode = after
    target = 0.0
    mass = float(craft.mass_kg)
    if int(craft.mode) != Mode.COAST:
        craft.burning_s = float(craft.burning_s) + STEP_S
        if mass > DRY_KG and int(g.engine_cut) == 0:
            target = min(max(float(g.accel_mps2) * mass / (FULL_N * scale), 0.1), 1.0)
    craft.share = float(craft.share) + (target - float(craft.share)) * STEP_S / (LAG_S + STEP_S)
    force = float(craft.share) * FULL_N * float(craft.thrust)
    push = scale3(load3(g.thrust_dir_L), force / mass)
    r, v = load3(craft.r_L_m), load3(craft.v_L_mps)
    r_mid = add_scaled3(r, v, 0.5 * STEP_S)
    v_mid = add_scaled3(v, add3(push, _fall(r, v)), 0.5 * STEP_S)
    store3(craft.r_L_m, add_scaled3(r, v_mid, STEP_S))
    store3(craft.v_L_mps, add_scaled3(v, add3(push, _fall(r_mid, v_mid)), STEP_S))
    craft.mass_kg = mass - force / EXHAUST_MPS * STEP_S
    craft.t_s = float(craft.t_s) + STEP_S


@kernel
def _fly(craft, kept, last_mode):
    """Step until the ground, the rows of `kept` are full, or a mode beyond last_mode."""
    n = 0
    while n < len(kept) and int(craft.mode) <= last_mode:
        step(craft)
        kept[n] = craft
        n += 1
        if float(craft.height_m) <= 0.0 or int(craft.guidance.engine_cut) == 1:
            break
    return n


def new_craft(r, v, **values):
    """A point mass, upright unless it coasts."""
    craft = CRAFT.new(r_L_m=r, v_L_mps=v, **values)
    craft.estimate.q_LB = (
        (0.5, -0.5, -0.5, 0.5) if craft.mode == Mode.COAST else (1.0, 0.0, 0.0, 0.0)
    )
    return craft


def fly(craft, last_mode=99, limit_s=1500.0):
    """Fly on; returns what the craft was after every run of guidance, as an array of records."""
    kept = CRAFT.array(int(limit_s / STEP_S))
    return kept[: _fly(craft, kept, last_mode)]


def on_orbit(angle_rad, height_m=20e3, speed_mps=1684.0):
    """(position, velocity) of level flight eastwards, an angle before the site."""
    radius = RADIUS_M + height_m
    s, c = math.sin(angle_rad), math.cos(angle_rad)
    r = np.array([-radius * s, 0.0, radius * c - RADIUS_M])
    return r, speed_mps * np.array([c, 0.0, s])


@functools.cache
def descent(**dispersion):
    """A descent from a minute before ignition to the ground, kept."""
    return fly(new_craft(*on_orbit(0.36), **dispersion))
