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
from typing import Self

from fsw.framework.codes import Code, with_first
from fsw.framework.record import f64, i64, record, u8
from fsw.interface.modes import Mode

FAULT_SLOTS = 8


class Sensor(Code):
    """Sensors whose messages a fault can affect."""

    RANGE = 0
    IMU = 1
    CONTACT = 2
    PROPULSION = 3


class Axis(Code):
    """Body axes."""

    X = 0
    Y = 1
    Z = 2


class WireDirection(Code):
    """Directions of the wire."""

    TO_FLIGHT = 0
    FROM_FLIGHT = 1
    BOTH = 2


WindowMode = with_first("WindowMode", "ANY", Mode)

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
class FaultSpec:
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


class FaultKind(Code):
    """Fault kinds: each member carries its specification."""

    spec: FaultSpec

    def __new__(cls, spec: FaultSpec) -> Self:
        """A member whose code is its position in the list."""
        member = int.__new__(cls, len(cls.__members__))
        member._value_ = len(cls.__members__)
        member.spec = spec
        return member

    # --- when a message comes, if it comes, and what its stamp says ---------------------------
    OFF = FaultSpec(TIMING, "sends nothing", (), ODDS, sensors=Sensor.labels())
    DELAYED = FaultSpec(TIMING, "arrives delay_s later", ("delay_s",), ODDS, sensors=RANGE)
    JITTER = FaultSpec(
        TIMING, "arrives later by anything up to jitter_s", ("jitter_s",), ODDS, sensors=RANGE
    )
    GROWING_LAG = FaultSpec(
        TIMING,
        "arrives later by lag_share of the time since the window opened",
        ("lag_share",),
        sensors=RANGE,
    )
    BURST = FaultSpec(
        TIMING, "is held back and released every period_s", ("period_s",), sensors=RANGE
    )
    STALE = FaultSpec(
        TIMING,
        "repeats a value for period_s before it takes a new one; the stamps are fresh",
        ("period_s",),
        sensors=RANGE,
    )
    REORDER = FaultSpec(
        TIMING,
        "is overtaken: with this probability it arrives delay_s later",
        ("probability", "delay_s"),
        sensors=RANGE,
    )
    DUPLICATE = FaultSpec(
        TIMING,
        "arrives twice, the copy delay_s later",
        ("probability",),
        ("delay_s",),
        sensors=RANGE,
    )
    DROP = FaultSpec(TIMING, "is lost by chance", ("probability",), sensors=Sensor.labels())
    DROP_BURST = FaultSpec(
        TIMING,
        "is lost by chance, all of a period_s together",
        ("probability", "period_s"),
        sensors=Sensor.labels(),
    )
    INTERMITTENT = FaultSpec(
        TIMING,
        "is lost for the first lost_share of every period_s",
        ("period_s", "lost_share"),
        sensors=Sensor.labels(),
    )
    SLOW = FaultSpec(TIMING, "is sent once in period_s", ("period_s",), sensors=RANGE)
    LATE_ACQUISITION = FaultSpec(
        TIMING, "sees no ground until the window ends", sensors=RANGE, begins=False
    )
    EARLY_LOSS = FaultSpec(
        TIMING, "sees no ground once the window has opened", sensors=RANGE, ends=False
    )
    STAMP_AT_ARRIVAL = FaultSpec(
        TIMING, "is stamped when it arrives, not when it was measured", (), ODDS, sensors=RANGE
    )
    STAMP_OFFSET = FaultSpec(
        TIMING, "has a stamp that is off", ("stamp_offset_s",), ODDS, sensors=CLOCKED
    )
    STAMP_JUMP = FaultSpec(
        TIMING,
        "has a clock that jumps when the window opens, for good",
        ("jump_s",),
        (),
        sensors=CLOCKED,
        ends=False,
    )
    STAMP_WRAP = FaultSpec(
        TIMING, "has a clock that starts again at 0 every wrap_s", ("wrap_s",), sensors=CLOCKED
    )
    STAMP_DRIFT = FaultSpec(
        TIMING,
        "has a clock that gains drift s/s since the window opened",
        ("drift",),
        sensors=CLOCKED,
    )
    PAUSE = FaultSpec(TIMING, "all sensors are silent together")
    # --- what a range says -------------------------------------------------------------------
    STUCK = FaultSpec(
        VALUE,
        "repeats its last value, or value_m, under fresh stamps",
        (),
        ("value_m", "probability"),
        sensors=RANGE,
    )
    GARBAGE = FaultSpec(VALUE, "says anything up to value_m", ("value_m",), ODDS, sensors=RANGE)
    WRONG = FaultSpec(
        VALUE,
        "is off by offset_m, and by ramp_mps for every second since the window opened",
        one_of=("offset_m", "ramp_mps"),
        may=ODDS,
        sensors=RANGE,
    )
    SCALE = FaultSpec(VALUE, "is multiplied by scale", ("scale",), ODDS, sensors=RANGE)
    WRONG_SCALE = FaultSpec(
        VALUE,
        "is multiplied by scale until the instrument is power-cycled",
        ("scale",),
        sensors=RANGE,
    )
    NOISE = FaultSpec(
        VALUE,
        "has more noise, constant or as a share of the range",
        one_of=("sigma_m", "sigma_share"),
        sensors=RANGE,
    )
    SPIKES = FaultSpec(
        VALUE, "is off by offset_m up or down", ("probability", "offset_m"), sensors=RANGE
    )
    FALSE_SHORT = FaultSpec(
        VALUE, "is a return from somewhere before the ground", ("probability",), sensors=RANGE
    )
    MULTIPLE_RETURNS = FaultSpec(
        VALUE, "is too long by anything up to offset_m", ("probability", "offset_m"), sensors=RANGE
    )
    SATURATED = FaultSpec(
        VALUE,
        "says value_m, and that it is valid, when there is more or nothing",
        ("value_m",),
        ODDS,
        sensors=RANGE,
    )
    ZERO_VALID = FaultSpec(VALUE, "says 0 m, and that it is valid", (), ODDS, sensors=RANGE)
    FALSE_VALID = FaultSpec(
        VALUE,
        "says value_m, and that it is valid, when it sees nothing",
        ("value_m",),
        ODDS,
        sensors=RANGE,
    )
    FALSE_INVALID = FaultSpec(VALUE, "calls a good range invalid", (), ODDS, sensors=RANGE)
    LINK_LOSS = FaultSpec(
        VALUE, "loses loss_db of its return, so that it acquires later", ("loss_db",), sensors=RANGE
    )
    # --- the inertial unit -------------------------------------------------------------------
    IMU_BIAS = FaultSpec(
        INERTIAL,
        "a bias appears on one axis",
        one_of=("accel_offset_mps2", "rate_offset_radps"),
        may=("axis",),
    )
    IMU_CLIP = FaultSpec(
        INERTIAL,
        "an axis clips early, flagged, and stays at its limit for hold_s more",
        one_of=("accel_max_mps2", "rate_max_radps"),
        may=("hold_s",),
    )
    IMU_ZERO = FaultSpec(INERTIAL, "the accelerometers read exactly 0", (), ODDS)
    # --- legs --------------------------------------------------------------------------------
    CONTACT_SPURIOUS = FaultSpec(
        CONTACT,
        "legs report a touch for pulse_s, and again every period_s",
        ("pulse_s",),
        ("period_s", "legs"),
    )
    CONTACT_MISSING = FaultSpec(CONTACT, "legs never report a touch", (), ("legs",))
    # --- engine and thrusters ----------------------------------------------------------------
    THRUST_SCALE = FaultSpec(ACTUATOR, "thrust is multiplied by scale", ("scale",))
    THRUST_LAG = FaultSpec(ACTUATOR, "thrust lags lag_s more", ("lag_s",))
    ENGINE_LOST = FaultSpec(
        ACTUATOR,
        "lost_share of the thrust is gone; what is left turns with torque_Nm at full throttle",
        ("lost_share",),
        ("torque_Nm", "axis"),
    )
    ENGINE_OUT = FaultSpec(ACTUATOR, "the engine is out")
    THROTTLE_STUCK = FaultSpec(
        ACTUATOR, "the throttle stays where it is, or at throttle", (), ("throttle",)
    )
    RCS_LOST = FaultSpec(
        ACTUATOR,
        "lost_share of the thrusters' torque about an axis is gone",
        ("lost_share",),
        ("axis",),
    )
    PROPULSION_NOT_READY = FaultSpec(ACTUATOR, "propulsion says that it is not ready")
    # --- the flight computer -----------------------------------------------------------------
    MISSED_TICKS = FaultSpec(
        COMPUTING,
        "the flight software misses so many ticks, and again every period_s",
        ("ticks",),
        ("period_s",),
    )
    RESTART = FaultSpec(
        COMPUTING,
        "the flight computer restarts and is away for outage_s; core is kept, history is not",
        ("outage_s",),
    )
    # --- bytes on the wire -------------------------------------------------------------------
    WIRE_FLIP = FaultSpec(WIRE, "a bit of a frame is flipped", ("probability",), ("way",))
    WIRE_DROP = FaultSpec(WIRE, "a byte of a frame is lost", ("probability",), ("way",))
    WIRE_INSERT = FaultSpec(WIRE, "a byte is put into a frame", ("probability",), ("way",))
    WIRE_TRUNCATE = FaultSpec(WIRE, "the rest of a frame is lost", ("probability",), ("way",))
    WIRE_GARBAGE = FaultSpec(
        WIRE, "noise of that many bytes before a frame", ("probability", "count"), ("way",)
    )
    WIRE_STALL = FaultSpec(
        WIRE, "bytes are held back and released every period_s", ("period_s",), ("way",)
    )


KINDS = {kind.label: kind.spec for kind in FaultKind}

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
    kind=u8("what happens", codes=FaultKind),
    sensor=u8("to whose messages", codes=Sensor),
    axis=u8("about or along which body axis", codes=Axis),
    mode=u8("open in this flight mode", codes=WindowMode),
    legs=u8("which legs: bit i for leg i", default=15, lo=0, hi=15),
    way=u8("in which direction of the wire", codes=WireDirection),
    spare=u8("zero", 2),
)
