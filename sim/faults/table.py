"""Faults: one table of kinds, one record of which every fault is a row.

A row has a window and magnitudes. Its window is the conjunction of what is given: a time span, a
band of true clearance (open from the first passage of the upper bound until the first passage of
the lower one, so that a hill under the track does not close it again), and a flight mode, which
is the one that the actuator command in force carries. Rows are applied in their order, between
sensing and arrival.

Names are PX4's failure types where it has them: off, stuck, garbage, wrong, slow, delayed,
intermittent (MAVLink FAILURE_TYPE).
"""

from dataclasses import dataclass

from fsw.framework.record import f64, i64, record, u8
from fsw.interface.modes import MODE_NAMES

FAULT_SLOTS = 8

SENSOR_NAMES = ("range", "imu", "contact", "propulsion")
SENSOR_RANGE, SENSOR_IMU, SENSOR_CONTACT, SENSOR_PROPULSION = range(4)
AXIS_NAMES = ("x", "y", "z")
WAY_NAMES = ("to_flight", "from_flight", "both")
WAY_TO_FLIGHT, WAY_FROM_FLIGHT, WAY_BOTH = range(3)
WINDOW_MODES = ("any", *MODE_NAMES)

TIMING, VALUE, INERTIAL, CONTACT, ACTUATOR, COMPUTING, WIRE = (
    "timing",
    "value",
    "inertial",
    "contact",
    "engine and thrusters",
    "computer",
    "wire",
)


@dataclass(frozen=True)
class FaultKind:
    """One kind: what it does, which magnitudes it needs, may have, or has one of, and its sensors.

    `begins` and `ends` are false where a window may not be given a beginning or an end.
    """

    group: str
    doc: str
    needs: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    sensors: tuple[str, ...] = ()
    begins: bool = True
    ends: bool = True

    @property
    def magnitudes(self) -> tuple[str, ...]:
        """Every magnitude that the kind uses."""
        return (*self.needs, *self.one_of, *self.may)


RANGE = ("range",)
CLOCKED = ("range", "imu")
ODDS = ("probability",)

KINDS = {
    # --- when a message comes, if it comes, and what its stamp says ---------------------------
    "off": FaultKind(TIMING, "sends nothing", (), ODDS, sensors=SENSOR_NAMES),
    "delayed": FaultKind(TIMING, "arrives delay_s later", ("delay_s",), ODDS, sensors=RANGE),
    "jitter": FaultKind(
        TIMING, "arrives later by anything up to jitter_s", ("jitter_s",), ODDS, sensors=RANGE
    ),
    "growing_lag": FaultKind(
        TIMING,
        "arrives later by lag_share of the time since the window opened",
        ("lag_share",),
        sensors=RANGE,
    ),
    "burst": FaultKind(
        TIMING, "is held back and released every period_s", ("period_s",), sensors=RANGE
    ),
    "stale": FaultKind(
        TIMING,
        "repeats a value for period_s before it takes a new one; the stamps are fresh",
        ("period_s",),
        sensors=RANGE,
    ),
    "reorder": FaultKind(
        TIMING,
        "is overtaken: with this probability it arrives delay_s later",
        ("probability", "delay_s"),
        sensors=RANGE,
    ),
    "duplicate": FaultKind(
        TIMING,
        "arrives twice, the copy delay_s later",
        ("probability",),
        ("delay_s",),
        sensors=RANGE,
    ),
    "drop": FaultKind(TIMING, "is lost by chance", ("probability",), sensors=SENSOR_NAMES),
    "drop_burst": FaultKind(
        TIMING,
        "is lost by chance, all of a period_s together",
        ("probability", "period_s"),
        sensors=SENSOR_NAMES,
    ),
    "intermittent": FaultKind(
        TIMING,
        "is lost for the first lost_share of every period_s",
        ("period_s", "lost_share"),
        sensors=SENSOR_NAMES,
    ),
    "slow": FaultKind(TIMING, "is sent once in period_s", ("period_s",), sensors=RANGE),
    "late_acquisition": FaultKind(
        TIMING, "sees no ground until the window ends", sensors=RANGE, begins=False
    ),
    "early_loss": FaultKind(
        TIMING, "sees no ground once the window has opened", sensors=RANGE, ends=False
    ),
    "stamp_at_arrival": FaultKind(
        TIMING, "is stamped when it arrives, not when it was measured", (), ODDS, sensors=RANGE
    ),
    "stamp_offset": FaultKind(
        TIMING, "has a stamp that is off", ("stamp_offset_s",), ODDS, sensors=CLOCKED
    ),
    "stamp_jump": FaultKind(
        TIMING,
        "has a clock that jumps when the window opens, for good",
        ("jump_s",),
        (),
        sensors=CLOCKED,
        ends=False,
    ),
    "stamp_wrap": FaultKind(
        TIMING, "has a clock that starts again at 0 every wrap_s", ("wrap_s",), sensors=CLOCKED
    ),
    "stamp_drift": FaultKind(
        TIMING,
        "has a clock that gains drift s/s since the window opened",
        ("drift",),
        sensors=CLOCKED,
    ),
    "pause": FaultKind(TIMING, "all sensors are silent together"),
    # --- what a range says -------------------------------------------------------------------
    "stuck": FaultKind(
        VALUE,
        "repeats its last value, or value_m, under fresh stamps",
        (),
        ("value_m", "probability"),
        sensors=RANGE,
    ),
    "garbage": FaultKind(VALUE, "says anything up to value_m", ("value_m",), ODDS, sensors=RANGE),
    "wrong": FaultKind(
        VALUE,
        "is off by offset_m, and by ramp_mps for every second since the window opened",
        one_of=("offset_m", "ramp_mps"),
        may=ODDS,
        sensors=RANGE,
    ),
    "scale": FaultKind(VALUE, "is multiplied by scale", ("scale",), ODDS, sensors=RANGE),
    "wrong_scale": FaultKind(
        VALUE,
        "is multiplied by scale until the instrument is power-cycled",
        ("scale",),
        sensors=RANGE,
    ),
    "noise": FaultKind(
        VALUE,
        "has more noise, constant or as a share of the range",
        one_of=("sigma_m", "sigma_share"),
        sensors=RANGE,
    ),
    "spikes": FaultKind(
        VALUE, "is off by offset_m up or down", ("probability", "offset_m"), sensors=RANGE
    ),
    "false_short": FaultKind(
        VALUE, "is a return from somewhere before the ground", ("probability",), sensors=RANGE
    ),
    "multiple_returns": FaultKind(
        VALUE, "is too long by anything up to offset_m", ("probability", "offset_m"), sensors=RANGE
    ),
    "saturated": FaultKind(
        VALUE,
        "says value_m, and that it is valid, when there is more or nothing",
        ("value_m",),
        ODDS,
        sensors=RANGE,
    ),
    "zero_valid": FaultKind(VALUE, "says 0 m, and that it is valid", (), ODDS, sensors=RANGE),
    "false_valid": FaultKind(
        VALUE,
        "says value_m, and that it is valid, when it sees nothing",
        ("value_m",),
        ODDS,
        sensors=RANGE,
    ),
    "false_invalid": FaultKind(VALUE, "calls a good range invalid", (), ODDS, sensors=RANGE),
    "link_loss": FaultKind(
        VALUE, "loses loss_db of its return, so that it acquires later", ("loss_db",), sensors=RANGE
    ),
    # --- the inertial unit -------------------------------------------------------------------
    "imu_bias": FaultKind(
        INERTIAL,
        "a bias appears on one axis",
        one_of=("accel_offset_mps2", "rate_offset_radps"),
        may=("axis",),
    ),
    "imu_clip": FaultKind(
        INERTIAL,
        "an axis clips early, flagged, and stays at its limit for hold_s more",
        one_of=("accel_max_mps2", "rate_max_radps"),
        may=("hold_s",),
    ),
    "imu_zero": FaultKind(INERTIAL, "the accelerometers read exactly 0", (), ODDS),
    # --- legs --------------------------------------------------------------------------------
    "contact_spurious": FaultKind(
        CONTACT,
        "legs report a touch for pulse_s, and again every period_s",
        ("pulse_s",),
        ("period_s", "legs"),
    ),
    "contact_missing": FaultKind(CONTACT, "legs never report a touch", (), ("legs",)),
    # --- engine and thrusters ----------------------------------------------------------------
    "thrust_scale": FaultKind(ACTUATOR, "thrust is multiplied by scale", ("scale",)),
    "thrust_lag": FaultKind(ACTUATOR, "thrust lags lag_s more", ("lag_s",)),
    "engine_lost": FaultKind(
        ACTUATOR,
        "lost_share of the thrust is gone; what is left turns with torque_Nm at full throttle",
        ("lost_share",),
        ("torque_Nm", "axis"),
    ),
    "engine_out": FaultKind(ACTUATOR, "the engine is out"),
    "throttle_stuck": FaultKind(
        ACTUATOR, "the throttle stays where it is, or at throttle", (), ("throttle",)
    ),
    "rcs_lost": FaultKind(
        ACTUATOR,
        "lost_share of the thrusters' torque about an axis is gone",
        ("lost_share",),
        ("axis",),
    ),
    "propulsion_not_ready": FaultKind(ACTUATOR, "propulsion says that it is not ready"),
    # --- the flight computer -----------------------------------------------------------------
    "missed_ticks": FaultKind(
        COMPUTING,
        "the flight software misses so many ticks, and again every period_s",
        ("ticks",),
        ("period_s",),
    ),
    "restart": FaultKind(
        COMPUTING,
        "the flight computer restarts and is away for outage_s; core is kept, history is not",
        ("outage_s",),
    ),
    # --- bytes on the wire -------------------------------------------------------------------
    "wire_flip": FaultKind(WIRE, "a bit of a frame is flipped", ("probability",), ("way",)),
    "wire_drop": FaultKind(WIRE, "a byte of a frame is lost", ("probability",), ("way",)),
    "wire_insert": FaultKind(WIRE, "a byte is put into a frame", ("probability",), ("way",)),
    "wire_truncate": FaultKind(WIRE, "the rest of a frame is lost", ("probability",), ("way",)),
    "wire_garbage": FaultKind(
        WIRE, "noise of that many bytes before a frame", ("probability", "count"), ("way",)
    ),
    "wire_stall": FaultKind(
        WIRE, "bytes are held back and released every period_s", ("period_s",), ("way",)
    ),
}
FAULT_KINDS = tuple(KINDS)
(
    OFF,
    DELAYED,
    JITTER,
    GROWING_LAG,
    BURST,
    STALE,
    REORDER,
    DUPLICATE,
    DROP,
    DROP_BURST,
    INTERMITTENT,
    SLOW,
    LATE_ACQUISITION,
    EARLY_LOSS,
    STAMP_AT_ARRIVAL,
    STAMP_OFFSET,
    STAMP_JUMP,
    STAMP_WRAP,
    STAMP_DRIFT,
    PAUSE,
    STUCK,
    GARBAGE,
    WRONG,
    SCALE,
    WRONG_SCALE,
    NOISE,
    SPIKES,
    FALSE_SHORT,
    MULTIPLE_RETURNS,
    SATURATED,
    ZERO_VALID,
    FALSE_VALID,
    FALSE_INVALID,
    LINK_LOSS,
    IMU_BIAS,
    IMU_CLIP,
    IMU_ZERO,
    CONTACT_SPURIOUS,
    CONTACT_MISSING,
    THRUST_SCALE,
    THRUST_LAG,
    ENGINE_LOST,
    ENGINE_OUT,
    THROTTLE_STUCK,
    RCS_LOST,
    PROPULSION_NOT_READY,
    MISSED_TICKS,
    RESTART,
    WIRE_FLIP,
    WIRE_DROP,
    WIRE_INSERT,
    WIRE_TRUNCATE,
    WIRE_GARBAGE,
    WIRE_STALL,
) = range(len(FAULT_KINDS))

FAULT = record(
    "Fault",
    "One fault: its window and its magnitudes, of which each kind uses its own.",
    start_s=f64("open from this time on", default=0.0, lo=0.0, hi=1e6),
    end_s=f64("open before this time", default=1e6, lo=0.0, hi=1e6),
    from_altitude_m=f64("open once the clearance was this low", default=1e7, lo=-1e7, hi=1e7),
    until_altitude_m=f64("open until the clearance was this low", default=-1e7, lo=-1e7, hi=1e7),
    delay_s=f64("added to the time of arrival", lo=0.0, hi=100.0),
    jitter_s=f64("greatest random delay", lo=0.0, hi=100.0),
    lag_share=f64("delay gained per time", lo=0.0, hi=1.0),
    period_s=f64("time after which it begins again", lo=0.0, hi=1e4),
    lost_share=f64("part that is lost", lo=0.0, hi=1.0),
    probability=f64("odds that it acts on a message", default=1.0, lo=0.0, hi=1.0),
    stamp_offset_s=f64("added to the stamp", lo=-1e4, hi=1e4),
    jump_s=f64("step of the clock", lo=-1e5, hi=1e5),
    wrap_s=f64("what the clock can count to; 0 for no end", lo=0.0, hi=1e6),
    drift=f64("rate error of the clock, s/s", lo=-0.1, hi=0.1),
    offset_m=f64("added to the range", lo=-1e5, hi=1e5),
    ramp_mps=f64("growth of what is added to the range", lo=-1e3, hi=1e3),
    scale=f64("factor", default=1.0, lo=0.0, hi=100.0),
    sigma_m=f64("standard deviation of the noise added", lo=0.0, hi=1e5),
    sigma_share=f64("the same, as a share of the range", lo=0.0, hi=10.0),
    value_m=f64("what the range says; below 0: its last value", default=-1.0, lo=-1.0, hi=1e5),
    loss_db=f64("loss of the link on top of its budget", lo=0.0, hi=80.0),
    accel_offset_mps2=f64("bias added to the specific force", lo=-100.0, hi=100.0),
    rate_offset_radps=f64("bias added to the angular rate", lo=-10.0, hi=10.0),
    accel_max_mps2=f64("specific force at which an axis clips", default=1e5, lo=0.0, hi=1e5),
    rate_max_radps=f64("angular rate at which an axis clips", default=100.0, lo=0.0, hi=100.0),
    hold_s=f64("how long an axis stays clipped", lo=0.0, hi=100.0),
    pulse_s=f64("length of a pulse", lo=0.0, hi=1e4),
    torque_Nm=f64("side torque at full throttle", lo=-1e4, hi=1e4),
    throttle=f64("where the throttle stays; below 0: where it is", default=-1.0, lo=-1.0, hi=1.0),
    lag_s=f64("added to the time constant of thrust", lo=0.0, hi=10.0),
    outage_s=f64("how long the flight computer is away", lo=0.0, hi=1e4),
    ticks=i64("ticks missed", lo=0, hi=100_000),
    count=i64("bytes", lo=0, hi=4096),
    kind=u8("what happens", codes=FAULT_KINDS),
    sensor=u8("to whose messages", codes=SENSOR_NAMES),
    axis=u8("about or along which body axis", codes=AXIS_NAMES),
    mode=u8("open in this flight mode", codes=WINDOW_MODES),
    legs=u8("which legs: bit i for leg i", default=15, lo=0, hi=15),
    way=u8("in which direction of the wire", codes=WAY_NAMES),
    spare=u8("zero", 2),
)
