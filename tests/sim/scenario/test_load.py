"""Scenarios: strict reading, layers in their order, the same bytes for the same seed."""

import pytest

from sim.common.errors import InputError
from sim.scenario.load import SEED_MAX, VEHICLES, build, library, load
from sim.scenario.scenario_guide import GUIDE, guide

HEAD = 'name = "mine"\ndoc = "Mine."\n[vehicle]\nclass = "resilience_class"\n'


@pytest.fixture
def write(tmp_path):
    def writer(text, name="mine.toml"):
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return writer


def refusal(*arguments, **options):
    with pytest.raises(InputError) as caught:
        load(*arguments, **options)
    complaint = str(caught.value)
    assert "\n" not in complaint
    return complaint


@pytest.mark.parametrize("name", library())
def test_every_scenario_of_the_library_reads_and_is_named_as_its_file(name):
    scenario = load(name)
    assert scenario.name == name and scenario.doc


def test_the_library_holds_what_the_command_line_names():
    assert {"nominal", "orbit"} <= set(library())


def test_what_a_file_sets_is_taken_and_the_rest_keeps_its_default(write):
    scenario = load(write(HEAD + "[start]\naltitude_m = 19000\n[sensors.range]\nmax_m = 900\n"))
    nominal = load("nominal")
    assert scenario.world.start.altitude_m == 19000.0
    assert scenario.world.board.sensors.range.max_m == 900.0
    assert scenario.world.board.sensors.imu == nominal.world.board.sensors.imu
    assert scenario.expect_verdict == "landed"


def test_later_layers_win(write):
    preset = write("[descent]\nk_sigma = 1.0\neta = 0.5\n", "preset.toml")
    mine = write(HEAD + "[params.descent]\neta = 0.6\nt_d_s = 0.5\n")
    descent = load(mine, [("params.descent.t_d_s", "0.7")], preset).params.descent
    assert (descent.k_sigma, descent.eta, descent.t_d_s) == (1.0, 0.6, 0.7)


def test_a_vehicle_figure_can_be_changed_in_a_scenario_without_flight_knowing():
    scenario = load("nominal", [("vehicle.thrust_max_N", "1500")])
    assert scenario.world.vehicle.thrust_max_N == 1500.0
    assert scenario.params.vehicle.thrust_max_N == 1600.0


def test_the_flight_computer_is_told_site_mass_and_cant_once():
    changes = {
        "site.latitude_deg": "12.5",
        "site.longitude_deg": "-30.0",
        "site.height_m": "-1500",
        "start.propellant_kg": "350",
        "sensors.range.cant_deg": "45",
    }
    params = load("nominal", changes.items()).params
    site = params.site
    assert (site.latitude_deg, site.longitude_deg, site.height_m) == (12.5, -30.0, -1500.0)
    assert params.vehicle.mass_kg == 690.0
    assert params.vehicle.range_cant_deg == 45.0


def test_a_datum_error_is_made_by_setting_the_belief_apart():
    changes = [("site.height_m", "100"), ("params.site.height_m", "2100")]
    scenario = load("nominal", changes)
    assert scenario.world.site.height_m == 100.0
    assert scenario.params.site.height_m == 2100.0


def test_a_run_is_its_seed():
    scenario = load("nominal")
    first, again, other = (build(scenario, seed) for seed in (7, 7, 8))
    assert [row.tobytes() for row in first] == [row.tobytes() for row in again]
    assert first[0].tobytes() != other[0].tobytes()
    assert first[1].tobytes() == other[1].tobytes()


def test_building_leaves_the_scenario_as_it_was():
    scenario = load("nominal")
    before = scenario.world.tobytes()
    build(scenario, 3)
    assert scenario.world.tobytes() == before


@pytest.mark.parametrize("seed", [-1, SEED_MAX + 1])
def test_a_seed_out_of_range_is_refused(seed):
    with pytest.raises(InputError, match="seed: expected an integer from 0"):
        build(load("nominal"), seed)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[start]\naltitude_m = 1 2\n", "not TOML: "),
        ("[strat]\n", "strat: unknown key; did you mean 'start'?"),
        ("[start]\naltitude = 1.0\n", "start.altitude: missing unit suffix; expected 'altitude_m'"),
        ("[sensors.rnage]\n", "sensors.rnage: unknown key; did you mean 'range'?"),
        ("[params.descnt]\n", "params.descnt: unknown key; did you mean 'descent'?"),
        ('[start]\nkind = "sideways"\n', "start.kind: expected one of pdi, orbit, not 'sideways'"),
        ("[expect]\nverdikt = 1\n", "expect.verdikt: unknown key; did you mean 'verdict'?"),
        ('[expect]\nverdict = "won"\n', "expect.verdict: expected one of landed, "),
        ("[expect]\nverdict = 1\n", "expect.verdict: expected a text"),
    ],
)
def test_a_bad_file_is_one_line_that_names_file_and_key(write, text, complaint):
    path = write(HEAD + text)
    assert refusal(path).startswith(f"{path}: {complaint}")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('doc = "x"\nvehicle = {class = "resilience_class"}', "name: missing"),
        ('name = "x"\ndoc = "x"', "vehicle: missing"),
        ('name = "x"\ndoc = "x"\nvehicle = {}', "vehicle.class: missing"),
        ('name = "x"\ndoc = "x"\nvehicle = "y"', "vehicle: expected a table"),
        ('name = 1\ndoc = "x"\nvehicle = {}', "name: expected a text"),
        (
            'name = "x"\ndoc = "x"\nvehicle = {class = "saucer"}',
            "vehicle.class: expected one of resilience_class, not 'saucer'",
        ),
    ],
)
def test_a_bad_outer_shape_is_one_line(write, text, complaint):
    path = write(text)
    assert refusal(path) == f"{path}: {complaint}"


@pytest.mark.parametrize(
    ("key", "value", "complaint"),
    [
        ("start.propelant_kg", "360", "start.propelant_kg: unknown key; did you mean 'propellant"),
        ("start.propellant_kg", "-1", "start.propellant_kg: expected a number from 0 to 100000"),
        ("start.propellant_kg", "lots", "start.propellant_kg: expected a number from 0 to"),
        ("start.propellant_kg", "1 2", "start.propellant_kg: expected a TOML value, not '1 2'"),
        ("start.propellant_kg", "1\nb = 2", "start.propellant_kg: expected one TOML value"),
        ("strat.propellant_kg", "1", "strat: unknown key; did you mean 'start'?"),
        ("seed", "1", "expected table.key=value, not 'seed=1'"),
        ("start.altitude_m.x", "1", "start.altitude_m: expected a number not below 0, not a table"),
    ],
)
def test_a_bad_override_is_one_line_that_names_its_key(key, value, complaint):
    assert refusal("nominal", [(key, value)]).startswith(f"--set: {complaint}")


def test_a_bare_word_needs_no_quotes():
    assert load("nominal", [("start.kind", "orbit")]).world.start.kind == 1
    assert load("nominal", [("start.kind", '"orbit"')]).world.start.kind == 1


def test_an_unknown_scenario_is_answered_with_the_nearest_name():
    assert refusal("nomnal") == "unknown scenario 'nomnal'; did you mean 'nominal'?"
    assert "there are apollo-14, " in refusal("zzzz")


def test_files_that_cannot_be_read_are_named(tmp_path):
    assert refusal(str(tmp_path / "no.toml")).endswith("no.toml: no such file or directory")
    folder = tmp_path / "folder.toml"
    folder.mkdir()
    assert refusal(str(folder)).endswith("folder.toml: is a directory")
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe")
    assert refusal(str(binary)).endswith("binary.toml: expected UTF-8 text")


def test_presets_are_named_or_files(write):
    complaint = "--params: expected default, as-flown or a TOML file, not 'defualt'"
    assert refusal("nominal", params="defualt") == complaint
    path = write("[descent]\neta = 7\n")
    assert refusal("nominal", params=path).startswith(f"{path}: descent.eta: expected a number")


AS_FLOWN = (
    HEAD
    + """
[params.descent]
eta = 0.6
decel_max_mps2 = 3.0

[as_flown.descent]
decel_max_mps2 = 1.85
"""
)


def test_what_a_scenario_sets_as_flown_counts_in_that_preset_only(write):
    path = write(AS_FLOWN)
    ours, theirs = load(path).params.descent, load(path, params="as-flown").params.descent
    assert (ours.decel_max_mps2, theirs.decel_max_mps2) == (3.0, 1.85)
    assert (ours.k_sigma, theirs.k_sigma) == (3.0, 0.0)
    assert ours.eta == theirs.eta == 0.6


def test_an_override_stands_above_what_was_flown(write):
    overrides = [("params.descent.decel_max_mps2", "4.0")]
    assert load(write(AS_FLOWN), overrides, "as-flown").params.descent.decel_max_mps2 == 4.0


def test_what_was_flown_is_read_strictly_whatever_preset_flies(write):
    path = write(HEAD + "[as_flown.descent]\ndecel_max = 1\n")
    complaint = "as_flown.descent.decel_max: missing unit suffix; expected 'decel_max_mps2'"
    assert refusal(path) == f"{path}: {complaint}"


def test_a_scenario_written_for_one_run_says_its_seed_and_preset(write):
    path = write(HEAD + '[run]\nseed = 12\nparams = "as-flown"\n')
    asked, told = load(path), load(path, params="default")
    assert (asked.seed, asked.params_name, told.params_name) == (12, "as-flown", "default")
    assert load("nominal").seed == 0


def test_every_figure_of_a_vehicle_states_its_source():
    for path in VEHICLES.glob("*.toml"):
        truth = path.read_text().partition("[truth]")[2].partition("[belief]")[0]
        lines = [line for line in truth.splitlines() if "=" in line.partition("#")[0]]
        assert [line for line in lines if "#" not in line] == []


def test_the_guide_is_what_the_records_say():
    assert GUIDE.read_text(encoding="utf-8") == guide(), (
        "stale: run `python -m sim.scenario.scenario_guide`"
    )
