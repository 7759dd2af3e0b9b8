"""One tick of truth: messages at their rates, independent draws, the same bytes interpreted."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

from fsw.interface.messages import ACTUATOR_COMMAND, CommandCode
from fsw.interface.timing import TICK_NS
from sim.plant.initial_conditions import prepare
from sim.plant.tick import advance, obey, sense
from sim.plant.truth_observer import observe_truth
from sim.plant.world import TRUTH_L, WORLD
from sim.sensors.records import TICK_MESSAGES
from tests.sim.worlds import above_site, copy_of, flown, undispersed_world, vector


def messages_of(world, ticks):
    """The messages of each tick, as independent copies."""
    out = []
    for _ in range(ticks):
        messages = TICK_MESSAGES.new()
        sense(world, messages)
        out.append(messages)
        advance(world)
    return out


def test_messages_come_at_their_rates():
    ticks = messages_of(above_site(undispersed_world(), 1000.0), 301)
    assert [t for t, a in enumerate(ticks) if not a.n_imus] == []
    assert [t for t, a in enumerate(ticks) if a.has_propulsion] == [0, 100, 200, 300]
    assert [t for t, a in enumerate(ticks) if a.has_contact] == [0, 100, 200, 300]
    assert sum(int(a.n_ranges) for a in ticks) in (59, 60)
    assert [t for t, a in enumerate(ticks) if a.has_nav_update] == [0]
    assert [t for t, a in enumerate(ticks) if a.has_command] == [1]
    assert ticks[1].command.code == CommandCode.GO


def test_contacts_come_every_tick_near_the_ground():
    ticks = messages_of(above_site(undispersed_world(), 20.0), 50)
    assert all(a.has_contact for a in ticks)
    assert [int(a.contact.seq) for a in ticks] == list(range(50))


def test_increments_carry_the_tick_that_has_just_been_flown():
    world = above_site(undispersed_world(), 1000.0)
    for tick, messages in enumerate(messages_of(world, 5)[1:], start=1):
        assert messages.imus[0].t_ns == tick * TICK_NS
        assert messages.imus[0].dt_ns == TICK_NS
        assert messages.imus[0].seq == tick


def test_ranges_carry_the_time_of_their_measurement():
    for tick, messages in enumerate(messages_of(above_site(undispersed_world(), 1000.0), 200)):
        for sample in messages.ranges[: messages.n_ranges]:
            assert sample.t_ns % (5 * TICK_NS) == 0
            assert 0 <= tick * TICK_NS - sample.t_ns <= 150_000_000


def test_the_gauge_reads_the_mass_within_its_noise():
    world = above_site(undispersed_world(), 1000.0, propellant_kg=40.0)
    masses = []
    for _ in range(400):
        messages = TICK_MESSAGES.new()
        sense(world, messages)
        masses.append(float(messages.propulsion.mass_kg))
        world.tick += 100
    assert np.mean(masses) == pytest.approx(380.0, abs=0.25)
    assert np.std(masses) == pytest.approx(1.0, abs=0.15)


def test_propulsion_reports_when_it_is_not_ready():
    world = above_site(undispersed_world(), 1000.0)
    world.vehicle.propulsion_ready = 0
    assert messages_of(world, 1)[0].propulsion.ready == 0
    dry = above_site(undispersed_world(), 1000.0, propellant_kg=0.0)
    assert messages_of(dry, 1)[0].propulsion.ready == 0
    assert messages_of(above_site(undispersed_world(), 1000.0), 1)[0].propulsion.ready == 1


def test_a_second_state_vector_is_sent_once_with_fresh_errors():
    world = above_site(undispersed_world(), 5000.0)
    world.start.update_t_ns = 30 * TICK_NS
    world.dispersions.altitude_m = 150.0
    truths = {}
    updates = {}
    for tick in range(100):
        truths[tick] = vector(world.truth.r_BM_I_m)
        messages = messages_of(world, 1)[0]
        if messages.has_nav_update:
            updates[tick] = messages.nav_update
    assert list(updates) == [0, 30]
    assert updates[30].t_ns == 30 * TICK_NS
    assert updates[30].seq == 1
    moved = vector(updates[30].r_BM_I_m) - truths[30]
    up = truths[30] / np.linalg.norm(truths[30])
    assert 0.1 < abs(moved @ up) < 1000.0
    assert np.linalg.norm(np.cross(moved, up)) < 1e-6


def test_a_copied_world_flies_on_to_the_same_bytes():
    world = flown(prepared_near_ground(3), 1.0, throttle=0.5)
    other = copy_of(world)
    assert flown(world, 1.0, throttle=0.6).tobytes() == flown(other, 1.0, throttle=0.6).tobytes()


def test_switching_the_rangefinder_off_changes_no_other_draw():
    on, off = prepared_near_ground(4), prepared_near_ground(4)
    off.board.range_state.ready_t_ns = -1
    for a, b in zip(messages_of(on, 120), messages_of(off, 120), strict=True):
        assert a.imus.tobytes() == b.imus.tobytes()
        assert a.propulsion.tobytes() == b.propulsion.tobytes()


def prepared_near_ground(seed):
    """A dispersed world a few metres up over rough ground, so that all of the plant runs."""
    world = WORLD.new(seed=seed)
    prepare(world)
    above_site(world, 3.0, v_up_mps=-1.5, v_east_mps=0.3)
    return world


def test_the_truth_in_the_site_s_frame_is_turned_by_hand():
    world = undispersed_world()
    world.site.latitude_deg = 30.0
    world.site.longitude_deg = -40.0
    prepare(world)
    flown(world, 20.0)
    seen = TRUTH_L.new()
    observe_truth(seen, world)
    omega, t = world.moon.omega_radps, 20.0
    lat, lon = np.radians(30.0), np.radians(-40.0) + omega * t
    east = [-np.sin(lon), np.cos(lon), 0.0]
    north = [-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)]
    up = [np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)]
    to_L = np.array([east, north, up])
    r, v = vector(world.truth.r_BM_I_m), vector(world.truth.v_BM_I_mps)
    site = world.moon.radius_m * np.array(up)
    turning = np.cross([0.0, 0.0, omega], r)
    assert np.allclose(vector(seen.r_BL_L_m), to_L @ (r - site), atol=1e-6)
    assert np.allclose(vector(seen.v_BL_L_mps), to_L @ (v - turning), atol=1e-9)
    above = v - turning
    assert seen.v_down_mps == pytest.approx(-above @ r / np.linalg.norm(r), abs=1e-9)


def fingerprint():
    """Hash of worlds and messages over a second of flight that ends on the legs."""
    world = prepared_near_ground(5)
    messages = TICK_MESSAGES.new()
    command = ACTUATOR_COMMAND.new(throttle=0.3, engine_on=1)
    command.torque_B_Nm = (3.0, -2.0, 1.0)
    digest = hashlib.sha256()
    for tick in range(180):
        sense(world, messages)
        digest.update(messages.tobytes())
        advance(world)
        digest.update(world.tobytes())
        command.engine_on = int(tick < 100)
        obey(world, command)
    return f"{digest.hexdigest()} {world.touchdown.contacts} {world.board.delivery.n}"


def test_interpreted_and_compiled_give_the_same_bytes():
    compiled = fingerprint()
    code = "from tests.sim.plant.test_tick import fingerprint; print(fingerprint())"
    interpreted = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "LEADLINE_INTERPRET": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert interpreted.stdout.strip() == compiled
    assert int(compiled.split()[1]) > 0  # the legs were among it
