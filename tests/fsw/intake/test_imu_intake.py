"""Law: from inertial integrals to increments, for any loss and order of samples."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fsw.filter.buffers import BRIDGED, CLIPPED, FREE_FALL, HISTORY, SUMMED, clear_history
from fsw.intake.clock_sync import TIMEBASE_PARAMS, timebase_observe
from fsw.intake.imu_intake import INERTIAL_PARAMS, imu_clock_stepped, take_imu
from fsw.interface.events import EventCode
from fsw.interface.messages import ANGLE_COUNT_RAD, CLOCK_EXCHANGE, OUTBOX, VELOCITY_COUNT_MPS
from fsw.interface.timing import Tick
from fsw.navigation.tick import NAVIGATION
from tests.sums import Instrument

MS, S = 1_000_000, 1_000_000_000
DV, DTHETA = (0.0, 0.002, 0.016), (1e-4, -2e-4, 0.0)
PARAMS = INERTIAL_PARAMS.new()


class Intake:
    """Ring, integrals and outbox, sample by sample."""

    def __init__(self, instrument=None, unpowered=False, thrust_accel_mps2=0.0):
        self.nav, self.history, self.outbox = NAVIGATION.new(), HISTORY.new(), OUTBOX.new()
        clear_history(self.history)
        self.inertial, self.timebase = self.nav.inertial, self.nav.timebase
        self.unpowered, self.thrust_accel_mps2 = unpowered, thrust_accel_mps2
        self.instrument = instrument or Instrument()

    def take(self, sample, now_ns=None, punctual=True):
        """True when an increment was appended; it arrives at now_ns, at its stamp when left out."""
        before = int(self.history.imu_count)
        now_ns = int(sample.t_ns) if now_ns is None else now_ns
        tick = Tick(now_ns, punctual, self.unpowered, self.thrust_accel_mps2)
        take_imu(self.nav, self.history, PARAMS, sample, tick, self.outbox)
        return int(self.history.imu_count) > before

    def receive(self, t_ns, dv=DV, dtheta=DTHETA, now_ns=None, **fields):
        """The instrument takes a sample, which arrives."""
        return self.take(self.instrument.sample(t_ns, dv, dtheta, **fields), now_ns)

    def miss(self, t_ns, dv=DV, dtheta=DTHETA):
        """The instrument takes a sample, which is lost."""
        self.instrument.sample(t_ns, dv, dtheta)

    def ring(self):
        """(t_ns, dv, dtheta, flags) of the increments so far."""
        n = int(self.history.imu_count)
        history = self.history
        return (
            history.imu_t_ns[:n],
            history.imu_dv_B_mps[:n],
            history.imu_dtheta_B_rad[:n],
            history.imu_flags[:n],
        )

    def events(self):
        return [int(event.code) for event in self.outbox.events[: int(self.outbox.n_events)]]


def flying(**made):
    """One that has received the samples of 0, 10 and 20 ms."""
    intake = Intake(**made)
    for n in range(3):
        assert intake.receive(n * 10 * MS)
    return intake


def test_the_first_sample_only_tells_where_the_sums_stand():
    intake = Intake(Instrument(velocity_mps=(100.0, -7.0, 3.0), seq=400))
    intake.receive(50 * MS)
    t_ns, dv, _, flags = intake.ring()
    assert (t_ns.tolist(), dv.tolist(), flags.tolist()) == ([50 * MS], [[0.0] * 3], [FREE_FALL])
    assert intake.events() == []


def test_an_increment_is_the_difference_of_two_sums():
    _, dv, dtheta, flags = flying().ring()
    for n in (1, 2):
        assert dv[n] == pytest.approx(DV, abs=VELOCITY_COUNT_MPS)
        assert dtheta[n] == pytest.approx(DTHETA, abs=ANGLE_COUNT_RAD)
    assert flags.tolist() == [FREE_FALL, 0, 0]


@pytest.mark.parametrize("seq", [0, 65533, 65534])
@pytest.mark.parametrize("velocity_mps", [2047.99, -2047.99, 0.0])
def test_sums_and_counts_may_wrap(seq, velocity_mps):
    start = Instrument(velocity_mps=[velocity_mps] * 3, angle_rad=[-31.9999] * 3, seq=seq)
    intake = Intake(start)
    for n in range(5):
        intake.receive(n * 10 * MS, dv=[np.copysign(0.02, velocity_mps)] * 3, dtheta=[-1e-4] * 3)
    _, dv, dtheta, _ = intake.ring()
    assert np.allclose(np.abs(dv[1:]), 0.02, atol=VELOCITY_COUNT_MPS)
    assert np.allclose(dtheta[1:], -1e-4, atol=ANGLE_COUNT_RAD)
    assert intake.inertial.refused == 0


@given(lost=st.sets(st.integers(1, 98)))
def test_lost_samples_lose_no_delta_v(lost):
    intake, whole = Intake(), Intake()
    for n in range(100):
        dv, dtheta = (0.0, 1e-3 * n, 0.016), (1e-4, 0.0, -1e-5 * n)
        whole.receive(n * 10 * MS, dv, dtheta)
        if n in lost:
            intake.miss(n * 10 * MS, dv, dtheta)
        else:
            intake.receive(n * 10 * MS, dv, dtheta)
    for one, other in zip(intake.ring()[1:3], whole.ring()[1:3], strict=True):
        assert np.allclose(one.sum(axis=0, dtype=float), other.sum(axis=0, dtype=float), atol=1e-6)
    gaps = sum(n + 1 not in lost for n in lost)
    assert intake.inertial.gaps == gaps
    assert int((intake.ring()[3] & SUMMED).astype(bool).sum()) == gaps


def test_a_gap_is_reported_with_the_time_without_samples():
    intake = flying()
    intake.miss(30 * MS)
    intake.miss(40 * MS)
    intake.receive(50 * MS)
    assert intake.events() == [EventCode.IMU_GAP]
    assert float(intake.outbox.events[0].a) == pytest.approx(0.02)
    assert intake.ring()[0].tolist() == [0, 10 * MS, 20 * MS, 50 * MS]


@pytest.mark.parametrize(
    "fields",
    [
        {"seq": 3},  # again
        {"seq": 2},  # out of order
        {"valid": 0},
        {"dt_ns": 0},
        {"velocity_B": (0, 0, 110 << 20)},
        {"angle_B": (0, 40_000_000, 0)},
    ],
)
def test_an_implausible_sample_is_refused_and_loses_no_delta_v(fields):
    intake = flying()
    before = intake.history.tobytes()
    assert not intake.receive(30 * MS, **fields)
    assert intake.history.tobytes() == before
    assert (intake.inertial.refused, intake.inertial.gaps) == (1, 0)
    intake.receive(40 * MS)
    assert intake.ring()[1][-1] == pytest.approx(np.multiply(2.0, DV), abs=2 * VELOCITY_COUNT_MPS)


@pytest.mark.parametrize("start", [0, 1])
def test_a_restarted_instrument_is_used_after_five_samples(start):
    intake = flying()
    intake.instrument = Instrument(seq=start)
    taken = [intake.receive((10 + n) * 10 * MS) for n in range(8)]
    assert taken == [False] * 5 + [True] * 3
    t_ns, dv, _, flags = intake.ring()
    assert t_ns.tolist()[3:] == [150 * MS, 160 * MS, 170 * MS]
    assert flags[3] == BRIDGED
    assert dv[3] == pytest.approx(np.multiply(13.0, DV), rel=1e-3)  # 130 ms at the last force
    assert dv[4] == pytest.approx(DV, abs=VELOCITY_COUNT_MPS)
    assert intake.events() == [EventCode.IMU_RESTARTED]


def test_a_gap_is_bridged_for_a_second_and_no_longer():
    intake = flying()
    intake.instrument = Instrument(seq=0)
    for n in range(6):
        intake.receive((500 + n) * 10 * MS)
    assert float(PARAMS.bridge_max_s) == 1.0
    assert intake.ring()[1][3] == pytest.approx(np.multiply(100.0, DV), rel=1e-3)


def test_a_longer_gap_is_bridged_with_commanded_thrust():
    intake = flying(thrust_accel_mps2=3.0)
    intake.instrument = Instrument(seq=0)
    for n in range(6):
        intake.receive((500 + n) * 10 * MS)
    bridged = np.add(np.multiply(100.0, DV), (0.0, 0.0, 3.0 * (5.03 - 1.0)))
    assert intake.ring()[1][3] == pytest.approx(bridged, rel=1e-3)


def test_samples_marked_invalid_never_restart_the_integrals():
    intake = flying()
    for n in range(3, 40):
        assert not intake.receive(n * 10 * MS, valid=0)
    intake.receive(400 * MS)
    assert intake.events() == [EventCode.IMU_GAP]
    assert intake.ring()[1][3] == pytest.approx(np.multiply(38.0, DV), abs=1e-5)


# --- the instrument's clock --------------------------------------------------------------


@pytest.mark.parametrize("jump_ns", [-5_000_000_000, -30 * MS, 30 * MS, 7_000_000_000])
def test_a_clock_that_jumps_is_put_right_and_the_increment_keeps_its_length(jump_ns):
    intake = flying()
    for n in range(3, 6):
        assert intake.receive(n * 10 * MS + jump_ns, now_ns=n * 10 * MS)
    assert intake.ring()[0].tolist() == [n * 10 * MS for n in range(6)]
    assert intake.events() == [EventCode.IMU_CLOCK_REPAIRED]
    assert int(intake.inertial.shift_ns) == -jump_ns


@pytest.mark.parametrize("shift_ns", [-9 * MS, 900_000, 20 * MS])
def test_stamps_may_jitter(shift_ns):
    intake = flying()
    intake.receive(30 * MS + shift_ns)
    assert intake.ring()[0][-1] == 30 * MS + shift_ns
    assert intake.events() == [] and int(intake.inertial.shift_ns) == 0


def test_samples_that_have_waited_for_the_flight_software_keep_their_times():
    intake = Intake()
    for n in range(8):
        assert intake.take(
            intake.instrument.sample(n * 10 * MS, DV, DTHETA), 600 * MS, punctual=False
        )
    sample = intake.instrument.sample(80 * MS - S, DV, DTHETA)  # and their clock has stepped
    assert intake.take(sample, 600 * MS, punctual=False)
    assert intake.ring()[0].tolist() == [n * 10 * MS for n in range(9)]


def test_samples_that_arrive_late_in_one_burst_keep_their_times():
    intake = flying()
    for n in range(3, 60):
        assert intake.receive(n * 10 * MS, now_ns=600 * MS)
    assert intake.ring()[0].tolist() == [n * 10 * MS for n in range(60)]
    assert intake.events() == []


@pytest.mark.parametrize("behind_ns", [-(10**12), 10**12], ids=["past", "future"])
def test_a_restarted_instrument_may_restart_its_clock(behind_ns):
    intake = flying()
    intake.instrument = Instrument(seq=0)
    for n in range(100, 108):
        intake.receive(n * 10 * MS - behind_ns, now_ns=n * 10 * MS)
    assert intake.ring()[0].tolist()[3:] == [1050 * MS, 1060 * MS, 1070 * MS]
    assert intake.events()[0] == EventCode.IMU_RESTARTED


def mapped(intake, ahead_ns, now_ns):
    """Two exchanges that put the instrument's clock ahead by that."""
    for asked_ns in (now_ns - 2 * MS, now_ns - MS):
        stamps = {"t_remote_rx_ns": asked_ns + ahead_ns, "t_remote_tx_ns": asked_ns + ahead_ns}
        exchange = CLOCK_EXCHANGE.new(t_ns=asked_ns, t_rx_ns=asked_ns, **stamps)
        before_ns = int(intake.timebase.offset_ns)
        code, _, _ = timebase_observe(intake.timebase, TIMEBASE_PARAMS.new(), exchange, now_ns)
        if code == EventCode.CLOCK_JUMP:
            imu_clock_stepped(intake.inertial, ahead_ns - before_ns)


@given(
    step_ns=st.integers(-3600 * S, 3600 * S),
    away_ns=st.sampled_from([0, 20 * MS, 470 * MS, 3 * S]),
    late=st.integers(0, 20),
)
@example(step_ns=0, away_ns=470 * MS, late=5)
def test_after_a_pause_or_a_clock_step_no_time_is_left_out(step_ns, away_ns, late):
    """The instrument pauses without counting, and its clock steps; the map follows later."""
    intake = Intake()
    mapped(intake, 7 * S, 0)
    now_ns = 0
    for n in range(100 + late):
        now_ns += 10 * MS
        moved_ns = 0
        if n == 50:
            now_ns += away_ns
        if n >= 50:
            moved_ns = step_ns
        if n == 50 + late:
            mapped(intake, 7 * S + moved_ns, now_ns)
        intake.receive(now_ns + 7 * S + moved_ns, now_ns=now_ns)
    t_ns, dv, _, _ = intake.ring()
    assert np.all(np.diff(t_ns) > 0)
    assert abs(int(t_ns[-1]) - now_ns) <= float(PARAMS.away_s) * S
    assert len(intake.events()) <= (1 if away_ns == 0 else 2)
    bridged_s = min(away_ns / S, 1.0)
    expected = np.multiply(99.0 + late + bridged_s / 0.01, DV)
    increments_off = (dv.sum(axis=0, dtype=float) - expected) / np.linalg.norm(DV)
    assert np.all(np.abs(increments_off).round(4) <= 6)  # each increment is kept in float32


# --- marks -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("unpowered", "dv", "flags"),
    [(True, 1.9e-4, FREE_FALL), (True, 2.1e-4, 0), (False, 0.0, 0), (False, 1.9e-4, 0)],
)
def test_free_fall_needs_an_unpowered_vehicle_and_near_zero_accelerometers(unpowered, dv, flags):
    intake = flying(unpowered=unpowered)
    intake.receive(30 * MS, dv=(0.0, dv, 0.0))
    assert intake.ring()[3][3] == flags


def test_a_clipped_increment_is_marked_for_the_filter():
    intake = flying()
    intake.receive(30 * MS, saturated=1)
    intake.receive(40 * MS, saturated=1)
    assert intake.ring()[3][3:5].tolist() == [CLIPPED, CLIPPED]
    assert intake.inertial.saturated == 2 and intake.events() == [EventCode.IMU_SATURATED]


def test_exact_zeros_many_times_in_a_row_are_reported_once():
    intake = flying()
    for n in range(3, 1100):
        intake.receive(n * 10 * MS, dv=(0.0, 0.0, 0.0))
    assert intake.events() == [EventCode.IMU_ZERO]
    intake.receive(11_000 * MS)
    assert intake.inertial.zeros == 0


def test_exact_zeros_under_a_burning_engine_are_replaced_by_commanded_thrust():
    intake = flying(thrust_accel_mps2=2.5)
    intake.receive(30 * MS, dv=(0.0, 0.0, 0.0))
    intake.receive(40 * MS)
    _, dv, dtheta, flags = intake.ring()
    assert dv[3].tolist() == pytest.approx([0.0, 0.0, 0.025])
    assert dv[4] == pytest.approx(DV, abs=VELOCITY_COUNT_MPS)
    assert dtheta[3] == pytest.approx(DTHETA, abs=ANGLE_COUNT_RAD)
    assert flags[3:5].tolist() == [BRIDGED, 0]
