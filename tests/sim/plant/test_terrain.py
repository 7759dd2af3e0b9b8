"""The ground is continuous, repeatable, bounded, and has the site's height at the site."""

import numpy as np
import pytest

from fsw.framework.kernel import kernel
from sim.plant.terrain import clearance_m, ground_normal, relief, settle_terrain
from tests.sim.worlds import undispersed_world


@kernel
def profile(world, out, x0_m, y0_m, dx_m, dy_m):
    for i in range(len(out)):
        out[i] = relief(world, x0_m + dx_m * float(i), y0_m + dy_m * float(i))


def heights(world, x0, y0, dx, dy, n=20_000):
    out = np.zeros(n)
    profile(world, out, x0, y0, dx, dy)
    return out


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("line", [(-9e3, 0.3, 1.0, 0.0), (2e4, -9e3, 0.02, 1.0)])
def test_ground_has_no_cliffs(seed, line):
    x0, y0, dx, dy = line
    world = undispersed_world(seed, flat=False)
    coarse = heights(world, x0, y0, dx, dy)
    steepest = np.abs(np.diff(coarse)).argmax()
    x, y = x0 + dx * (steepest - 1), y0 + dy * (steepest - 1)
    fine = heights(world, x, y, dx / 5000.0, dy / 5000.0, 15_000)
    assert np.abs(np.diff(fine)).max() < 1.5 / 5000.0
    assert np.abs(np.diff(coarse)).max() > 0.1


def test_ground_is_repeatable_and_another_for_another_seed():
    line = (100.0, 200.0, 3.0, 4.0)
    first = heights(undispersed_world(5, flat=False), *line)
    assert np.array_equal(first, heights(undispersed_world(5, flat=False), *line))
    assert np.abs(first - heights(undispersed_world(6, flat=False), *line)).max() > 5.0


def test_the_site_has_its_mapped_height_and_error():
    world = undispersed_world(3, flat=False)
    world.site.height_m = -1200.0
    settle_terrain(world, 17.0)
    radius = world.moon.radius_m
    assert clearance_m(world, (0.0, 0.0, radius)) == pytest.approx(1183.0, abs=1e-6)
    assert clearance_m(world, (0.0, 0.0, radius + 50.0)) == pytest.approx(1233.0, abs=1e-6)


def test_no_ground_is_higher_than_the_bound():
    for seed in range(5):
        world = undispersed_world(seed, flat=False)
        world.terrain.slope_east = 0.05
        world.terrain.step_m = 300.0
        settle_terrain(world, 0.0)
        top = heights(world, -1e5, -1e5, 10.3, 9.7).max() + world.errors.ground_m
        assert top < world.errors.relief_m


def test_landing_ground_is_level_enough_for_a_lander():
    tilts = []
    for seed in range(10):
        world = undispersed_world(seed, flat=False)
        rows = [heights(world, -1500.0, y, 0.92, 0.0, 3000) for y in (-1.0, 0.84)]
        east = np.diff(rows[0][::2]) / 1.84
        north = ((rows[1] - rows[0]) / 1.84)[:-2:2]
        tilts.append(np.degrees(np.arctan(np.hypot(east, north))))
    assert np.percentile(tilts, 99.0) < 5.0


def test_craters_have_the_asked_depth_and_rim():
    world = undispersed_world()
    world.terrain.crater_share = 1.0
    world.terrain.calm_share = 1.0
    world.terrain.crater_cell_m = (60.0, 1.0, 1.0)  # two sizes too small to matter
    ground = np.concatenate([heights(world, -1e3, y, 0.5, 0.0, 4000) for y in range(-300, 300)])
    largest = 0.22 * 60.0
    assert ground.min() == pytest.approx(-0.2 * largest, rel=0.06)
    assert ground.max() == pytest.approx(0.05 * largest, rel=0.1)
    assert world.terrain.crater_depth == 0.2 and world.terrain.crater_rim == 0.05


def test_slope_is_what_was_asked_near_the_site_and_levels_off_far_away():
    world = undispersed_world()
    world.terrain.slope_east = 0.1
    assert relief(world, 10.0, 0.0) - relief(world, 0.0, 0.0) == pytest.approx(1.0, abs=1e-3)
    assert relief(world, 1e6, 0.0) == pytest.approx(500.0, abs=0.1)
    settle_terrain(world, 0.0)
    normal = ground_normal(world, (0.0, 0.0, world.moon.radius_m), 1.0)
    expected = np.array([-0.1, 0.0, 1.0]) / np.sqrt(1.01)
    assert np.allclose(normal, expected, atol=1e-6)


def test_a_step_has_its_height_its_place_and_its_direction():
    world = undispersed_world()
    world.terrain.step_m = -3000.0
    world.terrain.step_x_m = 500.0
    world.terrain.step_y_m = 200.0
    world.terrain.step_azimuth_deg = 180.0  # met going south, at y = 200
    settle_terrain(world, 0.0)
    assert relief(world, 500.0, 190.0) - relief(world, 500.0, 230.0) > -3000.0
    assert relief(world, -900.0, 184.9) == pytest.approx(-3000.0)
    assert relief(world, 900.0, 215.1) == pytest.approx(0.0, abs=1e-9)
