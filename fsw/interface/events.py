"""The event dictionary: every event has a code, a severity and the meaning of its figures."""

from typing import Self

from fsw.framework.codes import Code
from fsw.framework.kernel import kernel


class Severity(Code):
    """Severities of events."""

    INFO = 0
    NOTICE = 1
    WARNING = 2
    ALARM = 3


class Event(Code):
    """Base of event lists: code, severity, and wording with the two figures {a} and {b}."""

    severity: Severity
    wording: str

    def __new__(cls, code: int, severity: Severity, wording: str) -> Self:
        """A member whose value is its code, with severity and wording."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.severity = severity
        member.wording = wording
        return member


class EventCode(Event):
    """Events of the flight software."""

    NONE = 0, Severity.INFO, ""
    MODE_CHANGED = 1, Severity.NOTICE, "mode {a:mode} after {b:mode}"
    IGNITION = 2, Severity.NOTICE, "altitude {a:.0f} m, {b:.1f} m/s"
    NOT_BEGUN = 3, Severity.ALARM, "propulsion reports {a:.0f} kg, ready {b:.0f}"
    NAV_UPDATED = 4, Severity.NOTICE, "position moved {a:.0f} m, velocity {b:.2f} m/s"
    RANGE_FIRST_VALID = 5, Severity.NOTICE, "slant range {a:.0f} m, {b:.3f} s old"
    RANGE_FIRST_FUSED = 6, Severity.NOTICE, "altitude {a:.0f} m, moved by {b:+.1f} m"
    RANGE_SILENT = 7, Severity.WARNING, "no range fused for {a:.1f} s at {b:.0f} m"
    RANGE_RESUMED = 8, Severity.NOTICE, "fused again after {a:.1f} s, moved by {b:+.1f} m"
    RANGE_REJECTED = 9, Severity.WARNING, "innovation {a:+.1f} m, {b:.1f} sigma"
    CANDIDATE_PROMOTED = (
        10,
        Severity.WARNING,
        "altitude moved by {a:+.0f} m, former one kept: {b:.0f}",
    )
    ALTERNATE_DROPPED = (
        11,
        Severity.NOTICE,
        "altitude {a:.0f} m lower dropped, {b:.0f} m/s of delta-v left",
    )
    ESTIMATE_INVALIDATED = (
        12,
        Severity.ALARM,
        "altitude below zero without contact, {a:.0f} times so far",
    )
    STAMPS_REPAIRED = 13, Severity.WARNING, "range stamps moved by {a:+.3f} s, {b:.0f} steps so far"
    RANGE_REPLAYED = 14, Severity.INFO, "{a:.0f} grid steps redone, sample {b:.3f} s old"
    IMU_GAP = 15, Severity.WARNING, "{a:.3f} s without samples, {b:.0f} gaps so far"
    IMU_SATURATED = 16, Severity.WARNING, "axis clipped, {a:.0f} so far"
    IMU_SILENT = 17, Severity.ALARM, "no increment for {a:.2f} s"
    CLOCK_MAPPED = 18, Severity.INFO, "sensor clock {a:+.6f} s ahead, uncertain by {b:.6f} s"
    CLOCK_JUMP = 19, Severity.WARNING, "sensor clock stepped by {a:+.6f} s"
    MISSED_TICKS = 20, Severity.WARNING, "{a:.0f} ticks skipped, {b:.0f} so far"
    TELEMETRY_SHED = 21, Severity.WARNING, "after {a:.0f} late ticks in a row"
    CAP_OVERRIDE = (
        22,
        Severity.WARNING,
        "runtime assurance raised thrust from {a:.2f} to {b:.2f} m/s2",
    )
    CONTACT = 23, Severity.NOTICE, "{a:.0f} legs, descending {b:.2f} m/s"
    ENGINE_CUT = 24, Severity.NOTICE, "descending {a:.2f} m/s, estimated footpad altitude {b:.2f} m"
    PROPELLANT_LOW = 25, Severity.WARNING, "{a:.1f} kg left, {b:.0f} s of hover"
    COMMAND_TAKEN = 26, Severity.NOTICE, "command {a:command}, result {b:ack}"
    ABORTED = 27, Severity.ALARM, "climb from {a:.0f} m at {b:.0f} m/s"
    RESTARTED = 28, Severity.ALARM, "outage of {a:.2f} s, continues from core at {b:.0f} m"
    BLIND_DESCENT = (
        29,
        Severity.WARNING,
        "no ranges, descending at {a:.1f} m/s, estimated altitude {b:.0f} m",
    )
    THRUST_LOW = 30, Severity.ALARM, "thrust is {a:.2f} of that commanded, throttle {b:.2f}"
    THRUST_BACK = 31, Severity.NOTICE, "thrust is {a:.2f} of that commanded, throttle {b:.2f}"
    IMU_ZERO = 32, Severity.ALARM, "accelerometers read exactly zero {a:.0f} times in a row"
    IMU_RESTARTED = (
        33,
        Severity.ALARM,
        "inertial integrals restarted, {a:.3f} s bridged, {b:.0f} samples refused",
    )
    RANGE_POWER_CYCLED = 34, Severity.WARNING, "try {a:.0f}, ranges contradict flight at {b:.0f} m"
    IMU_CLOCK_REPAIRED = 35, Severity.WARNING, "inertial stamps moved by {a:+.3f} s after {b:.3f} s"


@kernel
def post_event(outbox, code, a, b):
    """Append an event to the outbox, or count it as lost when the outbox is full.

    The executive stamps time and sequence number when the tick ends.
    """
    n = int(outbox.n_events)
    if n >= len(outbox.events):
        outbox.events_lost = int(outbox.events_lost) + 1
        return
    outbox.events[n].code = code
    outbox.events[n].a = a
    outbox.events[n].b = b
    outbox.n_events = n + 1
