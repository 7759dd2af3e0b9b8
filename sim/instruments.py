"""Records of a sensor board: what it holds, and what it is told of the truth in every tick.

The plant casts rays and moves the vehicle; what an instrument makes of that (noise, bias,
rounding, faults, the time a range takes to arrive) happens on a SensorBoard, which sees nothing
of the world but a SensorInbox. In process the board is a part of the world; on a bench the same
record is loaded into a microcontroller, and the inbox travels over the line, short where it
is sent every tick.
"""

from fsw.messages import RANGE_COMMAND
from fsw.record import f32, f64, i64, record, u8
from sim.fault_state import FAULT_MEMORY
from sim.fault_table import FAULT, FAULT_SLOTS
from sim.world import (
    DELIVERY,
    IMU_ERRORS,
    IMU_READING,
    IMU_STATE,
    RANGE_STATE,
    RANGE_TRUTH,
    SENSORS,
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
    legs_told=i64("legs as the last contact sample had them"),
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
