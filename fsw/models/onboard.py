"""Onboard model of the world: Moon, site, vehicle, sensors.

The simulator owns the truth and has its own numbers; these are parameters of the flight software,
and a scenario may set them apart from the truth on purpose.
"""

from fsw.framework.record import f64, record

MOON_BELIEF = record(
    "MoonBelief",
    "Gravity, figure and rotation of the Moon. GM and J2: GRAIL GRGM1200A; radius: IAU.",
    gm_m3ps2=f64("gravitational parameter", default=4.9028001e12, lo=4.8e12, hi=5.0e12),
    j2=f64("second zonal harmonic", default=2.0323e-4, lo=0.0, hi=1e-2),
    gravity_radius_m=f64("radius to which J2 refers", default=1.738e6, lo=1.7e6, hi=1.8e6),
    radius_m=f64(
        "mean radius, from which heights are counted", default=1.7374e6, lo=1.7e6, hi=1.8e6
    ),
    omega_radps=f64("sidereal rotation", default=2.6616995e-6, lo=0.0, hi=1e-4),
)

SITE_BELIEF = record(
    "SiteBelief",
    "Where to land.",
    latitude_deg=f64("selenographic latitude", default=0.0, lo=-89.0, hi=89.0),
    longitude_deg=f64(
        "selenographic longitude, at flight time 0 from the inertial x axis",
        default=0.0,
        lo=-360.0,
        hi=360.0,
    ),
    height_m=f64(
        "height of the ground above the mean radius", default=0.0, lo=-10000.0, hi=10000.0
    ),
    height_sigma_m=f64(
        "standard deviation of the ground's height where the beam first hits it: map and relief",
        default=40.0,
        lo=0.0,
        hi=10000.0,
    ),
    slope_rms=f64("root mean square slope along the ground track", default=0.05, lo=0.0, hi=2.0),
)

VEHICLE_BELIEF = record(
    "VehicleBelief",
    "Masses, engine, thrusters and geometry as modelled on board.",
    mass_kg=f64("mass at flight time 0", default=720.0, lo=1.0, hi=1e5),
    dry_mass_kg=f64("mass with empty tanks", default=340.0, lo=1.0, hi=1e5),
    thrust_max_N=f64("full thrust", default=1600.0, lo=1.0, hi=1e6),
    throttle_min=f64("lowest throttle of the engine", default=0.1, lo=0.0, hi=1.0),
    exhaust_mps=f64(
        "effective exhaust velocity, Isp times 9.80665", default=3089.1, lo=100.0, hi=1e4
    ),
    lag_s=f64("time constant of thrust", default=0.2, lo=0.0, hi=2.0),
    transport_s=f64("dead time from command to engine", default=0.05, lo=0.0, hi=1.0),
    rcs_torque_Nm=f64(
        "greatest thruster torque about each body axis",
        (3,),
        default=(40.0, 40.0, 20.0),
        lo=0.0,
        hi=1e4,
    ),
    inertia_full_kgm2=f64(
        "principal moments of inertia at mass_kg",
        (3,),
        default=(420.0, 420.0, 300.0),
        lo=1.0,
        hi=1e6,
    ),
    inertia_dry_kgm2=f64(
        "principal moments of inertia at dry_mass_kg",
        (3,),
        default=(230.0, 230.0, 160.0),
        lo=1.0,
        hi=1e6,
    ),
    footpad_below_cm_m=f64("footpads below the centre of mass", default=1.2, lo=0.0, hi=20.0),
    range_below_cm_m=f64("rangefinder below the centre of mass", default=0.5, lo=-20.0, hi=20.0),
    range_cant_deg=f64(
        "rangefinder boresight from -z_B towards +x_B", default=0.0, lo=-90.0, hi=90.0
    ),
)
