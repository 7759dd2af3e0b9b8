"""Records of a sensor board: what it holds, and what it is told of the truth in every tick.

The plant casts rays and moves the vehicle; what an instrument makes of that (noise, bias,
rounding, faults, the time a range takes to arrive) happens on a SensorBoard, which sees nothing
of the world but a SensorInbox. In process the board is a part of the world; on a bench the same
record is loaded into a microcontroller, and the inbox travels over the line, short where it
is sent every tick.
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
    "The laser rangefinder: geometry, noise, link budget, faults of its nature.",
    period_ticks=i64("ticks between samples", default=5, lo=1, hi=1000),
    latency_s=f64("mean time from measurement to arrival", default=0.05, lo=0.0, hi=5.0),
    latency_sigma_s=f64("its standard deviation", default=0.01, lo=0.0, hi=1.0),
    sigma_m=f64("noise, constant part", default=0.5, lo=0.0, hi=1000.0),
    sigma_share=f64("noise, as a share of the range", default=0.002, lo=0.0, hi=1.0),
    quantum_m=f64("resolution", default=0.1, lo=1e-3, hi=100.0),
    min_m=f64("blind below this range", default=2.0, lo=0.0, hi=1e4),
    max_m=f64("no range beyond this", default=5000.0, lo=10.0, hi=1e5),
    cant_deg=f64("boresight from -z_B towards +x_B", default=0.0, lo=-90.0, hi=90.0),
    below_m=f64("so far below the centre of mass, full", default=0.5, lo=-20.0, hi=20.0),
    reach_m=f64(
        "range of even odds, plumb, at rest, on reference albedo", default=8e3, lo=10.0, hi=1e6
    ),
    reference_albedo=f64("albedo to which the reach refers", default=0.12, lo=0.01, hi=1.0),
    loss_db=f64("loss of the link against that budget", default=0.0, lo=0.0, hi=80.0),
    closing_mps=f64("closing speed that halves the return", default=300.0, lo=1.0, hi=1e6),
    false_share=f64("probability of a false short return", default=1e-4, lo=0.0, hi=1.0),
    multiple_share=f64("probability of a multiple, longer return", default=1e-4, lo=0.0, hi=1.0),
    multiple_m=f64("greatest excess of a multiple return", default=30.0, lo=0.0, hi=1e4),
    warmup_s=f64("from power to the first sample", default=2.0, lo=0.0, hi=1000.0),
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

# --- what a board is told -----------------------------------------------------------------

SENSOR_TRUTH = record(
    "SensorTruth",
    "The truth that instruments feel in a tick; it grants a sensor board its tick.",
    t_ns=i64("time of the tick"),
    dv_B_mps=f64("velocity gained by specific force, in the axes of mid-interval", 3),
    dtheta_B_rad=f64("rotation vector from the old to the new body axes", 3),
    clearance_m=f32("lowest footpad above the ground"),
    legs=u8("bit i is set while leg i touches"),
    mode=u8("flight mode that the command in force carries"),
    messages=u8("messages sent to the board for this tick, this one not counted"),
    wants=u8("bit 0: hash of the board's record"),
)

RANGE_TRUTH = record(
    "RangeTruth",
    "Where the beam truly met the ground; all that an emulated instrument needs.",
    t_ns=i64("time of the measurement"),
    slant_m=f64("distance along the boresight; 0 when it met nothing in reach"),
    cos_incidence=f32("cosine between beam and the ground's normal"),
    albedo=f32("normal albedo there"),
    closing_mps=f32("closing speed along the beam"),
    spare=u32("zero"),
)

STATUS_TRUTH = record(
    "StatusTruth",
    "The truth behind a propulsion status; told in the ticks in which one is due.",
    t_ns=i64("time of the tick"),
    mass_kg=f64("mass of the vehicle"),
    gauge_sigma_kg=f64("noise of the propellant gauge"),
    tank_pressure_Pa=f64("pressure in the tanks"),
    ready=u8("1 when the engine may be started or is running"),
    spare=u8("zero", 7),
)

SENSOR_INBOX = record(
    "SensorInbox",
    "All that a sensor board is told for one tick.",
    truth=SENSOR_TRUTH("what is felt in every tick"),
    beam=RANGE_TRUTH("where the beam met the ground"),
    status=STATUS_TRUTH("propulsion"),
    range_command=RANGE_COMMAND("order to the rangefinder"),
    has_beam=u8("1 when beam is of this tick"),
    has_status=u8("1 when status is of this tick"),
    has_range_command=u8("1 when there is an order"),
    spare=u8("zero", 5),
)

# --- what a board holds -------------------------------------------------------------------

IMU_ERRORS = record(
    "ImuErrors",
    "Errors of this inertial unit: measured = matrix * true + bias * dt + noise.",
    gyro_matrix=f64("scale and misalignment, row by row", 9, default=(1, 0, 0, 0, 1, 0, 0, 0, 1)),
    accel_matrix=f64("scale and misalignment, row by row", 9, default=(1, 0, 0, 0, 1, 0, 0, 0, 1)),
    gyro_bias_radps=f64("bias of now; it walks", 3),
    accel_bias_mps2=f64("bias of now; it walks", 3),
)

IMU_READING = record(
    "ImuReading",
    "What the inertial unit has measured in one interval, before it is added to its sums.",
    t_ns=i64("end of the interval, by the unit's clock"),
    dt_ns=i64("length of the interval"),
    dv_B_mps=f64("velocity gained", 3),
    dtheta_B_rad=f64("angle turned", 3),
    saturated=i64("1 when an axis was clipped"),
)

IMU_STATE = record(
    "ImuState",
    "What the inertial unit remembers.",
    count=i64("intervals since the start"),
    velocity_B_mps=f64("sum of all readings", 3),
    angle_B_rad=f64("sum of all readings", 3),
    angle_residue_rad=f64("not reported yet, less than the resolution", 3),
    velocity_residue_mps=f64("not reported yet, less than the resolution", 3),
)

RANGE_STATE = record(
    "RangeState",
    "What the rangefinder remembers.",
    count=i64("samples since the start"),
    ready_t_ns=i64("powered and warm from then on; negative when switched off"),
    cycles=i64("how often it was switched on in flight"),
)

DELIVERY = record(
    "Delivery",
    "Ranges on their way, sorted by arrival.",
    due_ns=i64("when each arrives", DELIVERY_SLOTS),
    ranges=RANGE_SAMPLE("samples on their way", DELIVERY_SLOTS),
    n=i64("samples on their way"),
    lost=i64("samples dropped because the queue was full"),
)

SENSOR_EFFECTS = record(
    "SensorEffects",
    "What the open faults do to the instruments in this tick.",
    loss_db=f64("loss of the rangefinder's link"),
    opened=u8("rows whose window opened in this tick: bit i for row i"),
    closed=u8("rows whose window closed in this tick"),
    silent=u8("1 while all sensors are silent"),
    not_ready=u8("1 while propulsion says that it is not ready"),
    spare=u8("zero", 4),
)

SENSOR_BOARD = record(
    "SensorBoard",
    "The whole memory of the sensors: what they are, what befalls them, what they remember.",
    seed=i64("from which all dice of this run come", lo=0, hi=2**51 - 1),
    n_faults=i64("rows of faults in use"),
    contacts_sent=i64("contact samples since the start"),
    statuses_sent=i64("propulsion statuses since the start"),
    legs_reported=i64("legs as the last contact sample had them"),
    clock_offset_ns=i64("the board's own clock minus time of the truth; real time only"),
    clock_ticks=i64("ticks that this offset was learnt from; 0 while time is virtual"),
    sensors=SENSORS("the instruments"),
    imu_errors=IMU_ERRORS("inertial unit"),
    imu_reading=IMU_READING("what it made of the last increments"),
    imu_state=IMU_STATE("inertial unit"),
    range_state=RANGE_STATE("rangefinder"),
    delivery=DELIVERY("samples on their way"),
    faults=FAULT("what goes wrong, in the order in which it is applied", FAULT_SLOTS),
    fault_memory=FAULT_MEMORY("what each of them remembers", FAULT_SLOTS),
    effects=SENSOR_EFFECTS("what they do in this tick"),
)
