"""Law: shifting every clock shifts every stamp and changes nothing else, to the last byte.

Compared are core and outbox after every tick of a flight that has it all: punctual, late and
double ranges, lost increments, missed ticks, a restart, commands, uplinks, questions to the
clock. The Moon stands still for it, since its attitude is a function of the time itself; and
shifts are whole seconds, since checkpoints are kept at whole seconds.
"""

import functools

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fsw.executive.state import CORE, PARAMS
from fsw.filter.buffers import NEVER
from fsw.interface.messages import (
    CLOCK_EXCHANGE,
    CONTACT_SAMPLE,
    OUTBOX,
    PROPULSION_STATUS,
    RANGE_SAMPLE,
    CommandCode,
)
from fsw.interface.modes import Mode
from tests.fsw.computer import TICK_NS, Computer, above_the_site, command

S = 1_000_000_000
GRID_NS = 100_000_000
TICKS, DESCENT_TICK = 700, 40
START_M, FALL_MPS = 1500.0, 12.0
HOVER_MPS = 0.0162
LOST_IMU = range(300, 304)
MISSED, MISSED_TICK = 6, 400
STEP_TICK = 330  # between two exchanges; of those that follow, the second is believed
AWAY, RESTART_TICK = 15, 520
HELD = range(200, 260)  # ranges seen in these ticks come in one burst, 1.2 s later, and twice
# a stamp that has not been set yet, in the words of its field
UNSET = (0, -1, NEVER)
# every other integer of nanoseconds is a point of time
LENGTHS_OF_TIME = ("offset_ns", "half_ns", "shift_ns", "step_ns", "least_age_ns")
GRID_COUNTS = ("k", "computed_k", "dirty_k")
# what is kept as the sensor's own clock has it, and the event that gives how far it is ahead
SENSOR_SIDE = ("timebase.", "inertial.stamp_ns", "events[0].a")


@functools.cache
def on_a_moon_at_rest():
    made = PARAMS.new()
    made.moon.omega_radps = 0.0
    return made


def flight(shift_ns=0, sensor_ns=0, step_ns=0, mapped_tick=0):
    """Bytes of core and outbox after every tick; the sensors' clock may be ahead, and may step.

    Its first exchange comes at mapped_tick.
    """
    computer = Computer(made=on_a_moon_at_rest())
    computer.n = first = 100 + shift_ns // TICK_NS
    kept, held, seen = [], [], 0
    for n in range(TICKS):
        sensor_ns += step_ns if n == STEP_TICK else 0
        skipped = {MISSED_TICK: MISSED, RESTART_TICK: AWAY}.get(n, 0)
        for _ in range(skipped):
            computer.imu(dv=(0.0, 0.0, HOVER_MPS))
        computer.n += skipped
        now_ns = computer.n * TICK_NS
        inputs = reports(n, now_ns, sensor_ns)
        if n < mapped_tick:
            inputs.pop("clock", None)
        since_s = (computer.n - first) * TICK_NS / S
        if n % 5 == 0 and n > 0:
            seen += 1
            made = range_of(seen, now_ns + sensor_ns - 5 * TICK_NS, since_s - 0.05)
            (held if n in HELD else inputs.setdefault("ranges", [])).append(made)
        if n >= HELD.stop + 60 and held:
            held = held * 2 if len(held) == len(HELD) // 5 else held
            inputs["ranges"], held = held[:8], held[8:]
        imu = computer.imu(dv=(0.0, 0.0, HOVER_MPS), dtheta=(0.0, 1e-6 * (n % 7), 0.0))
        imu.t_ns += sensor_ns
        computer.inbox.resumed = int(n == RESTART_TICK)
        missed = MISSED if n == MISSED_TICK else 0
        computer.tick(missed, [] if n in LOST_IMU or n == 0 else [imu], **inputs)
        if n == DESCENT_TICK:
            computer.core.executive.mode = Mode.DESCENT
        kept.append((computer.core.tobytes(), computer.outbox.tobytes()))
    return kept


def reports(n, now_ns, sensor_ns):
    """What comes now and then: exchanges, uplinks, commands, contacts, status."""
    inputs = {}
    if n % 50 == 0:
        asked_ns = now_ns - 900_000
        answered = {"t_remote_rx_ns": asked_ns + sensor_ns + 300_000}
        answered["t_remote_tx_ns"] = answered["t_remote_rx_ns"]
        inputs["clock"] = CLOCK_EXCHANGE.new(t_ns=asked_ns, t_rx_ns=asked_ns + 600_000, **answered)
    if n in (1, 30):
        height_m = START_M - FALL_MPS * n * TICK_NS / S
        inputs["nav_update"] = above_the_site(height_m, FALL_MPS)
        inputs["nav_update"].v_BM_I_mps[1] = 0.0  # a site that does not move
        inputs["nav_update"].t_ns = now_ns
    if n in (2, 450):
        inputs["commands"] = [
            command(CommandCode.GO if n == 2 else CommandCode.RANGE_POWER_CYCLE, seq=n)
        ]
    if n % 90 == 0:
        inputs["contact"] = CONTACT_SAMPLE.new(t_ns=now_ns + sensor_ns, legs=n // 90 % 2)
        inputs["propulsion"] = PROPULSION_STATUS.new(t_ns=now_ns + sensor_ns, mass_kg=500, ready=1)
    return inputs


def range_of(seq, t_ns, since_s):
    made = RANGE_SAMPLE.new(t_ns=t_ns, seq=seq, valid=1, quality=200)
    made.range_m = START_M - FALL_MPS * since_s - 2.0 + 0.3 * (seq % 3)
    return made


def count(field):
    """How many numbers a field holds."""
    return int(np.prod(field.shape, dtype=int))


def places(record):
    """Where a record has points of time, and where counts of the grid, in 64-bit words."""
    times, grid = [], []
    for path, field, offset in record.leaves():
        name = path.rpartition(".")[2].partition("[")[0]
        words = range(offset // 8, offset // 8 + count(field))
        if name in GRID_COUNTS:
            grid += words
        elif name.endswith("_ns") and not name.endswith(LENGTHS_OF_TIME):
            times += words
    return np.array(times, int), np.array(grid, int)


PLACES = {record.name: places(record) for record in (CORE, OUTBOX)}


def put_back(record, data, shift_ns):
    """The bytes as they would be without the shift."""
    words = np.frombuffer(data, np.int64).copy()
    for which, by in zip(PLACES[record.name], (shift_ns, shift_ns // GRID_NS), strict=True):
        words[which] -= np.where(np.isin(words[which], UNSET), 0, by)
    return words.tobytes()


def differences(record, one, other):
    """Names of the fields whose bytes differ."""
    found = []
    for path, field, offset in record.leaves():
        end = offset + field.base.itemsize * count(field)
        if one[offset:end] != other[offset:end]:
            found.append(path)
    return found


@functools.cache
def plain():
    return flight()


def all_differences(other, shift_ns=0, but_for=()):
    """Every field that differs by more than the shift, and the last tick in which it does."""
    found = {}
    for tick, (ours, theirs) in enumerate(zip(plain(), other, strict=True)):
        for record, one, two in zip((CORE, OUTBOX), ours, theirs, strict=True):
            two = blanked(record, but_for, put_back(record, two, shift_ns))
            one = blanked(record, but_for, one)
            if one != two:
                found |= dict.fromkeys(differences(record, one, two), tick)
    return found


def blanked(record, names, data):
    """The bytes without those of the fields that are of no concern."""
    words = np.frombuffer(data, np.int64).copy()
    words[_words_of(record.name, names)] = 0
    return words.tobytes()


@functools.cache
def _words_of(record_name, names):
    record = {each.name: each for each in (CORE, OUTBOX)}[record_name]
    return [
        word
        for path, field, offset in record.leaves()
        if any(name in path for name in names)
        for word in range(offset // 8, -(-(offset + field.base.itemsize * count(field)) // 8))
    ]


@settings(max_examples=4)
@given(st.integers(1, 10**9))
@example(1)
@example(10**9)
def test_shifting_every_clock_shifts_every_stamp_and_nothing_else(shift_s):
    assert all_differences(flight(shift_s * S, 0), shift_s * S) == {}


@settings(max_examples=4)
@given(st.integers(-(10**17), 10**17))
@example(7)
def test_shifting_the_sensors_clock_changes_nothing_but_the_map_between_the_clocks(sensor_ns):
    assert all_differences(flight(0, sensor_ns), but_for=SENSOR_SIDE) == {}


@pytest.mark.parametrize("sensor_ns", [-5 * 3600 * S, -S, 0, S, 5 * 3600 * S])
def test_a_clock_that_is_mapped_late_does_no_harm_meanwhile(sensor_ns):
    late = flight(sensor_ns=sensor_ns, mapped_tick=20)
    ours, other = (np.frombuffer(kept[-1][0], CORE.dtype)[0] for kept in (plain(), late))
    for name, most in (("r_BM_I_m", 0.5), ("v_BM_I_mps", 0.05), ("q_IB", 1e-9)):
        moved = other["navigation"]["current"][name] - ours["navigation"]["current"][name]
        assert np.linalg.norm(moved) < most
    assert other["navigation"]["inertial"]["shift_ns"] == 0


@settings(max_examples=4)
@given(st.integers(-(10**14), 10**14).filter(lambda step_ns: abs(step_ns) > S // 10))
@example(-310 * S)  # a sensor board that restarts after so long
@example(2 * S)
def test_a_step_of_the_sensors_clock_in_flight_costs_a_few_ranges_and_moves_nothing(step_ns):
    def navigation(kept):
        return np.frombuffer(kept[-1][0], CORE.dtype)[0]["navigation"]

    ours, stepped = navigation(plain()), navigation(flight(step_ns=step_ns))
    assert stepped["timebase"]["jumps"] == 1 and stepped["inertial"]["shift_ns"] == 0
    assert stepped["current"]["t_ns"] == ours["current"]["t_ns"]
    for name, most in (("r_BM_I_m", 0.1), ("v_BM_I_mps", 0.02), ("q_IB", 1e-9)):
        moved = stepped["current"][name] - ours["current"][name]
        assert np.linalg.norm(moved) < most
    fused = [each["intake"]["verdicts"][1:3].sum() for each in (ours, stepped)]
    assert fused[0] - 3 <= fused[1] <= fused[0]


def test_the_flight_that_is_shifted_has_it_all():
    core = np.frombuffer(plain()[-1][0], CORE.dtype)[0]
    verdicts = core["navigation"]["intake"]["verdicts"]
    assert verdicts[1] > 60 and verdicts[2] > 8 and verdicts[4] >= 12  # now, late, duplicate
    assert core["executive"]["overruns"] == MISSED
    assert core["navigation"]["timebase"]["exchanges"] > 10
    assert core["navigation"]["inertial"]["gaps"] >= 3


@pytest.mark.parametrize("field", ["navigation.current.t_ns", "executive.tick", "estimate.mass_kg"])
def test_a_field_that_moves_otherwise_is_named(field):
    before = plain()[-1][0]
    offset = next(place for path, _, place in CORE.leaves() if path == field)
    after = bytearray(before)
    after[offset] ^= 1
    assert differences(CORE, before, put_back(CORE, bytes(after), 0)) == [field]
