"""Records of a sensor board: its state, and its true inputs for one tick.

The plant casts rays and moves the vehicle; what the instruments add (noise, bias, rounding, faults,
transport delay of ranges) is computed on a SensorBoard, whose only input from the world is a
SensorInbox. In process the board is part of the world; on a bench the same record is loaded into a
microcontroller, and the inbox is sent over the line, its per-tick part kept short.
"""

from fsw.framework.record import f32, f64, i64, record, u8, u16, u32
from fsw.interface.messages import (
    CONTACT_SAMPLE,
    GROUND_COMMAND,
    IMU_SAMPLE,
    IMUS_PER_TICK,
    NAV_UPDATE,
    PROPULSION_STATUS,
    RANGE_COMMAND,
    RANGE_SAMPLE,
    RANGES_PER_TICK,
)
from sim.faults.records import FAULT_MEMORY
from sim.faults.table import FAULT, FAULT_SLOTS

TICK_MESSAGES = record(
    "TickMessages",
    "Messages that reach the flight computer in one tick.",
    ranges=RANGE_SAMPLE("range samples", RANGES_PER_TICK),
    imus=IMU_SAMPLE("inertial increments", IMUS_PER_TICK),
    contact=CONTACT_SAMPLE("footpad state"),
    propulsion=PROPULSION_STATUS("propulsion status"),
    nav_update=NAV_UPDATE("uplinked state vector"),
    command=GROUND_COMMAND("ground command"),
    n_ranges=u8("ranges present"),
    n_imus=u8("increments present"),
    has_contact=u8("1 when contact is present"),
    has_propulsion=u8("1 when propulsion is present"),
    has_nav_update=u8("1 when nav_update is present"),
    has_command=u8("1 when command is present"),
    spare=u16("zero"),
)

DELIVERY_SLOTS = 256

# --- what a scenario may set ----------------------------------------------------------------

RANGEFINDER = record(
    "Rangefinder",
    "The laser rangefinder: geometry, noise, link budget, false returns.",
    period_ticks=i64("ticks between samples", default=5, lo=1, hi=1000),
    latency_s=f64("mean time from measurement to arrival", default=0.05, lo=0.0, hi=5.0),
    latency_sigma_s=f64("its standard deviation", default=0.01, lo=0.0, hi=1.0),
    sigma_m=f64("noise, constant part", default=0.5, lo=0.0, hi=1000.0),
    sigma_share=f64("noise, as a share of the range", default=0.002, lo=0.0, hi=1.0),
    quantum_m=f64("resolution", default=0.1, lo=1e-3, hi=100.0),
    min_m=f64("shortest range that it measures", default=2.0, lo=0.0, hi=1e4),
    max_m=f64("longest range that it measures", default=5000.0, lo=10.0, hi=1e5),
    cant_deg=f64("boresight from -z_B towards +x_B", default=0.0, lo=-90.0, hi=90.0),
    below_m=f64("depth below the centre of mass with full tanks", default=0.5, lo=-20.0, hi=20.0),
    reach_m=f64(
        "range of detection probability 0.5, plumb, at rest, reference albedo",
        default=8e3,
        lo=10.0,
        hi=1e6,
    ),
    reference_albedo=f64("albedo to which the reach refers", default=0.12, lo=0.01, hi=1.0),
    loss_db=f64("loss of the link against that budget", default=0.0, lo=0.0, hi=80.0),
    closing_mps=f64("closing speed that halves the return", default=300.0, lo=1.0, hi=1e6),
    false_share=f64("probability of a false short return", default=1e-4, lo=0.0, hi=1.0),
    multiple_share=f64("probability of a multiple, longer return", default=1e-4, lo=0.0, hi=1.0),
    multiple_m=f64("greatest excess of a multiple return", default=30.0, lo=0.0, hi=1e4),
    warmup_s=f64("time from power to the first sample", default=2.0, lo=0.0, hi=1000.0),
    powered=u8("1 when switched on at the start", default=1, lo=0, hi=1),
    spare=u8("zero", 7),
)

IMU = record(
    "Imu",
    "The inertial measurement unit: noise, resolution and limits.",
    gyro_walk_degprth=f64("angle random walk, deg/sqrt(h)", default=0.002, lo=0.0, hi=10.0),
    accel_walk_ugprtHz=f64("velocity random walk, ug/sqrt(Hz)", default=10.0, lo=0.0, hi=1e5),
    gyro_drift_degphprth=f64("bias random walk, deg/h/sqrt(h)", default=2e-4, lo=0.0, hi=10.0),
    accel_drift_ugprth=f64("bias random walk, ug/sqrt(h)", default=0.2, lo=0.0, hi=1e4),
    angle_quantum_rad=f64("resolution of an angle increment", default=1e-9, lo=1e-15, hi=1e-2),
    velocity_quantum_mps=f64("resolution of a velocity increment", default=1e-7, lo=1e-15, hi=1.0),
    rate_max_radps=f64("rate at which a gyro clips", default=3.0, lo=1e-3, hi=100.0),
    accel_max_mps2=f64("specific force at which an axis clips", default=100.0, lo=0.1, hi=1e5),
)

SENSORS = record(
    "Sensors",
    "The instruments on board.",
    range=RANGEFINDER("laser rangefinder"),
    imu=IMU("inertial measurement unit"),
)

# --- inputs of a board for one tick ---------------------------------------------------------

SENSOR_TRUTH = record(
    "SensorTruth",
    "True inputs of the instruments in every tick; it starts a sensor board's tick.",
    t_ns=i64("time of the tick"),
    dv_B_mps=f64("velocity gained by specific force, in the axes of mid-interval", 3),
    dtheta_B_rad=f64("rotation vector from the old to the new body axes", 3),
    clearance_m=f32("lowest footpad above the ground"),
    legs=u8("bit i is set while leg i touches"),
    mode=u8("flight mode that the command in force carries"),
    messages=u8("further messages sent to the board for this tick"),
    wants=u8("requested: bit 0: hash of the board's record"),
)

RANGE_TRUTH = record(
    "RangeTruth",
    "True geometry of the beam on the ground: all inputs of an emulated rangefinder.",
    t_ns=i64("time of the measurement"),
    slant_m=f64("distance along the boresight; 0 without ground in reach"),
    cos_incidence=f32("cosine between beam and the ground's normal"),
    albedo=f32("normal albedo of that ground"),
    closing_mps=f32("closing speed along the beam"),
    spare=u32("zero"),
)

STATUS_TRUTH = record(
    "StatusTruth",
    "True values of a propulsion status, in the ticks in which one is due.",
    t_ns=i64("time of the tick"),
    mass_kg=f64("mass of the vehicle"),
    gauge_sigma_kg=f64("noise of the propellant gauge"),
    tank_pressure_Pa=f64("pressure in the tanks"),
    ready=u8("1 when the engine may be started or is running"),
    spare=u8("zero", 7),
)

SENSOR_INBOX = record(
    "SensorInbox",
    "True inputs of a sensor board for one tick.",
    truth=SENSOR_TRUTH("inputs of every tick"),
    beam=RANGE_TRUTH("beam on the ground"),
    status=STATUS_TRUTH("propulsion"),
    range_command=RANGE_COMMAND("command to the rangefinder"),
    has_beam=u8("1 when beam is of this tick"),
    has_status=u8("1 when status is of this tick"),
    has_range_command=u8("1 when range_command is of this tick"),
    spare=u8("zero", 5),
)

# --- state of a board -----------------------------------------------------------------------

IMU_ERRORS = record(
    "ImuErrors",
    "Errors of this inertial unit: measured = matrix * true + bias * dt + noise.",
    gyro_matrix=f64("scale and misalignment, row by row", 9, default=(1, 0, 0, 0, 1, 0, 0, 0, 1)),
    accel_matrix=f64("scale and misalignment, row by row", 9, default=(1, 0, 0, 0, 1, 0, 0, 0, 1)),
    gyro_bias_radps=f64("current bias, a random walk", 3),
    accel_bias_mps2=f64("current bias, a random walk", 3),
)

IMU_READING = record(
    "ImuReading",
    "Increments measured by the inertial unit in one interval, before they are summed.",
    t_ns=i64("end of the interval, by the unit's clock"),
    dt_ns=i64("length of the interval"),
    dv_B_mps=f64("velocity gained", 3),
    dtheta_B_rad=f64("angle turned", 3),
    saturated=i64("1 when an axis was clipped"),
)

IMU_STATE = record(
    "ImuState",
    "State of the inertial unit.",
    count=i64("intervals since the start"),
    velocity_B_mps=f64("integral: sum of all readings", 3),
    angle_B_rad=f64("integral: sum of all readings", 3),
    angle_residue_rad=f64("rounding residue, less than the resolution", 3),
    velocity_residue_mps=f64("rounding residue, less than the resolution", 3),
)

RANGE_STATE = record(
    "RangeState",
    "State of the rangefinder.",
    count=i64("samples since the start"),
    ready_t_ns=i64("time from which it is powered and warm; negative: off"),
    cycles=i64("times it was switched on in flight"),
)

DELIVERY = record(
    "Delivery",
    "Ranges in transit, sorted by time of arrival.",
    due_ns=i64("time of arrival of each", DELIVERY_SLOTS),
    ranges=RANGE_SAMPLE("samples in transit", DELIVERY_SLOTS),
    n=i64("samples in transit"),
    lost=i64("samples dropped because the queue was full"),
)

SENSOR_EFFECTS = record(
    "SensorEffects",
    "Effects of the open faults on the instruments in this tick.",
    loss_db=f64("loss of the rangefinder's link on top of its budget"),
    opened=u8("rows whose window opened in this tick: bit i for row i"),
    closed=u8("rows whose window closed in this tick"),
    silent=u8("1 while all sensors are silent"),
    not_ready=u8("1 while propulsion reports that it is not ready"),
    spare=u8("zero", 4),
)

SENSOR_BOARD = record(
    "SensorBoard",
    "The whole state of the sensors: figures, errors, faults, samples in transit.",
    seed=i64("seed of all random streams of this run", lo=0, hi=2**51 - 1),
    n_faults=i64("rows of faults in use"),
    contacts_sent=i64("contact samples since the start"),
    statuses_sent=i64("propulsion statuses since the start"),
    legs_reported=i64("legs as reported by the last contact sample"),
    clock_offset_ns=i64("board's own clock minus time of the truth; real time only"),
    clock_ticks=i64("ticks from which this offset is estimated; 0 while time is virtual"),
    sensors=SENSORS("the instruments"),
    imu_errors=IMU_ERRORS("inertial unit"),
    imu_reading=IMU_READING("its last reading"),
    imu_state=IMU_STATE("inertial unit"),
    range_state=RANGE_STATE("rangefinder"),
    delivery=DELIVERY("samples in transit"),
    faults=FAULT("rows of faults, in the order in which they are applied", FAULT_SLOTS),
    fault_memory=FAULT_MEMORY("memory of each row", FAULT_SLOTS),
    effects=SENSOR_EFFECTS("effects of the open rows in this tick"),
)
