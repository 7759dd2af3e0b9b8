"""Onboard model of propulsion: mass, expected thrust, delta-v left.

Mass follows the rocket equation from the measured delta-v, dm = -m dv / c, and is corrected by
propellant gauging at 1 Hz, good to 1 kg. Expected thrust is the command behind the engine's dead
time and lag, to compare with measured thrust.
"""

from fsw.framework.kernel import kernel
from fsw.framework.record import f64, record, u8
from fsw.interface.timing import TICK_S
from fsw.mathlib.elementary import log

# delta-v of one tick, at most: full thrust over the longest gap that is bridged
DELTA_V_MAX_MPS = 50.0

# a gauging beyond this, or a NaN, is no mass
GAUGED_MAX_KG = 1e6

PROPULSION_PARAMS = record(
    "PropulsionParams",
    "Estimation of mass and expected thrust.",
    mass_sigma_kg=f64("standard deviation of the mass at the start", default=5.0, lo=0.0, hi=1e3),
    gauge_sigma_kg=f64("standard deviation of one gauging", default=1.0, lo=0.01, hi=1e3),
    mass_drift_kg=f64(
        "growth of the mass's deviation per root second", default=0.05, lo=0.0, hi=10.0
    ),
    propellant_low_kg=f64(
        "propellant below which a warning is given", default=15.0, lo=0.0, hi=1e4
    ),
    mass_min_kg=f64("a descent is not begun below this mass", default=600.0, lo=0.0, hi=1e5),
)

PROPULSION = record(
    "Propulsion",
    "Mass and thrust as estimated.",
    mass_kg=f64("mass"),
    variance_kg2=f64("variance of the mass"),
    thrust_N=f64("thrust that the engine should give at present"),
    ready=u8("1 when the engine may be started, as last reported"),
    reported=u8("1 once the propulsion controller has reported"),
    low_reported=u8("1 once low propellant was reported"),
    spare=u8("zero", 5),
)


@kernel
def begin_propulsion(propulsion, params, vehicle):
    """State before the first report."""
    propulsion.mass_kg = vehicle.mass_kg
    propulsion.variance_kg2 = float(params.mass_sigma_kg) * float(params.mass_sigma_kg)


@kernel
def track_mass(propulsion, params, inbox, delta_v_mps, unpowered):
    """Burn propellant for the delta-v of this tick, then correct by gauging when there is one."""
    limits = params.propulsion
    vehicle = params.vehicle
    mass = float(propulsion.mass_kg)
    if not unpowered:
        mass = mass - mass * min(delta_v_mps, DELTA_V_MAX_MPS) / float(vehicle.exhaust_mps)
    drift = float(limits.mass_drift_kg)
    variance = float(propulsion.variance_kg2) + drift * drift * TICK_S
    if int(inbox.has_propulsion) == 1:
        gauged = float(inbox.propulsion.mass_kg)
        if 0.0 < gauged < GAUGED_MAX_KG:
            sigma = float(limits.gauge_sigma_kg)
            gain = variance / (variance + sigma * sigma)
            mass = mass + gain * (gauged - mass)
            variance = (1.0 - gain) * variance
            propulsion.ready = inbox.propulsion.ready
            propulsion.reported = 1
    propulsion.mass_kg = max(mass, float(vehicle.dry_mass_kg))
    propulsion.variance_kg2 = variance


@kernel
def track_thrust(propulsion, vehicle, throttle, engine_on):
    """Advance the expected thrust by the command of this tick, for the next one."""
    wanted = 0.0
    if engine_on == 1:
        wanted = throttle * float(vehicle.thrust_max_N)
    lag = float(vehicle.lag_s) + float(vehicle.transport_s) + TICK_S
    thrust = float(propulsion.thrust_N)
    propulsion.thrust_N = thrust + (wanted - thrust) * min(TICK_S / lag, 1.0)


@kernel
def propellant_left_kg(propulsion, vehicle):
    """Estimated propellant."""
    return max(float(propulsion.mass_kg) - float(vehicle.dry_mass_kg), 0.0)


@kernel
def delta_v_left(vehicle, mass_kg):
    """Delta-v of the propellant left, by the rocket equation [m/s]."""
    dry_kg = float(vehicle.dry_mass_kg)
    return float(vehicle.exhaust_mps) * log(max(mass_kg, dry_kg) / dry_kg)
