"""Whole descents whose ranges come late, never or not to the end, or whose legs or engine fail."""

import functools

import pytest

from fsw.interface.events import EventCode
from sim.run.fly import fly, new_run
from sim.run.loop import as_rows, fly_ticks
from sim.scenario.load import SCENARIOS, load

NOMINAL = (SCENARIOS / "nominal.toml").read_text()
SEEDS = range(10)
# standard deviation at the start that has grown to the second figure 3 km above the ground
GROWN = {56.0: 150.0, 365.0: 500.0, 585.0: 800.0}
TRUSTING = (("params.descent.k_sigma", "0.0"), ("params.letdown.clock", "0.0"))
# contacts that are used at once, unconfirmed and latched, from 40 m down
BELIEVED = (
    ("params.touchdown.latch", "1"),
    ("params.touchdown.confirm", "0"),
    ("params.touchdown.contact_s", "0.02"),
    ("params.touchdown.arm_speed_mps", "1000.0"),
    ("params.descent.terminal_height_m", "40.0"),
)


@pytest.fixture(scope="module")
def fly_with(tmp_path_factory):
    """Flies `nominal` with faults, as lists of TOML lines, and overrides."""

    @functools.cache
    def flown(seed, *faults, overrides=()):
        rows = "".join("\n[[faults]]\n" + fault for fault in faults)
        path = tmp_path_factory.mktemp("faults") / "flight.toml"
        path.write_text(NOMINAL + rows)
        return fly(load(str(path), overrides), seed)

    return flown


def events(result):
    """Names of the flight software's events, without those of the injected faults."""
    own = [event for event in result.event_records if event.code < len(EventCode)]
    return {EventCode.label_of(event.code): event for event in own}


def landed(results):
    return [result.seed for result in results if result.verdict == "landed"]


@pytest.mark.parametrize("first_m", [300.0, 893.0, 3000.0])
@pytest.mark.parametrize("spread_m", GROWN)
def test_a_first_range_between_3_km_and_300_m_lands(spread_m, first_m):
    overrides = (("sensors.range.max_m", first_m), ("dispersions.altitude_m", spread_m))
    scenario = load("nominal", [(key, str(value)) for key, value in overrides])
    results = [fly(scenario, seed) for seed in SEEDS]
    assert landed(results) == list(SEEDS)
    assert max(result.first_fused_alt_m for result in results) < first_m


def test_the_inertial_altitude_spreads_by_a_third_on_the_way_down():
    for at_start, at_gate in GROWN.items():
        run = new_run(load("nominal", [("dispersions.altitude_m", str(at_start))]), 0)
        estimate = run.state.core.estimate
        while not 0.0 < float(estimate.altitude_m) < 4500.0:
            fly_ticks(as_rows(run), 100)
        assert float(estimate.sigma_altitude_m) == pytest.approx(at_gate, rel=0.06)


def test_altitude_believed_as_it_stands_hits_where_the_let_down_lands():
    late = (("sensors.range.max_m", "600.0"), ("dispersions.altitude_m", "585.0"))
    trusting = [fly(load("nominal", (*late, *TRUSTING)), seed) for seed in SEEDS]
    assert len(landed(trusting)) <= 7
    assert landed([fly(load("nominal", late), seed) for seed in SEEDS]) == list(SEEDS)


def test_without_any_range_the_ground_is_met_at_touch_speed_where_it_is_most_probable():
    blind = (("sensors.range.powered", "0"), ("dispersions.altitude_m", "25.0"))
    results = [fly(load("nominal", blind), seed) for seed in range(20)]
    assert len(landed(results)) >= 8
    assert all("blind_descent" in events(result) for result in results)
    assert "out_of_propellant" not in {result.verdict for result in results}


@pytest.mark.parametrize("lost_m", [3000.0, 300.0, 15.0])
def test_ranges_lost_on_the_way_down_and_dead_switches_still_end_softly(fly_with, lost_m):
    lost = f'kind = "early_loss"\nfrom_altitude_m = {lost_m}\n'
    for seed in range(3):
        result = fly_with(seed, lost, 'kind = "contact_missing"\n')
        assert (result.verdict, result.mode) == ("landed", "landed")


SPURIOUS = 'kind = "contact_spurious"\npulse_s = 0.4\nfrom_altitude_m = 42.0\n'


def test_legs_that_report_a_touch_at_40_m_are_not_believed(fly_with):
    for seed in range(3):
        assert fly_with(seed, SPURIOUS).verdict == "landed"
        every = 'kind = "contact_spurious"\npulse_s = 0.5\nperiod_s = 2.0\n'
        assert fly_with(seed, every).verdict == "landed"


def test_the_same_touch_latched_and_believed_cuts_the_engine_at_40_m(fly_with):
    result = fly_with(0, SPURIOUS, overrides=BELIEVED)
    assert 30.0 < events(result)["engine_cut"].b < 42.0
    assert result.touchdown.v_down_mps > 10.0


@pytest.mark.parametrize("scale", [0.8, 0.7])
def test_thrust_lost_in_late_braking_is_noticed_and_flown_around(fly_with, scale):
    weak = f'kind = "thrust_scale"\nscale = {scale}\nfrom_altitude_m = 9000.0\n'
    results = [fly_with(seed, weak) for seed in range(5)]
    assert len(landed(results)) >= 4
    assert all("thrust_low" in events(result) for result in results)
    unnoticed = (("params.control.thrust.loss", "1.0"),)
    crashed = [fly_with(seed, weak, overrides=unnoticed) for seed in range(5)]
    assert scale > 0.75 or len(landed(crashed)) <= 2


def test_an_engine_that_answers_late_is_not_taken_for_ground(fly_with):
    for seed in (8000, 8007):
        lazy = 'kind = "thrust_lag"\nlag_s = 0.3\n'
        assert fly_with(seed, lazy).verdict == "landed"
