"""Rays against geometry done by hand, the instrument against its specification."""

import numpy as np
import pytest

from fsw.framework.kernel import kernel
from fsw.interface.messages import RANGE_COMMAND, RANGE_SAMPLE, RangeAction
from fsw.interface.timing import TICK_NS
from sim.plant.ray_cast import cast, march
from sim.plant.terrain import clearance_m, settle_terrain
from sim.plant.tick import obey_range_command, sense
from sim.sensors.rangefinder import measure_range, return_strength
from sim.sensors.records import RANGE_TRUTH, RANGEFINDER, SENSOR_BOARD, TICK_MESSAGES
from tests.sim.worlds import above_site, undispersed_world

RADIUS = 1.7374e6
N = 20_000


def test_a_plumb_ray_over_a_smooth_moon_is_the_height_of_the_instrument():
    world = above_site(undispersed_world(), 1000.0)
    cast(world)
    assert world.sensor_inbox.beam.slant_m == pytest.approx(1000.7, abs=2e-3)  # pads 1.2, lens 0.5
    assert world.sensor_inbox.beam.cos_incidence == pytest.approx(1.0, abs=1e-6)


def test_a_canted_ray_over_a_smooth_moon_ends_on_the_sphere():
    world = undispersed_world()
    world.board.sensors.range.cant_deg = 45.0
    above_site(world, 3000.0)
    cast(world)
    # |origin + s beam| = R with beam 45 degrees off the plumb line
    b = (RADIUS + 3000.7) * np.cos(np.pi / 4.0)
    by_hand = b - np.sqrt(b * b - (3000.7 * (2.0 * RADIUS + 3000.7)))
    assert world.sensor_inbox.beam.slant_m == pytest.approx(by_hand, abs=2e-3)
    beyond = by_hand * np.sin(np.pi / 4.0) / RADIUS
    cosine = np.cos(np.pi / 4.0 + beyond)
    assert world.sensor_inbox.beam.cos_incidence == pytest.approx(cosine, abs=1e-5)


def test_a_canted_ray_points_from_minus_z_towards_plus_x():
    world = undispersed_world()
    world.terrain.slope_east = 0.2
    world.terrain.slope_reach_m = 1e6
    world.board.sensors.range.cant_deg = 30.0
    above_site(world, 400.0)  # x_B points east, where the ground rises
    cast(world)
    # z = 0.2 x on a plane; the curvature adds x**2 / 2R, 15 mm here
    by_hand = 400.7 / (np.cos(np.pi / 6.0) + 0.2 * np.sin(np.pi / 6.0))
    assert world.sensor_inbox.beam.slant_m == pytest.approx(by_hand, abs=0.03)
    cosine = (0.2 * 0.5 + np.cos(np.pi / 6.0)) / np.sqrt(1.04)
    assert world.sensor_inbox.beam.cos_incidence == pytest.approx(cosine, abs=1e-3)


@kernel
def first_below(world, origin, beam, step_m, n):
    for i in range(n):
        s = step_m * float(i)
        place = (origin[0] + s * beam[0], origin[1] + s * beam[1], origin[2] + s * beam[2])
        if clearance_m(world, place) <= 0.0:
            return s
    return 0.0


@pytest.mark.parametrize("seed", range(14))
@pytest.mark.parametrize("off_plumb_deg, height_m", [(15.0, 300.0), (50.0, 300.0), (80.0, 60.0)])
def test_a_ray_over_rough_ground_meets_the_first_thing_in_its_way(seed, off_plumb_deg, height_m):
    world = undispersed_world(seed, flat=False)
    world.terrain.calm_share = 1.0
    world.terrain.crater_depth = 0.4
    world.terrain.crater_rim = 0.5  # ridges that a careless stride would step through
    world.terrain.crater_cell_m = (4000.0, 40.0, 11.0)
    settle_terrain(world, 0.0)
    angle = np.radians(off_plumb_deg)
    beam = (np.sin(angle), 0.0, -np.cos(angle))
    origin = (200.0 * seed, 40.0, RADIUS + height_m)
    slow = first_below(world, origin, beam, 0.005, 1_000_000)
    assert slow > 0.0
    assert march(world, origin, beam, 5000.0) == pytest.approx(slow, abs=0.02)


def test_a_ray_into_the_sky_or_beyond_reach_meets_nothing():
    world = above_site(undispersed_world(), 6000.0)
    cast(world)
    assert world.sensor_inbox.beam.slant_m == 0.0
    assert march(world, (0.0, 0.0, RADIUS + 100.0), (0.0, 0.0, 1.0), 5000.0) == 0.0


def test_closing_speed_is_the_rate_at_which_the_range_shrinks():
    world = above_site(undispersed_world(), 500.0, v_up_mps=-30.0, v_east_mps=10.0)
    cast(world)
    assert world.sensor_inbox.beam.closing_mps == pytest.approx(30.0, abs=0.01)


@kernel
def record_ranges(ranges, valid, board, truth, sample):
    for i in range(len(ranges)):
        measure_range(board, truth, sample)
        ranges[i] = float(sample.range_m)
        valid[i] = int(sample.valid)


SURE = {"reach_m": 1e6, "false_share": 0.0, "multiple_share": 0.0}


def measured(slant_m, n=N, seed=2, cos_incidence=1.0, albedo=0.12, closing_mps=0.0, **parameters):
    truth = RANGE_TRUTH.new(slant_m=slant_m, cos_incidence=cos_incidence, albedo=albedo)
    truth.closing_mps = closing_mps
    ranges, valid = np.zeros(n), np.zeros(n, np.int64)
    board = SENSOR_BOARD.new(seed=seed)
    for name, value in parameters.items():
        board.sensors.range[name] = value
    record_ranges(ranges, valid, board, truth, RANGE_SAMPLE.new())
    return ranges, valid


@pytest.mark.parametrize("slant_m", [20.0, 1000.0, 3000.0])
def test_noise_is_half_a_metre_plus_two_permille(slant_m):
    ranges, valid = measured(slant_m, **SURE)
    sigma = 0.5 + 0.002 * slant_m
    assert valid.all()
    assert ranges.mean() == pytest.approx(slant_m, abs=5.0 * sigma / np.sqrt(N))
    assert ranges.std() == pytest.approx(sigma, rel=0.03)


def test_ranges_come_in_whole_quanta():
    ranges, _ = measured(700.0, 100, **SURE)
    assert np.abs(ranges * 10.0 - np.round(ranges * 10.0)).max() < 1e-2


@pytest.mark.parametrize("slant_m", [0.0, 1.0])
def test_a_range_out_of_reach_or_too_close_is_sent_as_invalid_zero(slant_m):
    ranges, valid = measured(slant_m, 500, **SURE)
    assert not valid.any() and not ranges.any()


def test_the_longest_range_is_not_exceeded():
    ranges, valid = measured(5000.0, **SURE)
    assert 0.4 < valid.mean() < 0.6
    assert ranges.max() <= 5000.0


def detected(slant_m, **how):
    return measured(slant_m, max_m=1e5, **how)[1].mean()


def test_odds_are_even_at_the_reach_and_follow_the_link_budget():
    assert detected(8000.0) == pytest.approx(0.5, abs=0.02)
    assert detected(4000.0) > 0.99 > 0.01 > detected(16000.0)
    # 10.5 dB less return: even odds at 8 km * 10**(-10.5 / 20)
    assert detected(8000.0 * 10 ** (-10.5 / 20.0), loss_db=10.5) == pytest.approx(0.5, abs=0.02)
    assert detected(4000.0, albedo=0.03) == pytest.approx(0.5, abs=0.02)
    assert detected(8000.0 / np.sqrt(2.0), cos_incidence=0.5) == pytest.approx(0.5, abs=0.02)
    assert detected(8000.0 / np.sqrt(2.0), closing_mps=300.0) == pytest.approx(0.5, abs=0.02)


def test_return_strength_falls_with_the_square_of_range():
    near = RANGE_TRUTH.new(slant_m=500.0, cos_incidence=1.0, albedo=0.12)
    far = RANGE_TRUTH.new(slant_m=1000.0, cos_incidence=1.0, albedo=0.12)
    parameters = RANGEFINDER.new()
    assert return_strength(parameters, near, 0.0) == pytest.approx(
        4.0 * return_strength(parameters, far, 0.0)
    )


def test_false_returns_are_short_and_multiple_ones_long_as_often_as_asked():
    ranges, _ = measured(1000.0, reach_m=1e6, false_share=0.1, multiple_share=0.05)
    assert (ranges < 985.0).mean() == pytest.approx(0.1 * 983.0 / 998.0, abs=0.01)
    ranges, _ = measured(1000.0, reach_m=1e6, multiple_share=0.05, multiple_m=1000.0)
    assert (ranges > 1015.0).mean() == pytest.approx(0.05 * 0.985, abs=0.01)


def sampled(world, n_ticks):
    """Ticks in which the rangefinder took a sample."""
    ticks = []
    messages = TICK_MESSAGES.new()
    for _ in range(n_ticks):
        before = int(world.board.range_state.count)
        sense(world, messages)
        if world.board.range_state.count > before:
            ticks.append(int(world.tick))
        world.tick += 1
        world.t_ns += TICK_NS
    return ticks


def test_it_samples_at_twenty_hertz_and_obeys_its_power_commands():
    world = above_site(undispersed_world(), 1000.0)
    assert sampled(world, 20) == [0, 5, 10, 15]
    obey_range_command(world, RANGE_COMMAND.new(action=RangeAction.POWER_OFF))
    assert sampled(world, 100) == []
    obey_range_command(
        world, RANGE_COMMAND.new(action=RangeAction.POWER_ON)
    )  # tick 120, 2 s to warm
    assert sampled(world, 210) == [320, 325]
    obey_range_command(
        world, RANGE_COMMAND.new(action=RangeAction.POWER_CYCLE)
    )  # tick 330, 1 s off
    assert sampled(world, 310)[:1] == [630]
    obey_range_command(world, RANGE_COMMAND.new(action=RangeAction.POWER_ON))  # it is on already
    assert sampled(world, 10) == [640, 645]
