"""The world: every record of the truth, and the one record that composes them.

First the figures that a scenario may set (Moon, site, vehicle, terrain, sensors, dispersions,
start: each is a table of the scenario file), then the errors drawn for this run, then the state.
Copying a World copies a run, which can be continued from the copy.

The simulator has figures of its own and uses none of the flight software's.
"""

from typing import NamedTuple

from fsw.framework.codes import Code
from fsw.framework.record import f64, i64, record, u8
from fsw.interface.messages import NAV_UPDATE
from sim.faults.records import COMPUTER, EFFECTS
from sim.sensors.records import SENSOR_BOARD, SENSOR_INBOX

LEGS = 4
DELAY_SLOTS = 64


class StartKind(Code):
    """Where a scenario starts."""

    PDI = 0
    ORBIT = 1


# --- figures that a scenario may set --------------------------------------------------------

MOON = record(
    "Moon",
    "The Moon as it is. GM and J2: GRAIL, GRGM1200A; radius and rotation: IAU 2015.",
    gm_m3ps2=f64("gravitational parameter", default=4.9028001e12, lo=0.0, hi=1e14),
    j2=f64("second zonal harmonic, unnormalised", default=2.0323e-4, lo=0.0, hi=1e-2),
    gravity_radius_m=f64("radius to which J2 refers", default=1.738e6, lo=1.7e6, hi=1.8e6),
    radius_m=f64("mean radius, from which heights count", default=1.7374e6, lo=1.7e6, hi=1.8e6),
    omega_radps=f64("sidereal rotation", default=2.6616995e-6, lo=0.0, hi=1e-4),
)

SITE = record(
    "Site",
    "Place of the landing site, and its height on the map.",
    latitude_deg=f64("selenographic latitude", default=0.0, lo=-89.0, hi=89.0),
    longitude_deg=f64("longitude, at t = 0 from the inertial x axis", lo=-360.0, hi=360.0),
    height_m=f64("mapped height of the ground above the mean radius", lo=-10000.0, hi=10000.0),
)

VEHICLE = record(
    "Vehicle",
    "Masses, engine, thrusters, legs. Places are from the centre of mass with full tanks.",
    dry_mass_kg=f64("mass with empty tanks", default=340.0, lo=1.0, hi=1e5),
    propellant_full_kg=f64("propellant in full tanks", default=380.0, lo=1.0, hi=1e5),
    inertia_full_kgm2=f64(
        "principal moments of inertia, full", 3, default=(420.0, 420.0, 300.0), lo=1.0, hi=1e6
    ),
    inertia_dry_kgm2=f64(
        "principal moments of inertia, dry", 3, default=(230.0, 230.0, 160.0), lo=1.0, hi=1e6
    ),
    cm_rise_m=f64("rise of the centre of mass until dry", default=0.05, lo=-1.0, hi=1.0),
    engine_below_m=f64("depth of the thrust's point of action", default=0.8, lo=0.0, hi=10.0),
    thrust_max_N=f64("full thrust", default=1600.0, lo=1.0, hi=1e6),
    throttle_min=f64("lowest throttle the engine holds", default=0.1, lo=0.0, hi=1.0),
    isp_s=f64("specific impulse of the engine", default=315.0, lo=50.0, hi=500.0),
    lag_s=f64("time constant of thrust", default=0.2, lo=0.01, hi=2.0),
    transport_s=f64("dead time from command to engine", default=0.05, lo=0.0, hi=0.6),
    hold_s=f64("age at which a command is no longer held", default=0.2, lo=0.01, hi=10.0),
    rcs_torque_Nm=f64(
        "thruster torque about each body axis", 3, default=(40.0, 40.0, 20.0), lo=0.0, hi=1e4
    ),
    rcs_arm_m=f64("lever arm of the thruster pairs", default=1.0, lo=0.1, hi=10.0),
    rcs_isp_s=f64("specific impulse of the thrusters", default=220.0, lo=50.0, hi=500.0),
    rcs_min_on_s=f64("shortest pulse of a thruster", default=0.01, lo=0.0, hi=0.01),
    tank_pressure_Pa=f64("pressure in the tanks", default=1.8e6, lo=0.0, hi=1e8),
    gauge_sigma_kg=f64("noise of the propellant gauge", default=1.0, lo=0.0, hi=100.0),
    footpad_below_m=f64("depth of the footpads", default=1.2, lo=0.1, hi=20.0),
    footpad_radius_m=f64("distance of the footpads from the axis", default=1.3, lo=0.1, hi=20.0),
    hull_radius_m=f64(
        "height of the centre at which the hull strikes", default=0.5, lo=0.0, hi=10.0
    ),
    leg_stiffness_Npm=f64("spring of one leg", default=1e4, lo=1.0, hi=1e7),
    leg_damping_Nspm=f64("damper of one leg", default=1200.0, lo=0.0, hi=1e6),
    friction=f64("Coulomb friction of a footpad on the ground", default=0.6, lo=0.0, hi=2.0),
    slip_mps=f64("slip at which friction is fully developed", default=0.02, lo=1e-3, hi=1.0),
    propulsion_ready=u8("1 when the engine can be started", default=1, lo=0, hi=1),
    spare=u8("zero", 7),
)

NOISE_LAYERS = 4
CRATER_LAYERS = 3

TERRAIN = record(
    "Terrain",
    "Ground around the site: slope, swells, craters with rims, roughness, and a step.",
    slope_east=f64("regional slope, rise over run towards east", lo=-1.0, hi=1.0),
    slope_north=f64("regional slope, rise over run towards north", lo=-1.0, hi=1.0),
    slope_reach_m=f64("distance at which the slope levels off", default=5000.0, lo=1.0, hi=1e6),
    noise_cell_m=f64(
        "lattice of each swell", NOISE_LAYERS, default=(2500.0, 200.0, 12.0, 1.5), lo=0.1, hi=1e6
    ),
    noise_height_m=f64(
        "half height of each swell", NOISE_LAYERS, default=(40.0, 2.0, 0.08, 0.02), lo=0.0, hi=5e3
    ),
    crater_cell_m=f64(
        "lattice of each size of crater, one to a cell",
        CRATER_LAYERS,
        default=(4000.0, 500.0, 60.0),
        lo=1.0,
        hi=1e6,
    ),
    crater_depth=f64("depth of a crater over its radius", default=0.2, lo=0.0, hi=1.0),
    crater_rim=f64("height of a rim over the radius", default=0.05, lo=0.0, hi=0.5),
    crater_share=f64("share of the cells that hold a crater", default=0.7, lo=0.0, hi=1.0),
    calm_radius_m=f64("distance within which craters are shallow", default=2000.0, lo=0.0, hi=1e6),
    calm_share=f64("depth of craters there, as a share", default=0.1, lo=0.0, hi=1.0),
    step_m=f64("height of a step: ground beyond it over ground before it", lo=-10000.0, hi=10000.0),
    step_x_m=f64("place of the step, east of the site", lo=-1e6, hi=1e6),
    step_y_m=f64("place of the step, north of the site", lo=-1e6, hi=1e6),
    step_azimuth_deg=f64("direction in which the step rises", default=90.0, lo=-360.0, hi=360.0),
    step_width_m=f64("run of the step", default=30.0, lo=0.5, hi=1e5),
    albedo=f64("mean normal albedo", default=0.12, lo=0.01, hi=1.0),
    albedo_spread=f64("half range of the albedo, as a share of it", default=0.3, lo=0.0, hi=0.9),
    albedo_cell_m=f64("lattice on which the albedo changes", default=400.0, lo=1.0, hi=1e6),
)

DISPERSIONS = record(
    "Dispersions",
    "Standard deviations of the errors drawn for each run; state errors at the start.",
    altitude_m=f64("radial position", default=150.0, lo=0.0, hi=1e5),
    horizontal_m=f64("position along each horizontal axis", default=300.0, lo=0.0, hi=1e5),
    velocity_mps=f64("velocity along each axis", default=0.05, lo=0.0, hi=100.0),
    attitude_arcsec=f64("attitude about each axis", default=10.0, lo=0.0, hi=1e5),
    gyro_bias_degph=f64("gyro bias", default=0.005, lo=0.0, hi=1e3),
    accel_bias_ug=f64("accelerometer bias", default=5.0, lo=0.0, hi=1e5),
    imu_scale_ppm=f64("scale factor of each inertial axis", default=30.0, lo=0.0, hi=1e5),
    imu_misalignment_arcsec=f64("each angle between the axes", default=10.0, lo=0.0, hi=1e5),
    thrust=f64("thrust, as a share", default=0.01, lo=0.0, hi=0.3),
    isp=f64("specific impulse, as a share", default=0.005, lo=0.0, hi=0.3),
    mass=f64("mass, dry and propellant alike, as a share", default=0.005, lo=0.0, hi=0.3),
    thrust_axis_rad=f64("each angle of the thrust axis", default=5e-4, lo=0.0, hi=0.1),
    cm_offset_m=f64("each offset of the centre of mass", default=1e-3, lo=0.0, hi=0.5),
    site_height_m=f64("true against mapped height of the site", default=30.0, lo=0.0, hi=1e4),
    slope=f64("regional slope along each axis", default=0.01, lo=0.0, hi=0.5),
)

START = record(
    "Start",
    "Where a flight begins, before the dispersions: at PDI, or at the apolune before it.",
    update_t_ns=i64("time of the second state vector's uplink; -1 for never", default=-1, lo=-1),
    altitude_m=f64("pdi: height above the mean radius; orbit: of apolune", default=2e4, lo=0.0),
    perilune_m=f64("orbit: height of perilune", default=2e4, lo=-1e4, hi=1e6),
    speed_mps=f64("pdi: inertial speed", default=1680.0, lo=0.0, hi=1e4),
    flight_path_deg=f64("pdi: velocity above the horizontal", default=0.0, lo=-90.0, hi=90.0),
    downrange_m=f64("ground track left to the site, from PDI", default=4.6e5, lo=-5e6, hi=5e6),
    crossrange_m=f64("offset of the track to the left of the site", default=0.0, lo=-1e6, hi=1e6),
    azimuth_deg=f64("heading over the site, from north to east", default=90.0, lo=-360.0, hi=360.0),
    propellant_kg=f64("propellant on board", default=380.0, lo=0.0, hi=1e5),
    kind=u8("where the flight begins", codes=StartKind),
    spare=u8("zero", 7),
)

# --- errors drawn for a run -----------------------------------------------------------------

ERRORS = record(
    "Errors",
    "Errors drawn for this run, and figures derived once before it.",
    thrust=f64("true over nominal thrust", default=1.0),
    isp=f64("true over nominal specific impulse", default=1.0),
    mass=f64("true over nominal mass", default=1.0),
    thrust_axis_B_rad=f64("thrust axis off z_B, towards x and y", 2),
    cm_B_m=f64("centre of mass off the axis, x and y", 2),
    slope=f64("regional slope on top of the terrain's, east and north", 2),
    ground_m=f64("added to the relief, so that the site has its true height"),
    relief_m=f64("bound of the ground's height above the mean radius"),
    site_height_m=f64("true height of the ground at the site above the mean radius"),
    step_axis=f64("unit vector in which the step rises, east and north", 2),
    q_LF=f64("takes Moon-fixed components to east, north, up of the site", 4, default=(1, 0, 0, 0)),
)

# --- state ----------------------------------------------------------------------------------

TRUTH = record(
    "Truth",
    "True state of the vehicle. Velocity and rate are inertial.",
    r_BM_I_m=f64("centre of mass from the Moon's centre", 3),
    v_BM_I_mps=f64("velocity in the inertial frame", 3),
    q_IB=f64("attitude, takes body to inertial components", 4, default=(1, 0, 0, 0)),
    omega_BI_B_radps=f64("angular rate against the inertial frame", 3),
    propellant_kg=f64("propellant on board, nominal kilograms times the mass error"),
    thrust_N=f64("thrust of the main engine"),
    height_m=f64("centre of mass above the mean radius"),
    ground_m=f64("ground under the vehicle above the mean radius, as last observed"),
    clearance_m=f64("lowest footpad above the ground; coarse above 200 m"),
    legs=i64("bit i is set while leg i touches"),
)


class InertialState(NamedTuple):
    """Position, velocity and attitude against the inertial frame."""

    r_BM_I_m: tuple[float, float, float]
    v_BM_I_mps: tuple[float, float, float]
    q_IB: tuple[float, float, float, float]


class VehicleState(NamedTuple):
    """The integrated part of Truth, in which one stage of a step is evaluated."""

    r_BM_I_m: tuple[float, float, float]
    v_BM_I_mps: tuple[float, float, float]
    q_IB: tuple[float, float, float, float]
    omega_BI_B_radps: tuple[float, float, float]
    propellant_kg: float
    thrust_N: float


class VehicleRates(NamedTuple):
    """Time derivatives of a VehicleState; acceleration apart into its two causes."""

    specific_force_I_mps2: tuple[float, float, float]
    gravity_I_mps2: tuple[float, float, float]
    q_dot: tuple[float, float, float, float]
    omega_dot_B_radps2: tuple[float, float, float]
    propellant_kgps: float
    thrust_Nps: float


LEG = record(
    "Leg",
    "The ground under one footpad: its tangent plane, renewed every tick near the ground.",
    ground_I_m=f64("a point of the plane at the start of the tick; it turns with the Moon", 3),
    normal_I=f64("unit normal, away from the ground", 3),
)

TRUTH_L = record(
    "TruthL",
    "The truth in the site's frame, for logs, verdicts and tests of navigation.",
    t_ns=i64("time to which it belongs"),
    r_BL_L_m=f64("position with respect to the site on its true ground", 3),
    v_BL_L_mps=f64("velocity with respect to the turning ground", 3),
    q_LB=f64("attitude", 4),
    omega_BL_B_radps=f64("angular rate with respect to the turning ground", 3),
    altitude_m=f64("lowest footpad above the ground under the vehicle"),
    height_m=f64("centre of mass above the mean radius"),
    v_down_mps=f64("descent rate along the local vertical"),
    v_horizontal_mps=f64("speed along the local horizontal"),
    tilt_rad=f64("z_B against the local vertical"),
    rate_radps=f64("magnitude of the angular rate"),
    mass_kg=f64("mass"),
    propellant_kg=f64("propellant"),
    thrust_N=f64("thrust"),
)

ACTUATORS = record(
    "Actuators",
    "Engine controller and thruster valves.",
    command_t_ns=i64("tick of the newest command", default=-1),
    throttle=f64("commands in the delay line to the engine, by tick", DELAY_SLOTS),
    thrust_target_N=f64("thrust that the engine approaches, 0 when cut or dry"),
    torque_wanted_Nm=f64("mean torque commanded", 3),
    torque_owed_Nms=f64("commanded angular impulse, still too small for a pulse", 3),
    torque_B_Nm=f64("mean torque of the thrusters in this tick", 3),
    side_torque_B_Nm=f64("torque of an engine that acts beside the axis", 3),
    holding=u8("1 while commands are overdue and the controller acts without one"),
    mode=u8("flight mode that the newest command carried"),
    spare=u8("zero", 6),
)

TOUCHDOWN_TRUTH = record(
    "Touchdown",
    "Figures of the landing, measured on the truth.",
    first_t_ns=i64("first contact; -1 before", default=-1),
    v_down_mps=f64("descent rate of the centre of mass at first contact"),
    v_horizontal_mps=f64("horizontal speed at first contact, against the ground"),
    tilt_rad=f64("z_B against the local vertical at first contact"),
    rate_radps=f64("angular rate at first contact"),
    miss_m=f64("distance from the site along the ground at first contact"),
    propellant_kg=f64("propellant left at first contact"),
    worst_v_down_mps=f64("greatest descent rate of all contacts"),
    worst_v_horizontal_mps=f64("greatest horizontal speed of all contacts"),
    worst_rate_radps=f64("greatest angular rate of all contacts"),
    worst_tilt_rad=f64("greatest tilt since first contact"),
    worst_stroke_m=f64("greatest compression of a leg"),
    rest_tilt_rad=f64("current tilt, after first contact"),
    still_since_ns=i64("at rest on the ground since then; -1 while moving", default=-1),
    settled_t_ns=i64("at rest for two seconds; -1 before", default=-1),
    struck_t_ns=i64("the hull met the ground; -1 before", default=-1),
    dry_t_ns=i64("the tanks ran dry; -1 before", default=-1),
    lowest_m=f64("least clearance so far", default=1e9),
    contacts=i64("times that contact began"),
)

UPLINK = record(
    "Uplink",
    "State of the ground station.",
    nominal=NAV_UPDATE("state vector sent at the start: the nominal state"),
    updates=i64("state vectors sent"),
)

WORLD = record(
    "World",
    "The whole truth of one run.",
    t_ns=i64("time"),
    tick=i64("ticks since the start"),
    seed=i64("seed of all random streams of this run", lo=0, hi=2**51 - 1),
    moon=MOON("the Moon"),
    site=SITE("the site"),
    vehicle=VEHICLE("the vehicle"),
    terrain=TERRAIN("the ground"),
    dispersions=DISPERSIONS("standard deviations"),
    start=START("where the flight begins"),
    errors=ERRORS("errors drawn for this run"),
    truth=TRUTH("state of the vehicle"),
    legs=LEG("ground under each footpad", LEGS),
    actuators=ACTUATORS("engine and thrusters"),
    sensor_inbox=SENSOR_INBOX("true inputs of the sensors in this tick"),
    board=SENSOR_BOARD("the sensors, and all faults"),
    touchdown=TOUCHDOWN_TRUTH("the landing so far"),
    uplink=UPLINK("ground station"),
    effects=EFFECTS("effects of faults on engine and thrusters in this tick"),
    computer=COMPUTER("effects of faults on the flight computer"),
)
