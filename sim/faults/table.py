"""Faults: the table of kinds, and the record of which every fault is a row.

A kind is added here, in FaultKind, and in the kernel that does it: groups, reader, strategies,
search, report and guide read this table, and tests compare the tables that cannot.

A row has a window and magnitudes. Its window is the conjunction of what is given: a time span, a
band of true clearance (open from the first passage of the upper bound until the first passage of
the lower one, so that a hill under the track does not close it again), and a flight mode, that of
the actuator command in force. Rows are applied in their order, between measurement and arrival.

Names are PX4's failure types where it has them: off, stuck, garbage, wrong, slow, delayed,
intermittent (MAVLink FAILURE_TYPE).
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Self

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
    """Directions of the wire that a fault can affect."""

    TO_FLIGHT = 0
    FROM_FLIGHT = 1
    BOTH = 2


WindowMode = with_first("WindowMode", "ANY", Mode)


class _Specified(Code):
    """Base of a list of codes whose members carry their specification."""

    spec: Any

    def __new__(cls, spec: Any) -> Self:
        """A member whose code is its position in the list."""
        member = int.__new__(cls, len(cls.__members__))
        member._value_ = len(cls.__members__)
        member.spec = spec
        return member


@dataclass(frozen=True)
class GroupSpec:
    """One group of kinds: what it affects, its block of a campaign's report, how it is evaluated.

    `senders` are the sensors whose messages the kinds affect that name no sensor of their own.
    `misleads` marks faults of the ranges that reach the flight software: only these make a loss one
    of navigation. `persists` marks faults that perfect knowledge of the truth does not remove.
    """

    affects: str
    report: str
    senders: tuple[str, ...] = ()
    misleads: bool = False
    persists: bool = False


class FaultGroup(_Specified):
    """Groups of fault kinds, by the part of the system that they affect."""

    spec: GroupSpec

    TIMING = GroupSpec("all sensors", "range", Sensor.labels(), misleads=True)
    VALUE = GroupSpec("range", "range", ("range",), misleads=True)
    INERTIAL = GroupSpec("inertial unit", "imu", ("imu",))
    CONTACT = GroupSpec("legs", "contact", ("contact",))
    ACTUATOR = GroupSpec("engine and thrusters", "engine", persists=True)
    COMPUTER = GroupSpec("flight computer", "computer", persists=True)
    WIRE = GroupSpec("wire", "wire", misleads=True)


# the group under which a fault of a sensor is reported, whatever the group of its kind
SENSOR_GROUP = {
    Sensor.RANGE: FaultGroup.VALUE,
    Sensor.IMU: FaultGroup.INERTIAL,
    Sensor.CONTACT: FaultGroup.CONTACT,
    Sensor.PROPULSION: FaultGroup.ACTUATOR,
}


class Effect(Enum):
    """Effects of a kind that decide which other kinds it composes with."""

    OTHER = auto()
    SILENCES = auto()  # no message passes
    REPLACES_VALUE = auto()
    MOVES_STAMP = auto()
    REPLACES_STAMP = auto()
    CHANGES_THRUST = auto()
    HOLDS_THROTTLE = auto()
    CUTS_THRUST = auto()


@dataclass(frozen=True)
class FaultSpec:
    """One kind: group, description, magnitudes, sensors, and what decides how it composes.

    A row gives every magnitude of `needs`, at least one of `one_of`, and may give those of `may`.
    `begins` and `ends` are false where its window may not be given a beginning or an end.
    `contradicts` names kinds whose effect this one reverses.
    """

    group: FaultGroup
    doc: str
    needs: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    sensors: tuple[str, ...] = ()
    begins: bool = True
    ends: bool = True
    effect: Effect = Effect.OTHER
    contradicts: tuple[str, ...] = ()

    @property
    def magnitudes(self) -> tuple[str, ...]:
        """Every magnitude that the kind uses."""
        return (*self.needs, *self.one_of, *self.may)


RANGE = ("range",)
CLOCKED = ("range", "imu")
ODDS = ("probability",)


class FaultKind(_Specified):
    """Fault kinds: each member carries its specification."""

    spec: FaultSpec

    # --- arrival and time-tag of a message ----------------------------------------------------
    OFF = FaultSpec(
        FaultGroup.TIMING,
        "sends nothing",
        (),
        ODDS,
        sensors=Sensor.labels(),
        effect=Effect.SILENCES,
    )
    DELAYED = FaultSpec(
        FaultGroup.TIMING, "arrives delay_s later", ("delay_s",), ODDS, sensors=RANGE
    )
    JITTER = FaultSpec(
        FaultGroup.TIMING, "arrives up to jitter_s later", ("jitter_s",), ODDS, sensors=RANGE
    )
    GROWING_LAG = FaultSpec(
        FaultGroup.TIMING,
        "arrives later by lag_share of the time since the window opened",
        ("lag_share",),
        sensors=RANGE,
    )
    BURST = FaultSpec(
        FaultGroup.TIMING,
        "is held back, and all released together every period_s",
        ("period_s",),
        sensors=RANGE,
    )
    STALE = FaultSpec(
        FaultGroup.TIMING,
        "repeats a value for period_s under new time-tags",
        ("period_s",),
        sensors=RANGE,
        effect=Effect.REPLACES_VALUE,
    )
    REORDER = FaultSpec(
        FaultGroup.TIMING,
        "arrives delay_s later with this probability, so that later ones overtake it",
        ("probability", "delay_s"),
        sensors=RANGE,
    )
    DUPLICATE = FaultSpec(
        FaultGroup.TIMING,
        "arrives twice, the copy delay_s later",
        ("probability",),
        ("delay_s",),
        sensors=RANGE,
    )
    DROP = FaultSpec(
        FaultGroup.TIMING, "is lost by chance", ("probability",), sensors=Sensor.labels()
    )
    DROP_BURST = FaultSpec(
        FaultGroup.TIMING,
        "is lost by chance, all messages of a period_s together",
        ("probability", "period_s"),
        sensors=Sensor.labels(),
    )
    INTERMITTENT = FaultSpec(
        FaultGroup.TIMING,
        "is lost for the first lost_share of every period_s",
        ("period_s", "lost_share"),
        sensors=Sensor.labels(),
    )
    SLOW = FaultSpec(FaultGroup.TIMING, "is sent once in period_s", ("period_s",), sensors=RANGE)
    LATE_ACQUISITION = FaultSpec(
        FaultGroup.TIMING,
        "has no return until the window ends",
        sensors=RANGE,
        begins=False,
        effect=Effect.SILENCES,
    )
    EARLY_LOSS = FaultSpec(
        FaultGroup.TIMING,
        "has no return once the window has opened",
        sensors=RANGE,
        ends=False,
        effect=Effect.SILENCES,
    )
    STAMP_AT_ARRIVAL = FaultSpec(
        FaultGroup.TIMING,
        "has the time of its arrival as time-tag, not that of its measurement",
        (),
        ODDS,
        sensors=RANGE,
        effect=Effect.REPLACES_STAMP,
    )
    STAMP_OFFSET = FaultSpec(
        FaultGroup.TIMING,
        "has a time-tag that is off by stamp_offset_s",
        ("stamp_offset_s",),
        ODDS,
        sensors=CLOCKED,
        effect=Effect.MOVES_STAMP,
    )
    STAMP_JUMP = FaultSpec(
        FaultGroup.TIMING,
        "has a clock that jumps by jump_s when the window opens, for good",
        ("jump_s",),
        (),
        sensors=CLOCKED,
        ends=False,
        effect=Effect.MOVES_STAMP,
    )
    STAMP_WRAP = FaultSpec(
        FaultGroup.TIMING,
        "has a clock that wraps to 0 every wrap_s",
        ("wrap_s",),
        sensors=CLOCKED,
        effect=Effect.MOVES_STAMP,
    )
    STAMP_DRIFT = FaultSpec(
        FaultGroup.TIMING,
        "has a clock that gains drift s/s since the window opened",
        ("drift",),
        sensors=CLOCKED,
        effect=Effect.MOVES_STAMP,
    )
    PAUSE = FaultSpec(FaultGroup.TIMING, "all sensors are silent together", effect=Effect.SILENCES)
    # --- value and validity of a range --------------------------------------------------------
    STUCK = FaultSpec(
        FaultGroup.VALUE,
        "repeats its last value, or value_m, under new time-tags",
        (),
        ("value_m", "probability"),
        sensors=RANGE,
        effect=Effect.REPLACES_VALUE,
    )
    GARBAGE = FaultSpec(
        FaultGroup.VALUE,
        "is random, up to value_m",
        ("value_m",),
        ODDS,
        sensors=RANGE,
        effect=Effect.REPLACES_VALUE,
    )
    WRONG = FaultSpec(
        FaultGroup.VALUE,
        "is off by offset_m, plus ramp_mps times the time since the window opened",
        one_of=("offset_m", "ramp_mps"),
        may=ODDS,
        sensors=RANGE,
    )
    SCALE = FaultSpec(FaultGroup.VALUE, "is multiplied by scale", ("scale",), ODDS, sensors=RANGE)
    WRONG_SCALE = FaultSpec(
        FaultGroup.VALUE,
        "is multiplied by scale until the instrument is power-cycled",
        ("scale",),
        sensors=RANGE,
    )
    NOISE = FaultSpec(
        FaultGroup.VALUE,
        "has more noise, constant or as a share of the range",
        one_of=("sigma_m", "sigma_share"),
        sensors=RANGE,
    )
    SPIKES = FaultSpec(
        FaultGroup.VALUE,
        "is off by offset_m up or down",
        ("probability", "offset_m"),
        sensors=RANGE,
    )
    FALSE_SHORT = FaultSpec(
        FaultGroup.VALUE, "is a return from before the ground", ("probability",), sensors=RANGE
    )
    MULTIPLE_RETURNS = FaultSpec(
        FaultGroup.VALUE,
        "is too long by up to offset_m",
        ("probability", "offset_m"),
        sensors=RANGE,
    )
    SATURATED = FaultSpec(
        FaultGroup.VALUE,
        "is value_m and valid where the true range is longer, or where there is no return",
        ("value_m",),
        ODDS,
        sensors=RANGE,
    )
    ZERO_VALID = FaultSpec(
        FaultGroup.VALUE, "is 0 m and valid", (), ODDS, sensors=RANGE, effect=Effect.REPLACES_VALUE
    )
    FALSE_VALID = FaultSpec(
        FaultGroup.VALUE,
        "is value_m and valid where there is no return",
        ("value_m",),
        ODDS,
        sensors=RANGE,
    )
    FALSE_INVALID = FaultSpec(
        FaultGroup.VALUE,
        "is marked invalid though it is good",
        (),
        ODDS,
        sensors=RANGE,
        contradicts=("false_valid", "saturated"),
    )
    LINK_LOSS = FaultSpec(
        FaultGroup.VALUE,
        "has a return weaker by loss_db, so that it acquires later",
        ("loss_db",),
        sensors=RANGE,
    )
    # --- the inertial unit -------------------------------------------------------------------
    IMU_BIAS = FaultSpec(
        FaultGroup.INERTIAL,
        "a bias appears on one axis",
        one_of=("accel_offset_mps2", "rate_offset_radps"),
        may=("axis",),
    )
    IMU_CLIP = FaultSpec(
        FaultGroup.INERTIAL,
        "an axis clips early, flagged, and stays clipped for hold_s more",
        one_of=("accel_max_mps2", "rate_max_radps"),
        may=("hold_s",),
    )
    IMU_ZERO = FaultSpec(FaultGroup.INERTIAL, "the accelerometers read exactly 0", (), ODDS)
    # --- legs --------------------------------------------------------------------------------
    CONTACT_SPURIOUS = FaultSpec(
        FaultGroup.CONTACT,
        "legs report a touch for pulse_s, and again every period_s",
        ("pulse_s",),
        ("period_s", "legs"),
    )
    CONTACT_MISSING = FaultSpec(FaultGroup.CONTACT, "legs never report a touch", (), ("legs",))
    # --- engine and thrusters ----------------------------------------------------------------
    THRUST_SCALE = FaultSpec(
        FaultGroup.ACTUATOR,
        "thrust is multiplied by scale",
        ("scale",),
        effect=Effect.CHANGES_THRUST,
    )
    THRUST_LAG = FaultSpec(
        FaultGroup.ACTUATOR, "thrust lags lag_s more", ("lag_s",), effect=Effect.CHANGES_THRUST
    )
    ENGINE_LOST = FaultSpec(
        FaultGroup.ACTUATOR,
        "lost_share of the thrust is gone; the rest gives a torque of torque_Nm at full throttle",
        ("lost_share",),
        ("torque_Nm", "axis"),
        effect=Effect.CHANGES_THRUST,
    )
    ENGINE_OUT = FaultSpec(FaultGroup.ACTUATOR, "the engine is out", effect=Effect.CUTS_THRUST)
    THROTTLE_STUCK = FaultSpec(
        FaultGroup.ACTUATOR,
        "the throttle stays at its value, or at `throttle`",
        (),
        ("throttle",),
        effect=Effect.HOLDS_THROTTLE,
    )
    RCS_LOST = FaultSpec(
        FaultGroup.ACTUATOR,
        "lost_share of the thrusters' torque about an axis is gone",
        ("lost_share",),
        ("axis",),
    )
    PROPULSION_NOT_READY = FaultSpec(FaultGroup.ACTUATOR, "propulsion reports that it is not ready")
    # --- the flight computer -----------------------------------------------------------------
    MISSED_TICKS = FaultSpec(
        FaultGroup.COMPUTER,
        "the flight software misses a number of ticks, and again every period_s",
        ("ticks",),
        ("period_s",),
    )
    RESTART = FaultSpec(
        FaultGroup.COMPUTER,
        "the flight computer restarts and is down for outage_s; core is kept, history is not",
        ("outage_s",),
    )
    # --- bytes on the wire -------------------------------------------------------------------
    WIRE_FLIP = FaultSpec(
        FaultGroup.WIRE, "a bit of a frame is flipped", ("probability",), ("direction",)
    )
    WIRE_DROP = FaultSpec(
        FaultGroup.WIRE, "a byte of a frame is lost", ("probability",), ("direction",)
    )
    WIRE_INSERT = FaultSpec(
        FaultGroup.WIRE, "a byte is inserted into a frame", ("probability",), ("direction",)
    )
    WIRE_TRUNCATE = FaultSpec(
        FaultGroup.WIRE, "the rest of a frame is lost", ("probability",), ("direction",)
    )
    WIRE_GARBAGE = FaultSpec(
        FaultGroup.WIRE,
        "`count` random bytes precede a frame",
        ("probability", "count"),
        ("direction",),
    )
    WIRE_STALL = FaultSpec(
        FaultGroup.WIRE,
        "bytes are held back, and all released together every period_s",
        ("period_s",),
        ("direction",),
    )


KINDS = {kind.label: kind.spec for kind in FaultKind}

FAULT = record(
    "Fault",
    "One fault: its window and its magnitudes, of which each kind uses its own.",
    start_s=f64("time from which it is open", default=0.0, lo=0.0, hi=1e6),
    end_s=f64("time until which it is open", default=1e6, lo=0.0, hi=1e6),
    from_altitude_m=f64("clearance at whose first passage it opens", default=1e7, lo=-1e7, hi=1e7),
    until_altitude_m=f64(
        "clearance at whose first passage it closes", default=-1e7, lo=-1e7, hi=1e7
    ),
    delay_s=f64("added to the time of arrival", lo=0.0, hi=100.0),
    jitter_s=f64("greatest random delay", lo=0.0, hi=100.0),
    lag_share=f64("growth of the delay over time", lo=0.0, hi=1.0),
    period_s=f64("period of repetition", lo=0.0, hi=1e4),
    lost_share=f64("share that is lost", lo=0.0, hi=1.0),
    probability=f64("probability that it acts on a message", default=1.0, lo=0.0, hi=1.0),
    stamp_offset_s=f64("added to the time-tag", lo=-1e4, hi=1e4),
    jump_s=f64("step of the sensor's clock", lo=-1e5, hi=1e5),
    wrap_s=f64("time at which the clock wraps; 0 for never", lo=0.0, hi=1e6),
    drift=f64("rate error of the clock, s/s", lo=-0.1, hi=0.1),
    offset_m=f64("added to the range", lo=-1e5, hi=1e5),
    ramp_mps=f64("growth of the range error over time", lo=-1e3, hi=1e3),
    scale=f64("factor", default=1.0, lo=0.0, hi=100.0),
    sigma_m=f64("standard deviation of the noise added", lo=0.0, hi=1e5),
    sigma_share=f64("the same, as a share of the range", lo=0.0, hi=10.0),
    value_m=f64("range reported; below 0: the last value", default=-1.0, lo=-1.0, hi=1e5),
    loss_db=f64("loss of the link on top of its budget", lo=0.0, hi=80.0),
    accel_offset_mps2=f64("bias added to the specific force", lo=-100.0, hi=100.0),
    rate_offset_radps=f64("bias added to the angular rate", lo=-10.0, hi=10.0),
    accel_max_mps2=f64("specific force at which an axis clips", default=1e5, lo=0.0, hi=1e5),
    rate_max_radps=f64("angular rate at which an axis clips", default=100.0, lo=0.0, hi=100.0),
    hold_s=f64("time for which an axis stays clipped", lo=0.0, hi=100.0),
    pulse_s=f64("length of a pulse", lo=0.0, hi=1e4),
    torque_Nm=f64("side torque at full throttle", lo=-1e4, hi=1e4),
    throttle=f64(
        "value at which the throttle stays; below 0: its current one", default=-1.0, lo=-1.0, hi=1.0
    ),
    lag_s=f64("added to the time constant of thrust", lo=0.0, hi=10.0),
    outage_s=f64("time for which the flight computer is down", lo=0.0, hi=1e4),
    ticks=i64("ticks missed", lo=0, hi=100_000),
    count=i64("bytes", lo=0, hi=4096),
    kind=u8("kind of fault", codes=FaultKind),
    sensor=u8("sensor whose messages it affects", codes=Sensor),
    axis=u8("body axis about or along which it acts", codes=Axis),
    mode=u8("flight mode in which it is open", codes=WindowMode),
    legs=u8("legs that it affects: bit i for leg i", default=15, lo=0, hi=15),
    direction=u8("direction of the wire that it affects", codes=WireDirection),
    spare=u8("zero", 2),
)
