"""Law: whatever the sensors say, core holds numbers and commands stay within limits.

A plain flight is fed to the flight software, and any field of any message may be replaced by
whatever its bytes can hold: huge, tiny, negative, not a number, a stamp of another century.
"""

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fsw.executive.state import CORE
from fsw.interface.messages import (
    CLOCK_EXCHANGE,
    CONTACT_SAMPLE,
    IMU_SAMPLE,
    NAV_UPDATE,
    PROPULSION_STATUS,
    RANGE_SAMPLE,
)
from fsw.interface.modes import Mode, engine_may_run
from tests.fsw.computer import TICK_NS, Computer, above_the_site, before_the_site

TICKS = 160
MODES = (Mode.STANDBY, Mode.COAST, Mode.BRAKING, Mode.APPROACH, Mode.DESCENT, Mode.TERMINAL)
WILD = np.array(
    [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-45, 3e38, -3e38, 1e19, -1e9, 1e3, -1.0, 1e-3, 1.0]
)
STAMPS = np.array([0, 1, -1, 2**63 - 1, -(2**63), 2**53, 10**18, -(10**12), 10**10], np.int64)


def places(type_name):
    """Indices of core's memory, in units of the type's size, that hold floats of this type."""
    found = []
    for _, field, offset in CORE.leaves():
        if field.type == type_name:
            size = field.base.itemsize
            count = int(np.prod(field.shape, dtype=int))
            found += range(offset // size, offset // size + count)
    return np.array(found)


F64, F32 = places("f64"), places("f32")


def numbers(core):
    data = core.tobytes()
    return np.concatenate(
        [np.frombuffer(data, np.float64)[F64], np.frombuffer(data, np.float32)[F32]]
    )


def field_of(core, place):
    """Name of the field that holds the nth number."""
    paths = []
    for kind in ("f64", "f32"):
        for path, field, _ in CORE.leaves():
            if field.type == kind:
                paths += [path] * int(np.prod(field.shape, dtype=int))
    return paths[place]


class Weather:
    """Spoils fields of messages, at a rate, with values drawn by name of the seed."""

    def __init__(self, seed, rate):
        self.rng, self.rate = np.random.default_rng(seed), rate

    def spoil(self, declared, sample):
        for path, field, _ in declared.leaves():
            if self.rng.random() >= self.rate:
                continue
            if field.type in ("f32", "f64"):
                value = self.rng.choice(WILD)
                if self.rng.random() < 0.3:
                    value = self.rng.standard_normal() * 10.0 ** self.rng.uniform(-6.0, 12.0)
                self.put(sample, path, field, value)
            elif field.type == "i64":
                near = int(sample[path]) + int(self.rng.integers(-(10**10), 10**10))
                self.put(sample, path, field, self.rng.choice([near, int(self.rng.choice(STAMPS))]))
            else:
                info = np.iinfo(field.base)
                self.put(sample, path, field, self.rng.integers(0, int(info.max), endpoint=True))
        return sample

    def put(self, sample, path, field, value):
        if field.shape:
            sample[path][self.rng.integers(0, field.shape[0])] = value
        else:
            sample[path] = value


def plain_tick(computer, n):
    """What a healthy flight would send in a tick."""
    now_ns = n * TICK_NS
    inputs = {"imus": [(IMU_SAMPLE, computer.imu(dv=(0.0, 0.0, 0.016), dtheta=(0.0, 1e-4, 0.0)))]}
    if n % 5 == 0:
        seen = RANGE_SAMPLE.new(t_ns=now_ns - 5 * TICK_NS, seq=n // 5, valid=1)
        seen.range_m = 998.0 + 0.1 * (n % 3)
        inputs["ranges"] = [(RANGE_SAMPLE, seen)]
    if n % 7 == 0:
        inputs["contact"] = (CONTACT_SAMPLE, CONTACT_SAMPLE.new(t_ns=now_ns, legs=0))
    if n % 50 == 0:
        status = PROPULSION_STATUS.new(t_ns=now_ns, mass_kg=500.0, ready=1)
        inputs["propulsion"] = (PROPULSION_STATUS, status)
    if n % 20 == 0:
        stamps = {"t_ns": now_ns - 400, "t_remote_rx_ns": now_ns - 300}
        stamps |= {"t_remote_tx_ns": now_ns - 200, "t_rx_ns": now_ns - 100}
        inputs["clock"] = (CLOCK_EXCHANGE, CLOCK_EXCHANGE.new(**stamps))
    if n % 30 == 15:
        inputs["nav_update"] = (NAV_UPDATE, above_the_site(990.0))
        inputs["nav_update"][1].t_ns = now_ns - TICK_NS
    return inputs


def spoilt(weather, inputs):
    made = {}
    for name, what in inputs.items():
        if isinstance(what, list):
            made[name] = [weather.spoil(*row) for row in what]
        else:
            made[name] = weather.spoil(*what)
    return made


def check(computer):
    core, sent = computer.core, computer.outbox.actuators
    found = numbers(core)
    bad = np.flatnonzero(~np.isfinite(found))
    assert bad.size == 0, [field_of(core, place) for place in bad[:5]]
    assert np.all(np.diag(core.navigation.grid.P) >= 0.0)
    limits = computer.params.vehicle
    assert float(core.propulsion.mass_kg) >= float(limits.dry_mass_kg)
    assert np.all(np.abs(sent.torque_B_Nm) <= limits.rcs_torque_Nm * (1.0 + 1e-6))
    throttle = float(sent.throttle)
    if int(sent.engine_on) == 1:
        assert engine_may_run(int(sent.mode))
        assert float(limits.throttle_min) * (1.0 - 1e-6) <= throttle <= 1.0
    else:
        assert (int(sent.engine_on), throttle) == (0, 0.0)
    assert int(sent.mode) < len(Mode)


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32),
    rate=st.sampled_from([0.02, 0.1, 0.5]),
    mode=st.sampled_from(MODES),
    orbit=st.booleans(),
)
@example(seed=0, rate=0.5, mode=Mode.STANDBY, orbit=False)
@example(seed=1, rate=0.1, mode=Mode.TERMINAL, orbit=False)
@example(seed=2, rate=0.1, mode=Mode.BRAKING, orbit=True)
def test_core_holds_numbers_and_commands_stay_within_limits(seed, rate, mode, orbit):
    weather = Weather(seed, rate)
    computer = Computer()
    computer.tick(nav_update=before_the_site(0.2) if orbit else above_the_site(1000.0, 30.0))
    computer.core.executive.mode = mode
    for n in range(1, TICKS):
        computer.tick(**spoilt(weather, plain_tick(computer, n)))
        check(computer)


def test_the_plain_flight_alone_passes_and_fuses_ranges():
    computer = Computer()
    computer.tick(nav_update=above_the_site(1000.0))
    computer.core.executive.mode = Mode.DESCENT
    for n in range(1, TICKS):
        computer.tick(**spoilt(Weather(0, 0.0), plain_tick(computer, n)))
        check(computer)
    assert int(computer.core.navigation.intake.verdicts[1]) > 10
    assert computer.core.actuators.engine_on == 1
