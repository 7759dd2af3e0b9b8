"""The event dictionary: every event has a number, a severity and the meaning of its figures.

Numbers are positions in the table and part of the wire schema.
"""

from fsw.framework.kernel import kernel

INFO, NOTICE, WARNING, ALARM = range(4)
SEVERITY_NAMES = ("info", "notice", "warning", "alarm")

# name, severity, wording with the two figures {a} and {b}
EVENT_TABLE = (
    ("none", INFO, ""),
    ("mode_changed", NOTICE, "mode {a:mode} after {b:mode}"),
    ("ignition", NOTICE, "{a:.0f} m up at {b:.1f} m/s"),
    ("not_begun", ALARM, "propulsion reports {a:.0f} kg, ready {b:.0f}"),
    ("nav_updated", NOTICE, "position moved {a:.0f} m, velocity {b:.2f} m/s"),
    ("range_first_valid", NOTICE, "slant range {a:.0f} m, {b:.3f} s old"),
    ("range_first_fused", NOTICE, "altitude {a:.0f} m, moved by {b:+.1f} m"),
    ("range_silent", WARNING, "nothing fused for {a:.1f} s at {b:.0f} m"),
    ("range_resumed", NOTICE, "fused again after {a:.1f} s, moved by {b:+.1f} m"),
    ("range_rejected", WARNING, "innovation {a:+.1f} m, {b:.1f} sigma"),
    ("challenger_won", WARNING, "altitude moved by {a:+.0f} m, old one kept: {b:.0f}"),
    ("rival_dropped", NOTICE, "{a:.0f} m lower ground given up, {b:.0f} m/s of delta-v left"),
    ("estimate_condemned", ALARM, "altitude below zero without contact, {a:.0f} times so far"),
    ("stamps_repaired", WARNING, "range stamps moved by {a:+.3f} s, {b:.0f} steps so far"),
    ("range_replayed", INFO, "{a:.0f} grid steps redone, sample {b:.3f} s old"),
    ("imu_gap", WARNING, "{a:.3f} s without samples, {b:.0f} gaps so far"),
    ("imu_saturated", WARNING, "axis clipped, {a:.0f} so far"),
    ("imu_silent", ALARM, "no increment for {a:.2f} s"),
    ("clock_mapped", INFO, "sensor clock {a:+.6f} s ahead, uncertain by {b:.6f} s"),
    ("clock_jump", WARNING, "sensor clock stepped by {a:+.6f} s"),
    ("missed_ticks", WARNING, "{a:.0f} ticks skipped, {b:.0f} so far"),
    ("telemetry_shed", WARNING, "after {a:.0f} late ticks in a row"),
    ("cap_override", WARNING, "runtime assurance raised thrust from {a:.2f} to {b:.2f} m/s2"),
    ("contact", NOTICE, "{a:.0f} legs, descending {b:.2f} m/s"),
    ("engine_cut", NOTICE, "descending {a:.2f} m/s, footpads {b:.2f} m up by estimate"),
    ("propellant_low", WARNING, "{a:.1f} kg left, {b:.0f} s of hover"),
    ("command_taken", NOTICE, "command {a:command}, result {b:ack}"),
    ("aborted", ALARM, "climbing out at {a:.0f} m, {b:.0f} m/s"),
    ("restarted", ALARM, "away for {a:.2f} s, flying on from core at {b:.0f} m"),
    ("blind_let_down", WARNING, "no ranges, letting down at {a:.1f} m/s, {b:.0f} m up by estimate"),
    ("thrust_low", ALARM, "engine gives {a:.2f} of what throttle {b:.2f} should"),
    ("thrust_back", NOTICE, "engine gives {a:.2f} of what throttle {b:.2f} should"),
    ("imu_zero", ALARM, "accelerometers read exactly nothing {a:.0f} times in a row"),
    (
        "imu_restarted",
        ALARM,
        "inertial sums begun anew, {a:.3f} s bridged, {b:.0f} samples refused",
    ),
    ("range_power_cycled", WARNING, "try {a:.0f}, it contradicts flight at {b:.0f} m"),
    ("imu_clock_repaired", WARNING, "inertial stamps moved by {a:+.3f} s after {b:.3f} s"),
)
EVENT_NAMES = tuple(row[0] for row in EVENT_TABLE)

(
    EV_NONE,
    EV_MODE_CHANGED,
    EV_IGNITION,
    EV_NOT_BEGUN,
    EV_NAV_UPDATED,
    EV_RANGE_FIRST_VALID,
    EV_RANGE_FIRST_FUSED,
    EV_RANGE_SILENT,
    EV_RANGE_RESUMED,
    EV_RANGE_REJECTED,
    EV_CHALLENGER_WON,
    EV_RIVAL_DROPPED,
    EV_ESTIMATE_CONDEMNED,
    EV_STAMPS_REPAIRED,
    EV_RANGE_REPLAYED,
    EV_IMU_GAP,
    EV_IMU_SATURATED,
    EV_IMU_SILENT,
    EV_CLOCK_MAPPED,
    EV_CLOCK_JUMP,
    EV_MISSED_TICKS,
    EV_TELEMETRY_SHED,
    EV_CAP_OVERRIDE,
    EV_CONTACT,
    EV_ENGINE_CUT,
    EV_PROPELLANT_LOW,
    EV_COMMAND_TAKEN,
    EV_ABORTED,
    EV_RESTARTED,
    EV_BLIND_LET_DOWN,
    EV_THRUST_LOW,
    EV_THRUST_BACK,
    EV_IMU_ZERO,
    EV_IMU_RESTARTED,
    EV_RANGE_POWER_CYCLED,
    EV_IMU_CLOCK_REPAIRED,
) = range(len(EVENT_TABLE))


@kernel
def post_event(outbox, code, a, b):
    """Append an event to the outbox; one that finds no room is counted.

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
