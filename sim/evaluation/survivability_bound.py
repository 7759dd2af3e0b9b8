"""The survivability bound: whether any landing was possible, from a relaxed vertical problem.

Full thrust at once, no lag, no tilt, propellant counted: a vehicle that cannot stop like this
cannot be stopped. The bound is one-sided: a state that passes it may be lost all the same. With
thrust T, exhaust speed c, mass m0 and tau = m0 c / T, descent rate and height lost after t are

    v(t) = v0 + g t + c ln(1 - t / tau)
    s(t) = v0 t + g t**2 / 2 - c (t + (tau - t) ln(1 - t / tau))

and s at v(t) = touchdown speed is the least height from which to stop. The least propellant is
spent by free fall first and full thrust last, one switch (Miele 1962, Meditch 1964): so there is a
greatest height too, from which the tanks last. The ground must lie between the two.

Horizontal speed v_h is relaxed as well: it reduces gravity by v_h**2 / r, as if it lasted, and the
delta-v D in the tanks must cover it, so that D**2 >= horizontal**2 + vertical**2.
"""

import math
from dataclasses import dataclass
from typing import Any

from fsw.interface.modes import Mode
from sim.evaluation.verdict import LANDED_LIMITS

# bisection steps: more than the bits of a double
HALVINGS = 100


@dataclass(frozen=True)
class Moment:
    """State from which the bound is computed: kilograms, metres, seconds, newtons.

    `height_m` is that of the footpads above the lowest candidate ground, `thrust_N` the full
    thrust available from then on, `radius_m` the distance from the Moon's centre.
    """

    t_s: float
    height_m: float
    v_down_mps: float
    v_horizontal_mps: float
    mass_kg: float
    propellant_kg: float
    thrust_N: float
    exhaust_mps: float
    gravity_mps2: float
    radius_m: float
    mode: str = ""


@dataclass(frozen=True)
class Stop:
    """Heights between which the ground can be met within the limits; NaN where there are none."""

    least_m: float
    greatest_m: float


def moment_of(world: Any, kept: Any) -> Moment | None:
    """The Moment of a kept record; None when the run never came to it.

    Its ground is the lowest of three: below the vehicle then, below it at the end, at the site.
    """
    if kept.t_ns < 0:
        return None
    below = kept.height_m - float(world.vehicle.footpad_below_m) - kept.clearance_m
    ground = min(below, float(world.truth.ground_m), float(world.errors.site_height_m))
    return Moment(
        t_s=float(kept.t_ns) * 1e-9,
        height_m=float(kept.clearance_m + below - ground),
        v_down_mps=float(kept.v_down_mps),
        v_horizontal_mps=float(kept.v_horizontal_mps),
        mass_kg=float(kept.mass_kg),
        propellant_kg=float(kept.propellant_kg),
        thrust_N=float(kept.thrust_N),
        exhaust_mps=float(kept.exhaust_mps),
        gravity_mps2=float(kept.gravity_mps2),
        radius_m=float(kept.radius_m),
        mode=Mode.label_of(int(kept.mode)),
    )


def unsurvivable_reason(moment: Moment) -> str | None:
    """Text on why no landing was possible from this moment on; None when one may have been."""
    stop = heights_to_stop(moment)
    height, speed = moment.height_m, moment.v_down_mps
    if math.isnan(stop.least_m):
        return f"the propellant does not stop {speed:.1f} m/s from any height"
    if height < stop.least_m:
        return (
            f"full thrust needs {stop.least_m:.0f} m to stop {speed:.1f} m/s, "
            f"and the ground is {height:.0f} m away"
        )
    if height > stop.greatest_m:
        return (
            f"the propellant lasts for {stop.greatest_m:.0f} m, "
            f"and the ground is {height:.0f} m away"
        )
    return None


def heights_to_stop(moment: Moment) -> Stop:
    """Least and greatest height from which the relaxed problem meets the touchdown limits."""
    gravity = moment.gravity_mps2 - moment.v_horizontal_mps**2 / moment.radius_m
    burn_s = _vertical_burn_s(moment)
    if burn_s is None:
        return Stop(math.nan, math.nan)
    if gravity <= 0.0:
        return Stop(0.0, math.inf)
    v0, limit = moment.v_down_mps, LANDED_LIMITS.v_down_mps
    fastest = _fastest_to_stop(moment, gravity, burn_s)
    if v0 > fastest:
        return Stop(math.nan, math.nan)
    least = 0.0
    if v0 > limit:
        least = height_lost_m(moment, gravity, v0, time_to_stop_s(moment, gravity, v0, burn_s))
    if fastest <= limit:
        return Stop(least, (limit**2 - v0**2) / (2.0 * gravity))
    free_fall = (fastest**2 - v0**2) / (2.0 * gravity)
    return Stop(least, free_fall + height_lost_m(moment, gravity, fastest, burn_s))


def speed_mps(moment: Moment, gravity_mps2: float, v0_mps: float, t_s: float) -> float:
    """Descent rate after t_s of full thrust."""
    gone = moment.thrust_N * t_s / (moment.mass_kg * moment.exhaust_mps)
    return v0_mps + gravity_mps2 * t_s + moment.exhaust_mps * math.log1p(-gone)


def height_lost_m(moment: Moment, gravity_mps2: float, v0_mps: float, t_s: float) -> float:
    """Height lost after t_s of full thrust."""
    c = moment.exhaust_mps
    if moment.thrust_N <= 0.0:
        return v0_mps * t_s + 0.5 * gravity_mps2 * t_s**2
    tau = moment.mass_kg * c / moment.thrust_N
    braked = c * (t_s + (tau - t_s) * math.log1p(-t_s / tau))
    return v0_mps * t_s + 0.5 * gravity_mps2 * t_s**2 - braked


def time_to_stop_s(moment: Moment, gravity_mps2: float, v0_mps: float, burn_s: float) -> float:
    """Time after which full thrust has slowed v0 to touchdown speed; it does so within burn_s."""
    tau = moment.mass_kg * moment.exhaust_mps / moment.thrust_N
    early = max(tau - moment.exhaust_mps / gravity_mps2, 0.0)  # too heavy to slow down before
    late = burn_s
    for _ in range(HALVINGS):
        middle = 0.5 * (early + late)
        if speed_mps(moment, gravity_mps2, v0_mps, middle) > LANDED_LIMITS.v_down_mps:
            early = middle
        else:
            late = middle
    return late


def _vertical_burn_s(moment: Moment) -> float | None:
    """Duration of full thrust after the horizontal speed is cancelled; None when it cannot be."""
    c, dry = moment.exhaust_mps, moment.mass_kg - moment.propellant_kg
    budget = c * math.log(moment.mass_kg / dry)
    across = max(moment.v_horizontal_mps - LANDED_LIMITS.v_horizontal_mps, 0.0)
    if moment.thrust_N <= 0.0:
        return 0.0 if across == 0.0 else None
    if across > budget:
        return None
    vertical = math.sqrt(budget**2 - across**2)
    return moment.mass_kg * -math.expm1(-vertical / c) * c / moment.thrust_N


def _fastest_to_stop(moment: Moment, gravity_mps2: float, burn_s: float) -> float:
    """Greatest descent rate that full thrust for burn_s, or less, slows to touchdown speed."""
    if moment.thrust_N <= 0.0:
        return LANDED_LIMITS.v_down_mps
    slowed = -speed_mps(moment, gravity_mps2, 0.0, burn_s)
    return LANDED_LIMITS.v_down_mps + max(slowed, 0.0)
