"""Table: one tick with missed time, commands, reports and missing inputs."""

import itertools

import pytest

from fsw.executive.step import GUIDANCE_SLOT, TELEMETRY_SLOT, due, slot
from fsw.filter.buffers import FREE_FALL, IMU_SLOTS
from fsw.interface.events import EventCode, post_event
from fsw.interface.messages import (
    CONTACT_SAMPLE,
    EVENTS_PER_TICK,
    OUTBOX,
    PROPULSION_STATUS,
    RANGE_SAMPLE,
    AckResult,
    CommandCode,
    RangeAction,
)
from fsw.interface.modes import TRANSITIONS, Cue, Mode, engine_may_run
from tests.fsw.computer import TICK_NS, Computer, above_the_site, before_the_site, command, names

MODES = range(len(Mode))
LIGHT_KG, ORBIT_MPS = 350.0, 1600.0


# --- slots -------------------------------------------------------------------------------


@pytest.mark.parametrize("row", [(0, 0), (-5, 0), (10, 10), (10, -1), (1, 1)])
def test_a_slot_that_could_never_run_is_refused(row):
    with pytest.raises(ValueError, match="can never run"):
        slot(*row)


@pytest.mark.parametrize("row", [GUIDANCE_SLOT, TELEMETRY_SLOT, slot(1, 0), slot(7, 6)])
def test_a_slot_runs_once_in_every_divider_of_ticks(row):
    assert [tick for tick in range(3 * row[0]) if due(tick, row)] == [
        row[1] + k * row[0] for k in range(3)
    ]


def test_guidance_runs_ten_times_a_second_and_telemetry_five_times():
    computer = Computer()
    computer.tick(nav_update=above_the_site(1000.0))
    guided, reported = [], []
    for n in range(1, 100):
        computer.tick(imus=[computer.imu()])
        if int(computer.core.executive.guided_ns) == n * TICK_NS:
            guided.append(n)
        if int(computer.outbox.has_telemetry) == 1:
            reported.append(n)
            assert int(computer.outbox.telemetry.t_ns) == n * TICK_NS
            assert int(computer.outbox.telemetry.tick) == n
    assert guided == list(range(3, 100, 10))
    assert reported == list(range(7, 100, 20))


# --- commands ----------------------------------------------------------------------------


def prepared(mode, orbit_in_reach=True):
    computer = Computer(mode)
    computer.core.estimate.mass_kg = 720.0 if orbit_in_reach else LIGHT_KG
    computer.core.estimate.v_BL_L_mps = (ORBIT_MPS, 0.0, 0.0)
    computer.core.estimate.up_L = (0.0, 0.0, 1.0)
    return computer


def answer(mode, code, orbit_in_reach):
    """Expected result of a command, and the mode after it."""
    if code in (CommandCode.RANGE_ENABLE, CommandCode.RANGE_INHIBIT, CommandCode.RANGE_POWER_CYCLE):
        return AckResult.ACCEPTED, mode
    if code not in (CommandCode.GO, CommandCode.ABORT):
        return AckResult.UNKNOWN_COMMAND, mode
    after = TRANSITIONS.get((mode, Cue.GO if code == CommandCode.GO else Cue.ABORT))
    if after is None or (code == CommandCode.ABORT and mode == Mode.BRAKING and not orbit_in_reach):
        return AckResult.NOT_IN_THIS_MODE, mode
    return AckResult.ACCEPTED, after


CODES = [*range(len(CommandCode) + 1), 255]


@pytest.mark.parametrize("orbit_in_reach", [True, False])
@pytest.mark.parametrize(("mode", "code"), list(itertools.product(MODES, CODES)))
def test_every_command_is_answered_in_every_mode(mode, code, orbit_in_reach):
    computer = prepared(mode, orbit_in_reach)
    computer.n = 12
    events = computer.tick(commands=[command(code, seq=4711)])
    result, after = answer(mode, code, orbit_in_reach)
    found = [(int(a.seq), int(a.code), int(a.result), int(a.t_ns)) for a in computer.acks()]
    assert found == [(4711, code, result, 12 * TICK_NS)]
    assert computer.mode == after
    assert int(computer.core.executive.last_command_seq) == 4711
    assert ("command_taken", float(code), float(result)) in events
    changed = [event for event in events if event[0] == "mode_changed"]
    assert changed == ([("mode_changed", float(after), float(mode))] if after != mode else [])


def test_two_commands_of_a_tick_are_answered_in_their_order():
    computer = Computer()
    computer.tick(commands=[command(CommandCode.GO, 1), command(CommandCode.GO, 2)])
    found = [(int(ack.seq), int(ack.result)) for ack in computer.acks()]
    assert found == [(1, AckResult.ACCEPTED), (2, AckResult.NOT_IN_THIS_MODE)]


def test_inhibited_ranges_are_refused_until_enabled():
    computer = Computer()
    computer.tick(nav_update=above_the_site(1000.0))
    intake = computer.core.navigation.intake

    def executed(code):
        computer.tick(commands=[command(code)])
        computer.tick(ranges=[RANGE_SAMPLE.new(t_ns=computer.n * TICK_NS, range_m=900.0, valid=1)])
        return int(intake.verdicts[0]), int(intake.verdicts[14])

    assert executed(CommandCode.RANGE_INHIBIT) == (0, 1)
    assert executed(CommandCode.RANGE_ENABLE) == (1, 1)


def test_the_rangefinder_is_power_cycled_three_times_and_no_more():
    computer = Computer()
    results, orders = [], []
    for _ in range(5):
        computer.tick(commands=[command(CommandCode.RANGE_POWER_CYCLE)])
        results.append(int(computer.acks()[0].result))
        if int(computer.outbox.has_range_command) == 1:
            order = computer.outbox.range_command
            orders.append((int(order.action), int(order.seq), int(order.t_ns)))
    assert results == [AckResult.ACCEPTED] * 3 + [AckResult.TRIES_USED_UP] * 2
    assert orders == [(RangeAction.POWER_CYCLE, n, n * TICK_NS) for n in range(3)]


# --- time --------------------------------------------------------------------------------


def test_skipped_ticks_are_counted_and_reported():
    computer = Computer()
    assert names(computer.tick()) == []
    assert computer.tick(missed=3) == [("missed_ticks", 3.0, 3.0)]
    assert computer.tick(missed=1) == [("missed_ticks", 1.0, 4.0)]
    assert names(computer.tick()) == []
    assert int(computer.core.executive.overruns) == 4


def test_a_late_tick_is_one_tick_and_no_burst():
    computer = Computer()
    computer.ticks(5)
    computer.tick(missed=50)
    assert int(computer.core.executive.tick) == 6


def test_after_three_late_ticks_in_a_row_telemetry_is_shed_until_one_is_on_time():
    computer = Computer()
    reported, shed = [], []
    late = {5, 6, 7, 8, *range(20, 26), 27, *range(44, 49)}
    for n in range(100):
        events = computer.tick(missed=int(n in late))
        shed += [n] * names(events).count("telemetry_shed")
        if int(computer.outbox.has_telemetry) == 1:
            reported.append(n)
    assert reported == [27, 67, 87]  # of 7, 27, 47, 67 and 87
    assert shed == [7, 22, 46]


# --- what leaves -------------------------------------------------------------------------


def test_events_are_stamped_and_numbered_through():
    computer = Computer()
    computer.core.executive.event_seq = 65_533
    found = []
    for code in (CommandCode.GO, CommandCode.ABORT, CommandCode.GO):
        computer.n += 5
        computer.tick(commands=[command(code)])
        for event in computer.outbox.events[: int(computer.outbox.n_events)]:
            found.append((int(event.seq), int(event.t_ns) // TICK_NS))
    assert found[:3] == [(65_533, 5), (65_534, 5), (65_535, 11)]
    assert [seq for seq, _ in found[3:]] == list(range(len(found) - 3))


def test_an_event_that_finds_no_room_is_counted():
    outbox = OUTBOX.new()
    for n in range(EVENTS_PER_TICK + 4):
        post_event(outbox, 1, float(n), 0.0)
    assert (int(outbox.n_events), int(outbox.events_lost)) == (EVENTS_PER_TICK, 4)
    assert [row.a for row in outbox.events] == [float(n) for n in range(EVENTS_PER_TICK)]


def test_the_outbox_is_overwritten_in_every_tick():
    computer = Computer()
    outbox = computer.outbox
    outbox.n_events, outbox.n_acks = 9, 2
    outbox.has_range_command = outbox.has_telemetry = 1
    computer.tick()
    assert (outbox.n_events, outbox.n_acks) == (0, 0)
    assert (outbox.has_range_command, outbox.has_telemetry) == (0, 0)


def test_an_actuator_command_leaves_in_every_tick_numbered_and_stamped():
    computer = Computer()
    computer.core.executive.actuator_seq = 65_535
    for n in range(3):
        computer.tick()
        sent = computer.outbox.actuators
        assert (int(sent.t_ns), int(sent.tick)) == (n * TICK_NS, n)
        assert (int(sent.seq), int(sent.mode)) == ((65_535 + n) % 65_536, Mode.STANDBY)
        assert sent.tobytes() == computer.core.actuators.tobytes()


# --- ignition, or not --------------------------------------------------------------------


def at_the_ignition_point(status):
    """A computer commanded to go, beyond the point where braking has to begin."""
    computer = Computer()
    computer.tick(nav_update=before_the_site(0.2))
    reports = {} if status is None else {"propulsion": PROPULSION_STATUS.new(**status)}
    events = computer.tick(commands=[command(CommandCode.GO)], **reports)
    return computer, events + computer.ticks(12)


@pytest.mark.parametrize(
    ("status", "mode"),
    [
        (None, Mode.BRAKING),  # silence is no refusal
        ({"mass_kg": 700.0, "ready": 1}, Mode.BRAKING),
        ({"mass_kg": 700.0, "ready": 0}, Mode.NOT_BEGUN),
        ({"mass_kg": 500.0, "ready": 1}, Mode.NOT_BEGUN),
    ],
)
def test_a_descent_is_begun_only_when_propulsion_is_fit(status, mode):
    computer, events = at_the_ignition_point(status)
    assert computer.mode == mode
    assert ("ignition" in names(events)) == (mode == Mode.BRAKING)
    assert ("not_begun" in names(events)) == (mode == Mode.NOT_BEGUN)
    assert int(computer.outbox.actuators.engine_on) == (mode == Mode.BRAKING)


@pytest.mark.parametrize(("noise_mps", "mode"), [(0.0, Mode.NOT_BEGUN), (1e-6, Mode.BRAKING)])
def test_a_descent_is_not_begun_on_accelerometers_that_read_exactly_zero(noise_mps, mode):
    computer = Computer()
    computer.tick(nav_update=before_the_site(0.2))
    alarms = []
    for n in range(1, 601):
        dv = (0.0, 0.0, noise_mps if n == 200 else 0.0)
        imu = computer.imu(dv=dv)
        alarms += [e for e in computer.tick(imus=[imu]) if e[0] == "imu_zero"]
    computer.tick(commands=[command(CommandCode.GO)])
    computer.ticks(12)
    assert computer.mode == mode
    assert [a for _, a, _ in alarms] == ([500.0] if mode == Mode.NOT_BEGUN else [])


def test_without_a_go_the_engine_stays_off():
    computer = Computer()
    computer.tick(nav_update=before_the_site(0.2))
    computer.ticks(30)
    assert (computer.mode, int(computer.outbox.actuators.engine_on)) == (Mode.STANDBY, 0)


@pytest.mark.parametrize("mode", MODES)
def test_an_uplinked_state_is_taken_only_before_ignition(mode):
    computer = Computer(mode)
    events = computer.tick(nav_update=above_the_site(1000.0))
    assert ("nav_updated" in names(events)) == (mode in (Mode.STANDBY, Mode.COAST))
    assert int(computer.core.navigation.ready) == (mode in (Mode.STANDBY, Mode.COAST))


# --- the ground --------------------------------------------------------------------------

TWO_LEGS = CONTACT_SAMPLE.new(legs=0b0011)


def low(mode=Mode.TERMINAL):
    """Half a metre up, at rest, with the engine running."""
    computer = Computer()
    computer.tick(nav_update=above_the_site(0.5 + 1.2))
    computer.core.executive.mode = mode
    for _ in range(12):
        computer.tick(imus=[computer.imu(dv=(0.0, 0.0, 0.01625))])
    assert int(computer.outbox.actuators.engine_on) == 1
    return computer


def held_up(computer):
    """An increment in which the ground holds more than the engine can."""
    return computer.imu(dv=(0.0, 0.0, 0.06))


def test_the_engine_is_cut_in_the_tick_of_detection():
    computer = low()
    burning = []
    for _ in range(8):
        computer.tick(contact=TWO_LEGS, imus=[held_up(computer)])
        burning.append(int(computer.outbox.actuators.engine_on))
    assert burning == [1] * 5 + [0] * 3
    assert computer.mode == Mode.LANDED


def test_contact_is_reported_once():
    computer = low()
    events = computer.tick(contact=TWO_LEGS)
    for _ in range(10):
        events += computer.tick(imus=[held_up(computer)])
    assert [event for event in events if event[0] == "contact"] == [
        ("contact", 2.0, pytest.approx(0.0, abs=0.1))
    ]
    assert names(events).count("engine_cut") == 1


@pytest.mark.parametrize("mode", [Mode.LANDED, Mode.NOT_BEGUN, Mode.STANDBY])
def test_where_the_engine_may_not_run_no_input_starts_it(mode):
    assert not engine_may_run(mode)
    computer = Computer()
    computer.tick(nav_update=before_the_site(0.2))
    computer.core.executive.mode = mode
    fit = PROPULSION_STATUS.new(mass_kg=700.0, ready=1)
    codes = [
        code
        for code in CODES
        if not (mode == Mode.STANDBY and code in (CommandCode.GO, CommandCode.ABORT))
    ]
    for n, code in enumerate(codes * 5):
        contact = CONTACT_SAMPLE.new(legs=n % 16)
        imu = computer.imu(dv=(0.0, 0.0, 0.02))
        computer.tick(commands=[command(code)], contact=contact, propulsion=fit, imus=[imu])
        sent = computer.outbox.actuators
        assert (int(sent.engine_on), float(sent.throttle)) == (0, 0.0)
        assert sent.torque_B_Nm.tolist() == [0.0, 0.0, 0.0]
        assert computer.mode == mode


# --- silence -----------------------------------------------------------------------------


def test_a_silent_imu_is_reported_once_each_time():
    computer = Computer()
    computer.tick(nav_update=above_the_site(1000.0))
    reported = []
    for n in range(1, 60):
        silent = 10 <= n < 30 or 40 <= n < 50
        events = computer.tick(imus=[] if silent else [computer.imu()])
        reported += [n] * names(events).count("imu_silent")
    assert reported == [14, 44]


def test_free_fall_is_detected_two_seconds_after_the_last_thrust():
    computer = low()
    history = computer.state.history
    computer.core.executive.mode = Mode.LANDED
    flags = []
    for _ in range(230):
        computer.tick(imus=[computer.imu()])
        flags.append(int(history.imu_flags[(int(history.imu_count) - 1) % IMU_SLOTS]) & FREE_FALL)
    first = flags.index(FREE_FALL)
    assert flags == [0] * first + [FREE_FALL] * (230 - first)
    assert 199 <= first <= 201


def test_event_names_are_unique():
    assert len(set(EventCode.labels())) == len(EventCode)
