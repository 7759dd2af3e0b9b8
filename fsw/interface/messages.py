"""Messages to and from the flight software, and the records of one tick: inbox and outbox.

Every message begins with `t_ns`, the time at which it was true on its sender's clock. The time of
arrival is not on the wire: the receiver stamps it in the inbox.
"""

from fsw.framework.codes import Code
from fsw.framework.record import f32, f64, i32, i64, record, u8, u16, u32
from fsw.interface.events import EventCode
from fsw.interface.modes import Mode
from fsw.interface.verdicts import RangeVerdict

RANGES_PER_TICK = 8
IMUS_PER_TICK = 4
COMMANDS_PER_TICK = 2
EVENTS_PER_TICK = 16

# value of one count of the inertial integrals; powers of two, so that it is exact
VELOCITY_COUNT_MPS = 2.0**-20
ANGLE_COUNT_RAD = 2.0**-26


class CommandCode(Code):
    """Ground commands."""

    NONE = 0
    GO = 1
    ABORT = 2
    RANGE_ENABLE = 3
    RANGE_INHIBIT = 4
    RANGE_POWER_CYCLE = 5


class RangeAction(Code):
    """Actions of the rangefinder's power switch."""

    NONE = 0
    POWER_ON = 1
    POWER_OFF = 2
    POWER_CYCLE = 3


class AckResult(Code):
    """Results of a ground command."""

    ACCEPTED = 0
    UNKNOWN_COMMAND = 1
    NOT_IN_THIS_MODE = 2
    TRIES_USED_UP = 3


# --- to the flight software --------------------------------------------------------------

IMU_SAMPLE = record(
    "ImuSample",
    "Integrals of specific force and rate since power-on. A lost sample loses no information: the"
    " next sample's integrals include it.",
    t_ns=i64("end of the interval"),
    velocity_B=i32("integral of specific force, in counts of 2^-20 m/s, wraps", 3),
    angle_B=i32("integral of angular rate, in counts of 2^-26 rad, wraps", 3),
    dt_ns=u32("length of the interval between two samples"),
    seq=u16("counts intervals, wraps at 65536"),
    saturated=u8("1 when an axis was clipped during the latest interval"),
    valid=u8("validity flag of the instrument: 1 or 0"),
)

RANGE_SAMPLE = record(
    "RangeSample",
    "One slant range along the rangefinder's boresight.",
    t_ns=i64("when the beam met the ground"),
    range_m=f32("slant range; 0 without a return"),
    seq=u16("counts samples, wraps at 65536"),
    valid=u8("validity flag of the instrument: 1 or 0"),
    quality=u8("return strength, 0 to 255"),
)

CONTACT_SAMPLE = record(
    "ContactSample",
    "State of the switches in the footpads.",
    t_ns=i64("when the switches were read"),
    seq=u16("counts samples, wraps at 65536"),
    legs=u8("bit i is set while leg i touches, i from 0 to 3"),
    spare=u8("zero", 5),
)

PROPULSION_STATUS = record(
    "PropulsionStatus",
    "Status of the propulsion controller, at 1 Hz.",
    t_ns=i64("when it was measured"),
    mass_kg=f32("vehicle mass from propellant gauging, about 1 kg good"),
    tank_pressure_Pa=f32("pressure in the propellant tanks"),
    seq=u16("counts samples, wraps at 65536"),
    ready=u8("1 when the engine may be started or is running"),
    spare=u8("zero", 5),
)

GROUND_COMMAND = record(
    "GroundCommand",
    "One command from the ground; each is acknowledged.",
    t_ns=i64("when it was sent"),
    seq=u16("counts commands, wraps at 65536"),
    code=u8("the command", codes=CommandCode),
    spare=u8("zero", 5),
)

NAV_UPDATE = record(
    "NavUpdate",
    "State vector from orbit determination and star trackers, uplinked before ignition.",
    t_ns=i64("epoch of the state"),
    r_BM_I_m=f64("position with respect to the Moon's centre", 3),
    v_BM_I_mps=f64("velocity in the inertial frame", 3),
    q_IB=f64("attitude", 4),
    sigma_radial_m=f64("standard deviation of the radial position"),
    sigma_horizontal_m=f64("standard deviation of each horizontal position"),
    sigma_velocity_mps=f64("standard deviation of each velocity component"),
    sigma_attitude_rad=f64("standard deviation of each attitude component"),
    seq=u16("counts updates, wraps at 65536"),
    spare=u8("zero", 6),
)

CLOCK_EXCHANGE = record(
    "ClockExchange",
    "Four timestamps of one request to the sensor's clock and its reply.",
    t_ns=i64("request sent, flight clock"),
    t_remote_rx_ns=i64("request received, sensor clock"),
    t_remote_tx_ns=i64("reply sent, sensor clock"),
    t_rx_ns=i64("reply received, flight clock"),
)

INBOX = record(
    "Inbox",
    "Messages that arrived since the last tick, oldest first.",
    now_ns=i64("time of this tick, flight clock"),
    ranges=RANGE_SAMPLE("range samples", RANGES_PER_TICK),
    range_rx_ns=i64("when each range arrived, flight clock", RANGES_PER_TICK),
    imus=IMU_SAMPLE("inertial increments", IMUS_PER_TICK),
    contact=CONTACT_SAMPLE("latest footpad state"),
    propulsion=PROPULSION_STATUS("latest propulsion status"),
    commands=GROUND_COMMAND("ground commands", COMMANDS_PER_TICK),
    nav_update=NAV_UPDATE("uplinked state vector"),
    clock=CLOCK_EXCHANGE("latest clock exchange"),
    waiting=u32("messages still in the link, because this tick was full"),
    lost=u32("messages dropped by a full link since the start"),
    n_ranges=u8("ranges present"),
    n_imus=u8("increments present"),
    n_commands=u8("commands present"),
    has_contact=u8("1 when contact is new"),
    has_propulsion=u8("1 when propulsion is new"),
    has_nav_update=u8("1 when nav_update is new"),
    has_clock=u8("1 when clock is new"),
    missed_ticks=u8("ticks that were skipped before this one, up to 255"),
    resumed=u8("1 when the computer restarted and the flight software continues from core"),
    spare=u8("zero", 7),
)

# --- from the flight software ------------------------------------------------------------

ACTUATOR_COMMAND = record(
    "ActuatorCommand",
    "Command to engine and thrusters, effective from the next tick on.",
    t_ns=i64("time of the tick that computed it, flight clock"),
    torque_B_Nm=f32("mean torque commanded from the reaction control thrusters", 3),
    throttle=f32("thrust commanded, as a share of full thrust"),
    tick=u32("counts ticks of the flight software"),
    seq=u16("counts commands, wraps at 65536"),
    mode=u8("flight mode that computed it", codes=Mode),
    engine_on=u8("1 while the engine is commanded to burn"),
)

RANGE_COMMAND = record(
    "RangeCommand",
    "Command to the rangefinder.",
    t_ns=i64("time of the tick that gave it, flight clock"),
    seq=u16("counts commands, wraps at 65536"),
    action=u8("the action", codes=RangeAction),
    spare=u8("zero", 5),
)

EVENT = record(
    "Event",
    "One event, with two figures whose meaning the event table gives.",
    t_ns=i64("time of the tick that posted it, flight clock"),
    a=f64("first figure"),
    b=f64("second figure"),
    code=u16("which event", codes=EventCode),
    seq=u16("counts events, wraps at 65536"),
    spare=u32("zero"),
)

COMMAND_ACK = record(
    "CommandAck",
    "Acknowledgement of a ground command.",
    t_ns=i64("time of the tick that executed it, flight clock"),
    seq=u16("sequence number of the command"),
    code=u8("the command", codes=CommandCode),
    result=u8("result", codes=AckResult),
    spare=u8("zero", 4),
)

TELEMETRY = record(
    "Telemetry",
    "Housekeeping telemetry, five times a second.",
    t_ns=i64("time of the tick, flight clock"),
    r_BL_L_m=f32("position with respect to the landing site", 3),
    v_BL_L_mps=f32("velocity with respect to the landing site", 3),
    q_LB=f32("attitude with respect to the landing site", 4),
    altitude_m=f32("footpads above the ground under the vehicle"),
    altitude_lo_m=f32("lowest altitude that cannot be ruled out"),
    sigma_altitude_m=f32("standard deviation of the altitude"),
    v_cap_mps=f32("greatest descent rate that could still be stopped"),
    stopping_margin_m=f32("height left after a stop that begins now"),
    throttle=f32("thrust commanded, as a share of full thrust"),
    mass_kg=f32("estimated mass"),
    propellant_kg=f32("estimated propellant left"),
    t_go_s=f32("time to the end of the guidance phase"),
    range_age_s=f32("age of the newest range fused; -1 before the first"),
    range_verdicts=u32("samples per verdict since the start", len(RangeVerdict)),
    tick=u32("counts ticks of the flight software"),
    overruns=u32("ticks that began late, since the start"),
    mode=u8("flight mode", codes=Mode),
    range_state=u8("0 never locked, 1 locked, 2 silent"),
    spare=u8("zero", 2),
)

OUTBOX = record(
    "Outbox",
    "Output of the flight software in one tick.",
    actuators=ACTUATOR_COMMAND("to engine and thrusters, every tick"),
    range_command=RANGE_COMMAND("to the rangefinder"),
    telemetry=TELEMETRY("to the ground"),
    events=EVENT("events", EVENTS_PER_TICK),
    acks=COMMAND_ACK("acknowledgements of ground commands", COMMANDS_PER_TICK),
    n_events=u8("events present"),
    n_acks=u8("acknowledgements present"),
    has_range_command=u8("1 when range_command is present"),
    has_telemetry=u8("1 when telemetry is present"),
    events_lost=u32("events that found no room, since the start"),
)
