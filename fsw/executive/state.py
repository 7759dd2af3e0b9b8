"""The flight software's memory: parameters, core and history. No state is kept elsewhere.

`core` is all that is needed to continue flight, and small: it is hashed at every tick for parity,
and a restart resumes from it. `history` holds the ring buffers that allow late ranges to be fused;
a restart begins with an empty one.
"""

from fsw.control.loop import CONTROL, CONTROL_PARAMS
from fsw.executive.range_recovery import RANGE_RECOVERY_PARAMS
from fsw.executive.touchdown import TOUCHDOWN, TOUCHDOWN_PARAMS
from fsw.filter.buffers import HISTORY
from fsw.framework.record import i64, record, u8, u16, u32
from fsw.guidance.altitude_bounds import HYPOTHESES, HYPOTHESES_PARAMS
from fsw.guidance.blind_descent import LETDOWN_PARAMS
from fsw.guidance.dispatch import GUIDANCE, GUIDANCE_PARAMS
from fsw.guidance.stopping_distance import DESCENT_PARAMS
from fsw.interface.messages import ACTUATOR_COMMAND
from fsw.interface.modes import Mode
from fsw.models.onboard import MOON_BELIEF, SITE_BELIEF, VEHICLE_BELIEF
from fsw.models.propulsion import PROPULSION, PROPULSION_PARAMS
from fsw.navigation.estimate import ESTIMATE
from fsw.navigation.tick import NAVIGATION, NAVIGATION_PARAMS

CORE_LIMIT_BYTES = 8192

EXECUTIVE_PARAMS = record(
    "ExecutiveParams",
    "Policy for missed ticks and missing inputs.",
    power_cycles_max=i64("times the rangefinder may be power-cycled", default=3, lo=0, hi=100),
    shed_after=i64("late ticks in a row after which telemetry is shed", default=3, lo=1, hi=1000),
    imu_silent_ticks=i64(
        "ticks without an increment after which control uses dead reckoning",
        default=5,
        lo=1,
        hi=1000,
    ),
    engine_off_ticks=i64(
        "ticks after which the last thrust has died away", default=200, lo=1, hi=10000
    ),
    torque_off_ticks=i64(
        "ticks after which the last thruster pulse has died away", default=10, lo=1, hi=1000
    ),
)

PARAMS = record(
    "Params",
    "Everything that a preset or a scenario may set in the flight software.",
    moon=MOON_BELIEF("onboard model of the Moon"),
    site=SITE_BELIEF("onboard model of the landing site"),
    vehicle=VEHICLE_BELIEF("onboard model of the vehicle"),
    navigation=NAVIGATION_PARAMS("navigation"),
    hypotheses=HYPOTHESES_PARAMS("altitude bounds over hypotheses"),
    guidance=GUIDANCE_PARAMS("guidance"),
    descent=DESCENT_PARAMS("stopping-distance law"),
    letdown=LETDOWN_PARAMS("blind descent, and the propellant clock"),
    control=CONTROL_PARAMS("attitude and throttle"),
    propulsion=PROPULSION_PARAMS("estimation of mass and expected thrust"),
    touchdown=TOUCHDOWN_PARAMS("touchdown"),
    range_recovery=RANGE_RECOVERY_PARAMS("power cycles of the rangefinder"),
    executive=EXECUTIVE_PARAMS("executive"),
)

EXECUTIVE = record(
    "Executive",
    "Ticks, counters, and sequence numbers.",
    now_ns=i64("time of the last tick, flight clock"),
    mode_since_ns=i64("when the mode was entered"),
    guided_ns=i64("when guidance ran last"),
    cycled_ns=i64("when the rangefinder was power-cycled last; 0 before"),
    engine_off_ticks=i64("ticks in a row without thrust commanded"),
    torque_off_ticks=i64("ticks in a row without thruster torque commanded"),
    imu_missing_ticks=i64("ticks in a row without an increment"),
    tick=u32("ticks since the start"),
    overruns=u32("ticks skipped since the start"),
    events_lost=u32("events that found no room"),
    actuator_seq=u16("commands sent"),
    event_seq=u16("events sent"),
    range_command_seq=u16("commands to the rangefinder sent"),
    last_command_seq=u16("sequence number of the last ground command taken"),
    late_in_a_row=u8("ticks in a row that came late"),
    mode=u8("flight mode", codes=Mode),
    power_cycles=u8("times the rangefinder was power-cycled"),
    was_assured=u8("1 while runtime assurance was at work in the last run of guidance"),
)

CORE = record(
    "Core",
    "All that is needed to continue flight.",
    executive=EXECUTIVE("ticks and modes"),
    navigation=NAVIGATION("navigation"),
    propulsion=PROPULSION("mass and thrust"),
    hypotheses=HYPOTHESES("altitude bounds over hypotheses"),
    guidance=GUIDANCE("guidance"),
    control=CONTROL("control"),
    touchdown=TOUCHDOWN("touchdown"),
    estimate=ESTIMATE("input of guidance and control"),
    actuators=ACTUATOR_COMMAND("the last command"),
)

STATE = record(
    "State",
    "The whole memory of the flight software.",
    core=CORE("all that is needed to continue flight"),
    history=HISTORY("ring buffers of the past"),
)

if CORE.dtype.itemsize > CORE_LIMIT_BYTES:
    raise ValueError(f"core has {CORE.dtype.itemsize} bytes, more than {CORE_LIMIT_BYTES}")
