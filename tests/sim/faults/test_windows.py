"""Every kind of fault shows in the messages that arrive; a closed or empty one changes no byte."""

from itertools import pairwise

import numpy as np
import pytest

from fsw.interface.messages import RANGE_COMMAND, RangeAction
from fsw.interface.timing import TICK_NS
from sim.faults.records import ComputerAction
from sim.faults.table import KINDS, FaultGroup
from sim.plant.tick import obey_range_command
from tests.sim.faulty import MODE, S, faulty_world, healthy, receive, received
from tests.sums import gained

# a row of every kind that does nothing, where the kind has such a magnitude
IDLE = {
    "off": {"probability": 0.0},
    "delayed": {"delay_s": 0.0},
    "jitter": {"jitter_s": 0.0},
    "growing_lag": {"lag_share": 0.0},
    "burst": {"period_s": 0.0},
    "stale": {"period_s": 0.0},
    "reorder": {"probability": 1.0, "delay_s": 0.0},
    "duplicate": {"probability": 0.0, "delay_s": 1.0},
    "drop": {"probability": 0.0},
    "drop_burst": {"probability": 0.0, "period_s": 1.0},
    "intermittent": {"period_s": 1.0, "lost_share": 0.0},
    "slow": {"period_s": 0.0},
    "stamp_at_arrival": {"probability": 0.0},
    "stamp_offset": {"stamp_offset_s": 0.0},
    "stamp_jump": {"jump_s": 0.0},
    "stamp_wrap": {"wrap_s": 0.0},
    "stamp_drift": {"drift": 0.0},
    "stuck": {"probability": 0.0},
    "garbage": {"value_m": 900.0, "probability": 0.0},
    "wrong": {"offset_m": 0.0, "ramp_mps": 0.0},
    "scale": {"scale": 1.0},
    "wrong_scale": {"scale": 1.0},
    "noise": {"sigma_m": 0.0, "sigma_share": 0.0},
    "spikes": {"probability": 1.0, "offset_m": 0.0},
    "false_short": {"probability": 0.0},
    "multiple_returns": {"probability": 1.0, "offset_m": 0.0},
    "saturated": {"value_m": 1e5, "probability": 0.0},
    "zero_valid": {"probability": 0.0},
    "false_valid": {"value_m": 3.0, "probability": 0.0},
    "false_invalid": {"probability": 0.0},
    "link_loss": {"loss_db": 0.0},
    "imu_bias": {"accel_offset_mps2": 0.0, "rate_offset_radps": 0.0},
    "imu_clip": {"accel_max_mps2": 1e5, "hold_s": 1.0},
    "imu_zero": {"probability": 0.0},
    "contact_spurious": {"pulse_s": 0.0},
    "contact_missing": {"legs": 0},
    "thrust_scale": {"scale": 1.0},
    "thrust_lag": {"lag_s": 0.0},
    "engine_lost": {"lost_share": 0.0},
    "rcs_lost": {"lost_share": 0.0},
    "missed_ticks": {"ticks": 0, "period_s": 0.1},
}
# a row of every kind that does something
AT_WORK = {
    **{kind: dict(row) for kind, row in IDLE.items()},
    "off": {},
    "delayed": {"delay_s": 0.5},
    "jitter": {"jitter_s": 0.5},
    "growing_lag": {"lag_share": 0.5},
    "burst": {"period_s": 0.5},
    "stale": {"period_s": 0.5},
    "reorder": {"probability": 0.5, "delay_s": 0.2},
    "duplicate": {"probability": 0.5, "delay_s": 0.1},
    "drop": {"probability": 0.5},
    "drop_burst": {"probability": 0.5, "period_s": 0.3},
    "intermittent": {"period_s": 0.4, "lost_share": 0.5},
    "slow": {"period_s": 0.2},
    "late_acquisition": {},
    "early_loss": {},
    "stamp_at_arrival": {},
    "stamp_offset": {"stamp_offset_s": -0.2},
    "stamp_jump": {"jump_s": 7.0},
    "stamp_wrap": {"wrap_s": 0.7},
    "stamp_drift": {"drift": 0.05},
    "pause": {},
    "stuck": {},
    "garbage": {"value_m": 900.0},
    "wrong": {"offset_m": 40.0},
    "scale": {"scale": 1.1},
    "wrong_scale": {"scale": 5.0},
    "noise": {"sigma_m": 20.0},
    "spikes": {"probability": 0.5, "offset_m": 100.0},
    "false_short": {"probability": 0.5},
    "multiple_returns": {"probability": 0.5, "offset_m": 30.0},
    "saturated": {"value_m": 500.0},
    "zero_valid": {},
    "false_valid": {"value_m": 3.0},
    "false_invalid": {},
    "link_loss": {"loss_db": 60.0},
    "imu_bias": {"rate_offset_radps": 0.01, "axis": "z"},
    "imu_clip": {"accel_max_mps2": 0.5},
    "imu_zero": {},
    "contact_spurious": {"pulse_s": 0.05},
    "contact_missing": {},
    "thrust_scale": {"scale": 0.8},
    "thrust_lag": {"lag_s": 1.0},
    "engine_lost": {"lost_share": 0.45, "torque_Nm": 20.0, "axis": "y"},
    "engine_out": {},
    "throttle_stuck": {"throttle": 0.2},
    "rcs_lost": {"lost_share": 1.0},
    "propulsion_not_ready": {},
    "missed_ticks": {"ticks": 5},
    "restart": {"outage_s": 0.1},
}
# where a fault would have nothing to spoil: an instrument that sees no ground, legs that touch
ABOVE_REACH = {"max_m": 500.0}
OPEN_S = 1.5


def row(kind, **window):
    return {"kind": kind, **AT_WORK[kind], **window}


def test_the_tables_of_this_test_know_every_kind():
    assert set(AT_WORK) == {name for name, kind in KINDS.items() if kind.group != FaultGroup.WIRE}


@pytest.mark.parametrize("kind", IDLE)
def test_an_open_row_of_no_magnitude_gives_the_bytes_of_no_row(kind):
    sensors = ABOVE_REACH if kind == "false_valid" else {}
    assert received({"kind": kind, **IDLE[kind]}, **sensors).ticks == healthy(**sensors).ticks


@pytest.mark.parametrize("kind", sorted(set(AT_WORK) - {"late_acquisition", "contact_missing"}))
def test_a_window_changes_nothing_before_it_opens_and_something_after(kind):
    sensors = ABOVE_REACH if kind == "false_valid" else {}
    faulty = received(row(kind, start_s=OPEN_S), **sensors).ticks
    opened = round(OPEN_S * S / TICK_NS)
    assert faulty[:opened] == healthy(**sensors).ticks[:opened]
    assert faulty[opened:] != healthy(**sensors).ticks[opened:]


@pytest.mark.parametrize("kind", sorted(set(AT_WORK) - {"early_loss", "stamp_jump"}))
def test_a_window_that_never_opens_changes_nothing(kind):
    never = {"start_s": 9.0} if KINDS[kind].begins else {"until_altitude_m": 2000.0}
    assert received(row(kind, **never)).ticks == healthy().ticks


# --- arrival and time-tag ----------------------------------------------------------------


def test_delayed_ranges_arrive_so_much_later_with_their_own_stamps():
    faulty = received(row("delayed"))
    assert set(faulty.delays_ns(healthy()).values()) == {S // 2}
    assert all(faulty.by_seq[r[2]][1] == r[1] for r in healthy().ranges if r[2] in faulty.by_seq)


def test_jitter_spreads_arrivals_over_its_width():
    delays = received(row("jitter")).delays_ns(healthy()).values()
    assert min(delays) >= 0 and max(delays) <= S // 2
    assert max(delays) - min(delays) > 0.3 * S


def test_growing_lag_grows_from_when_the_window_opened():
    faulty = received(row("growing_lag", start_s=1.0))
    for seq, delay_ns in faulty.delays_ns(healthy()).items():
        since_ns = max(faulty.by_seq[seq][1] - S, 0)
        assert abs(delay_ns - since_ns / 2) <= TICK_NS


def test_a_burst_releases_what_it_held_at_once():
    arrival_ns = [r[0] for r in received(row("burst")).ranges]
    assert set(arrival_ns) <= {k * S // 2 + d for k in range(7) for d in (0, TICK_NS)}
    assert len(arrival_ns) > 40 and len(set(arrival_ns)) < 15


def test_a_stale_value_is_repeated_under_fresh_stamps():
    ranges = sorted(received(row("stale")).ranges, key=lambda r: r[2])
    assert len({r[1] for r in ranges}) == len(ranges)
    assert len({r[3] for r in ranges}) == len(ranges) // 10 + 1


def test_reorder_lets_later_samples_overtake():
    seqs = [r[2] for r in received(row("reorder")).ranges]
    assert seqs != sorted(seqs) and len(set(seqs)) == len(seqs)


def test_duplicates_are_the_same_sample_twice():
    ranges = received(row("duplicate")).ranges
    twice = [r for r in ranges if sum(other[1:] == r[1:] for other in ranges) == 2]
    assert 20 < len(twice) < 80
    first, second = (r[0] for r in ranges if r[1:] == twice[0][1:])
    assert abs(second - first - S // 10) <= TICK_NS


def test_a_delay_below_a_duplicate_delays_both():
    both = [{"kind": "duplicate", "probability": 1.0, "delay_s": 0.1}, row("delayed")]
    arrival_ns = [r[0] for r in received(*both).ranges if r[2] == 3]
    good = healthy().by_seq[3][0]
    assert [t - good for t in arrival_ns] == [5 * S // 10, 6 * S // 10]


def test_drop_loses_about_its_share():
    lost = set(healthy().by_seq) - set(received(row("drop")).by_seq)
    assert 15 < len(lost) < 45


def test_drop_burst_loses_whole_periods():
    lost = {seq for seq in range(55) if seq not in received(row("drop_burst")).by_seq}
    periods = [{seq for seq in range(55) if seq // 6 == k} for k in range(9)]
    assert all(period <= lost or not period & lost for period in periods)
    assert 0 < len(lost) < 54


def test_intermittent_loses_the_first_part_of_every_period():
    assert {seq % 8 for seq in received(row("intermittent")).by_seq} == {4, 5, 6, 7}


def test_slow_lets_one_sample_in_a_period_through():
    assert {seq % 4 for seq in received(row("slow")).by_seq} == {0}


def test_off_sends_nothing():
    assert received(row("off")).ranges == []


@pytest.mark.parametrize("kind", ["off", "drop", "drop_burst", "intermittent"])
def test_the_other_sensors_can_be_lost_too(kind):
    assert len(received(row(kind, sensor="imu")).imus) < len(healthy().imus)
    assert len(received(row(kind, sensor="contact")).legs) < len(healthy().legs)
    assert len(received(row(kind, sensor="propulsion")).statuses) < len(healthy().statuses)
    assert received(row(kind, sensor="imu")).ranges == healthy().ranges


def test_late_acquisition_ends_at_its_altitude():
    faulty = received(row("late_acquisition", until_altitude_m=960.0))
    seen = sorted(faulty.ranges, key=lambda r: r[2])
    firsts = [r for r in seen if r[4]]
    assert 20 < len(seen) - len(firsts) < 35
    assert [r for r in seen if not r[4]] == seen[: len(seen) - len(firsts)]
    assert firsts == [healthy().by_seq[r[2]] for r in firsts]


def test_early_loss_is_for_good():
    ranges = received(row("early_loss", from_altitude_m=960.0)).ranges
    assert {r[4] for r in ranges[:15]} == {1}
    assert {r[3:] for r in ranges[-15:]} == {(0.0, 0)}


def test_a_stamp_at_arrival_is_that_of_the_delayed_arrival_below_a_delay():
    delayed, stamped = row("delayed"), row("stamp_at_arrival")
    for faults in ((stamped,), (delayed, stamped)):
        assert all(0 <= r[0] - r[1] < TICK_NS for r in received(*faults).ranges)
    above = received(stamped, delayed)
    assert all(abs(r[0] - r[1] - S // 2) < TICK_NS for r in above.ranges)


def stamps_moved(faulty):
    good = healthy().by_seq
    return {seq: r[1] - good[seq][1] for seq, r in sorted(faulty.by_seq.items()) if seq in good}


def test_a_stamp_offset_lasts_while_its_window_does_and_a_jump_for_good():
    offset = stamps_moved(received(row("stamp_offset", start_s=1.0, end_s=2.0)))
    assert set(offset.values()) == {0, -S // 5}
    assert offset[0] == offset[45] == 0 and offset[30] == -S // 5
    jump = stamps_moved(received(row("stamp_jump", from_altitude_m=970.0, mode="descent")))
    assert jump[0] == 0 and jump[50] == 7 * S


def test_a_jump_stays_when_its_window_closes():
    world = faulty_world([row("stamp_jump", mode="descent")])
    receive(world, 1.0, mode=MODE)
    later = receive(world, 1.0, mode=MODE - 1).ranges
    assert all(6 * S < r[1] - r[0] < 7 * S for r in later)


def test_a_clock_wraps_at_its_width():
    stamps = [r[1] for r in received(row("stamp_wrap")).ranges]
    assert max(stamps) < 0.7 * S
    assert sum(later < earlier for earlier, later in pairwise(stamps)) >= 3


def test_a_clock_drifts_from_when_the_window_opened():
    moved = stamps_moved(received(row("stamp_drift", start_s=1.0)))
    assert moved[20] == 0 and abs(moved[50] - 0.05 * 1.5 * S) < TICK_NS


def test_the_clock_of_the_inertial_unit_can_jump():
    stamps = [int(i.t_ns) for i in received(row("stamp_jump", sensor="imu", start_s=1.0)).imus]
    assert stamps[100] - stamps[99] == 7 * S + TICK_NS


def test_a_pause_silences_all_sensors_at_once():
    faulty = received(row("pause", start_s=1.0, end_s=2.0))
    during = [t for t, *_ in (*faulty.ranges, *faulty.legs, *faulty.statuses) if S <= t < 2 * S]
    assert len(during) <= 2  # ranges in transit already
    assert not [i for i in faulty.imus if S <= i.t_ns < 2 * S]
    assert len(faulty.imus) == len(healthy().imus) - 100


# --- value and validity ------------------------------------------------------------------


def values(faulty, good=None):
    """(range got, range without the fault) for every valid range."""
    good = (good or healthy()).by_seq
    return [(r[3], good[seq][3]) for seq, r in sorted(faulty.by_seq.items()) if r[4]]


def test_stuck_repeats_the_last_value_before_the_window():
    got = [got for got, _ in values(received(row("stuck", start_s=1.0)))]
    last = healthy().by_seq[19][3]
    assert got[19] == last and set(got[20:]) == {last} and len(set(got[:20])) > 10


def test_stuck_takes_a_value():
    got = {got for got, _ in values(received({"kind": "stuck", "value_m": 3.0}))}
    assert got == {3.0}


def test_stuck_on_nothing_stays_there():
    ranges = received(row("stuck", start_s=1.0), height_m=1040.0, max_m=1000.0).ranges
    good = healthy(height_m=1040.0, max_m=1000.0).by_seq
    assert {r[4] for r in ranges} == {0} and good[50][4] == 1


def test_garbage_is_anything():
    got = [got for got, _ in values(received(row("garbage")))]
    assert 0 <= min(got) < 200 and 700 < max(got) <= 900


def test_wrong_is_off_by_a_constant_and_a_ramp():
    pairs = values(received({"kind": "wrong", "offset_m": 40.0, "ramp_mps": -10.0, "start_s": 1.0}))
    assert pairs[10][0] == pairs[10][1]
    assert pairs[40][0] == pytest.approx(pairs[40][1] + 40.0 - 10.0, abs=0.01)


def test_a_range_is_never_negative():
    assert {got for got, _ in values(received({"kind": "wrong", "offset_m": -5000.0}))} == {0.0}


def test_scale_multiplies():
    assert all(got == pytest.approx(1.1 * true) for got, true in values(received(row("scale"))))


def test_a_wrong_scale_is_cured_by_a_power_cycle():
    world = faulty_world([row("wrong_scale")])
    sick = receive(world, 1.0)
    obey_range_command(world, RANGE_COMMAND.new(action=RangeAction.POWER_CYCLE))
    cured = receive(world, 5.0)
    assert all(r[3] > 4000.0 for r in sick.ranges)
    assert len(cured.ranges) > 20 and all(r[3] < 1000.0 for r in cured.ranges[2:])


def test_noise_grows():
    off = [got - true for got, true in values(received(row("noise")))]
    assert 12.0 < (sum(x * x for x in off) / len(off)) ** 0.5 < 28.0
    off = values(received({"kind": "noise", "sigma_share": 0.1}))
    assert 50.0 < (sum((s - t) ** 2 for s, t in off) / len(off)) ** 0.5 < 150.0


def test_spikes_go_up_and_down():
    off = {round(got - true) for got, true in values(received(row("spikes")))}
    assert off == {-100, 0, 100}


def test_false_short_returns_lie_before_the_ground():
    shares = [got / true for got, true in values(received(row("false_short")))]
    assert all(0.0 <= share <= 1.0 for share in shares)
    assert 15 < sum(share < 0.999 for share in shares) < 45


def test_multiple_returns_are_longer():
    off = [got - true for got, true in values(received(row("multiple_returns")))]
    assert all(0.0 <= x <= 30.001 for x in off) and 15 < sum(x > 0.1 for x in off) < 45


def test_a_saturated_instrument_reports_its_limit_beyond_it_or_without_return():
    assert {r[3:] for r in received(row("saturated")).ranges} == {(500.0, 1)}
    nothing = received({"kind": "saturated", "value_m": 2000.0}, **ABOVE_REACH)
    assert {r[3:] for r in nothing.ranges} == {(2000.0, 1)}


def test_zero_can_look_valid():
    assert {r[3:] for r in received(row("zero_valid")).ranges} == {(0.0, 1)}


def test_the_valid_flag_can_be_wrong_both_ways():
    assert {r[3:] for r in received(row("false_valid"), **ABOVE_REACH).ranges} == {(3.0, 1)}
    assert received(row("false_valid")).ranges == healthy().ranges
    invalid = received(row("false_invalid")).ranges
    assert [(*r[:4], 1) for r in invalid] == healthy().ranges
    assert {r[4] for r in invalid} == {0}


def test_a_lossy_link_sees_less_far():
    def odds(loss_db):
        return sum(r[4] for r in received({"kind": "link_loss", "loss_db": loss_db}).ranges)

    assert len(healthy().ranges) == odds(0.0) > odds(18.0) > odds(40.0) == 0


# --- inertial unit, legs, propulsion -----------------------------------------------------


def test_a_bias_step_moves_one_axis():
    kicked = {"kind": "imu_bias", "accel_offset_mps2": 0.5, "rate_offset_radps": 0.02, "axis": "y"}
    (dv, dtheta), (good_dv, good_dtheta) = gained(received(kicked).imus), gained(healthy().imus)
    assert np.allclose(dv - good_dv, (0.0, 0.005, 0.0), atol=2e-6)
    assert np.allclose(dtheta - good_dtheta, (0.0, 2e-4, 0.0), atol=3e-8)


def test_an_axis_that_clips_is_flagged():
    limit = {"kind": "imu_clip", "accel_max_mps2": 1.0, "end_s": 2.0}
    sick, good = received(limit).imus, healthy().imus
    (dv, _), (good_dv, _) = gained(sick), gained(good)
    over = [bool(z > 0.01) for z in good_dv[:, 2]]
    assert 100 < sum(over[:198]) < 198
    assert [bool(s.saturated) for s in sick[1:199]] == over[:198]
    assert dv[:198, 2].max() == pytest.approx(0.01, abs=1e-6)
    assert np.allclose(dv[200:], good_dv[200:], atol=1e-6)


def test_clipping_outlasts_its_cause_by_its_hold():
    world = faulty_world([{"kind": "imu_clip", "accel_max_mps2": 2.0, "hold_s": 0.5}])
    receive(world, 1.0, throttle=1.0)
    after = receive(world, 2.5, throttle=0.1).imus
    felt = gained(after)[0][:, 2]
    limit = [i for i, z in zip(after[1:], felt, strict=True) if z == pytest.approx(0.02, abs=2e-6)]
    assert 50 <= len(limit) < 150 and all(i.saturated for i in limit)
    assert not after[-1].saturated and felt[-1] < 0.01


def test_accelerometers_can_read_exactly_zero():
    sick, good = received(row("imu_zero")).imus, healthy().imus
    assert not gained(sick)[0].any() and all(i.valid for i in sick)
    assert np.array_equal(gained(sick)[1], gained(good)[1])


@pytest.mark.parametrize("lost", [{"kind": "pause"}, {"kind": "off", "sensor": "imu"}])
def test_the_integrals_continue_while_no_sample_is_sent(lost):
    samples = received({**lost, "start_s": 1.0, "end_s": 2.0}).imus
    last, good = samples[-1], healthy().imus[-1]
    assert len(samples) == len(healthy().imus) - 100
    assert last.tobytes() == good.tobytes()


def test_a_spurious_pulse_is_sent_as_it_comes_and_as_it_goes():
    pulse = {"kind": "contact_spurious", "pulse_s": 0.05, "period_s": 1.0, "legs": 5}
    changes = [(t, legs) for t, legs in received({**pulse, "start_s": 0.25}).legs if t % S]
    at_ns, length_ns = S // 4, S // 20
    assert changes == [
        pair for k in range(3) for pair in ((at_ns + k * S, 5), (at_ns + length_ns + k * S, 0))
    ]


def test_dead_legs_never_report():
    down = {"height_m": 2.0, "seconds": 4.0}
    touched = [legs for _, legs in healthy(**down).legs]
    assert 15 in touched
    assert max(legs for _, legs in received(row("contact_missing"), **down).legs) == 0
    three = received({"kind": "contact_missing", "legs": 1}, **down).legs
    assert [legs for _, legs in three] == [legs & 14 for legs in touched]


def test_the_last_row_has_the_last_word_on_legs():
    pulse, dead = {"kind": "contact_spurious", "pulse_s": 9.0}, row("contact_missing")
    assert {legs for _, legs in received(pulse, dead).legs} == {0}
    assert {legs for _, legs in received(dead, pulse).legs} == {15}


def test_propulsion_can_say_that_it_is_not_ready():
    statuses = received(row("propulsion_not_ready", start_s=0.5)).statuses
    assert [ready for _, ready in statuses] == [1, 0, 0]


# --- the flight computer -----------------------------------------------------------------


def test_ticks_are_missed_once_or_again_and_again():
    once = received({"kind": "missed_ticks", "ticks": 5, "start_s": 1.0}).actions
    assert [i for i, a in enumerate(once) if a == ComputerAction.SKIP] == list(range(100, 105))
    again = received({"kind": "missed_ticks", "ticks": 5, "start_s": 1.0, "period_s": 0.5}).actions
    assert [i for i, a in enumerate(again) if a == ComputerAction.SKIP] == [
        first + k for first in (100, 150, 200, 250) for k in range(5)
    ]


def test_a_restart_is_an_absence_and_a_return():
    actions = received({"kind": "restart", "outage_s": 0.3, "start_s": 1.0}).actions
    assert [i for i, a in enumerate(actions) if a == ComputerAction.AWAY] == list(range(100, 130))
    assert [i for i, a in enumerate(actions) if a == ComputerAction.RESUME] == [130]


# --- windows and order -------------------------------------------------------------------


def test_a_mode_window_goes_by_the_command_in_force():
    faulty = received(row("off", mode="descent")).ranges
    good = [r for r in healthy().ranges if r[1] == 0]
    assert faulty == good  # the first command acts from the second tick on
    assert MODE == 4
    assert received(row("off", mode="braking")).ticks == healthy().ticks


def test_a_window_is_all_of_what_is_given():
    window = {"start_s": 0.5, "end_s": 2.5, "from_altitude_m": 970.0, "until_altitude_m": 950.0}
    lost = set(healthy().by_seq) - set(received(row("off", **window)).by_seq)
    only_band = set(healthy().by_seq) - set(
        received(row("off", from_altitude_m=970.0, until_altitude_m=950.0)).by_seq
    )
    assert lost == only_band and 5 < len(lost) < 20
    late = {**window, "start_s": min(lost) * 0.05 + 0.22}
    assert set(healthy().by_seq) - set(received(row("off", **late)).by_seq) < lost


def test_a_band_stays_closed_when_the_vehicle_climbs_back_into_it():
    world = faulty_world([row("off", from_altitude_m=995.0, until_altitude_m=990.0)])
    receive(world, 1.0)
    assert world.truth.clearance_m < 990.0
    world.truth.v_BM_I_mps[0] = 40.0
    climbing = receive(world, 1.0)
    assert world.truth.clearance_m > 995.0
    assert len(climbing.ranges) == 20


def test_rows_act_in_their_order():
    bias, double = {"kind": "wrong", "offset_m": 100.0}, {"kind": "scale", "scale": 2.0}
    first = values(received(bias, double))
    second = values(received(double, bias))
    assert all(got == pytest.approx(2.0 * (true + 100.0)) for got, true in first)
    assert all(got == pytest.approx(2.0 * true + 100.0) for got, true in second)


def test_a_row_moves_nobody_elses_dice():
    noise = row("noise")
    one = received({"kind": "delayed", "delay_s": 0.0}, noise)
    both = received(row("jitter"), noise)
    assert both.delays_ns(one) != {} and values(both, one) == [
        (true, true) for _, true in values(both, one)
    ]


def test_two_rows_of_one_kind_throw_their_own_dice():
    once = set(received(row("drop")).by_seq)
    twice = set(received(row("drop"), row("drop")).by_seq)
    assert twice < once
