"""Campaign specs: strict reading, distributions, and what a plan draws from them."""

import math
import statistics
import tomllib

import pytest
import tomli_w

from sim.campaign.distributions import distribution, varied
from sim.campaign.random_draws import run_seed
from sim.campaign.runner import report_block
from sim.campaign.sampling import make_plan, scenario_of
from sim.campaign.spec import read_spec
from sim.common.errors import InputError
from sim.faults.table import KINDS, FaultGroup
from sim.scenario.load import HOME, SEED_MAX, assemble

FAULTS = HOME / "campaigns" / "faults.toml"
HEAD = 'name = "mine"\ndoc = "Mine."\nscenario = "nominal"\nruns = 20\nseed = 1\n'
FAULT = """
[window.low]
from_altitude_m = { log_uniform = [100, 1000] }
until_share = { uniform = [0.2, 0.8] }
[window.spell]
start_s = { uniform = [600, 700] }
duration_s = 5
[[fault]]
kind = "delayed"
delay_s = { log_uniform = [0.1, 4] }
magnitude = "delay_s"
windows = ["low", "spell"]
"""
BLOCK = '[[block]]\nname = "one"\nshare = 1\n'


@pytest.fixture
def write(tmp_path):
    def writer(text):
        path = tmp_path / "mine.toml"
        path.write_text(text)
        return path

    return writer


def refusal(path):
    with pytest.raises(InputError) as caught:
        read_spec(path)
    complaint = str(caught.value)
    assert "\n" not in complaint
    return complaint.removeprefix(f"{path}: ")


# --- distributions -----------------------------------------------------------------------

EVEN = [(k + 0.5) / 1000 for k in range(1000)]


def test_uniform_and_log_uniform_spread_evenly_between_their_ends():
    values = [distribution({"uniform": [2, 4]}, "x").draw(u) for u in EVEN]
    assert statistics.mean(values) == pytest.approx(3.0, abs=1e-3)
    logs = [math.log10(distribution({"log_uniform": [0.01, 100]}, "x").draw(u)) for u in EVEN]
    assert statistics.mean(logs) == pytest.approx(0.0, abs=1e-3)
    assert min(logs) < -1.99 and max(logs) > 1.99


def test_normal_has_its_mean_and_deviation():
    values = [distribution({"normal": [10, 2]}, "x").draw(u) for u in EVEN]
    assert statistics.mean(values) == pytest.approx(10.0, abs=1e-3)
    assert statistics.pstdev(values) == pytest.approx(2.0, rel=0.01)


def test_integers_and_choices_come_out_alike_often():
    values = [distribution({"integers": [1, 5]}, "x").draw(u) for u in EVEN]
    assert {v: values.count(v) for v in set(values)} == dict.fromkeys(range(1, 6), 200)
    words = [distribution({"choice": ["a", "b"]}, "x").draw(u) for u in EVEN]
    assert words.count("a") == words.count("b") == 500


@pytest.mark.parametrize("name", ["uniform", "log_uniform", "integers"])
def test_no_draw_leaves_the_ends(name):
    d = distribution({name: [1, 3]}, "x")
    assert d.draw(0.0) == 1 and d.draw(1.0) == d.draw(1.0 - 1e-16) == 3


def test_a_draw_is_the_value_written_in_a_file():
    value = distribution({"uniform": [0.1, 0.9]}, "x").draw(0.123456789)
    assert tomllib.loads(f"v = {value!r}")["v"] == value and len(repr(value)) <= 8


def test_what_is_no_table_is_fixed():
    assert varied("descent", "x").draw(0.7) == "descent"
    assert varied(3.0, "x").extremes == (3.0,)


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ({"unifrm": [0, 1]}, "x: unknown distribution 'unifrm'; did you mean 'uniform'?"),
        ({"uniform": [1, 0]}, "x.uniform: expected the lower end first, not 1, 0"),
        ({"uniform": [1]}, "x.uniform: expected two numbers"),
        ({"uniform": 1}, "x.uniform: expected a list"),
        ({"uniform": [0, math.inf]}, "x.uniform: expected two numbers"),
        ({"log_uniform": [0, 1]}, "x.log_uniform: expected a lower end above 0, not 0"),
        ({"integers": [0.5, 1]}, "x.integers: expected two integers"),
        ({"normal": [0, -1]}, "x.normal: expected a standard deviation not below 0, not -1"),
        ({}, "x: expected one distribution, such as { uniform = [0, 1] }"),
        ({"uniform": [0, 1], "lo": 0}, "x: expected one distribution"),
    ],
)
def test_a_bad_distribution_is_one_line(value, complaint):
    with pytest.raises(InputError) as caught:
        varied(value, "x")
    assert str(caught.value).startswith(complaint)


# --- the file ----------------------------------------------------------------------------


def test_a_spec_that_is_right_is_read(write):
    spec = read_spec(write(HEAD + FAULT + BLOCK))
    assert (spec.runs, spec.seed, spec.templates[0].group.label) == (20, 1, "timing")
    assert spec.blocks[0].templates == (0,)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "name: missing"),
        (HEAD + "run = 3\n", "run: unknown key; did you mean 'runs'?"),
        (HEAD.replace("20", "0"), "runs: expected greater than or equal to 1"),
        (HEAD.replace('"nominal"', '"nomnal"'), "unknown scenario 'nomnal'; did you mean"),
        (HEAD + 'sampling = "random"\n', "sampling: expected 'independent' or 'latin_hypercube'"),
        (HEAD + "[vary]\n'start.propelant_kg' = {uniform = [1, 2]}\n", "vary: start.propelant_kg:"),
        (HEAD + "[vary]\n'start.propellant_kg' = {uniform = [-1, 2]}\n", "vary: start.propellant_"),
        (HEAD + "[vary]\n'start.propellant_kg' = 3\n", "vary.start.propellant_kg: expected one"),
        (HEAD + "[window.low]\nfrom_m = 3\n", "window.low.from_m: unknown key; did you mean"),
        (HEAD + "[window.low]\nduration_s = 3\n", "window.low.duration_s: needs start_s beside"),
        (HEAD + FAULT, "block: missing; faults are drawn by blocks"),
        (HEAD + FAULT.replace("delayed", "delaid") + BLOCK, "fault.0.kind: expected a kind of fau"),
        (HEAD + FAULT.replace('"low", ', '"lo", ') + BLOCK, "fault.0 (delayed).windows: unknown "),
        (HEAD + FAULT.replace("delay_s =", "dely_s =") + BLOCK, "fault.0 (delayed).magnitude: exp"),
        (HEAD + FAULT.replace("4]", "400]") + BLOCK, "fault.0 (delayed) in window low: delay_s: "),
        (HEAD + FAULT + BLOCK + 'groups = ["timng"]\n', "block.0.groups: unknown group 'timng'"),
        (HEAD + FAULT + BLOCK + 'groups = ["value"]\n', "block.0: no fault is of its groups and"),
        (HEAD + FAULT + BLOCK + 'kinds = ["off"]\n', "block.0.kinds: no fault is drawn of kind '"),
        (HEAD + FAULT + BLOCK.replace("share = 1", "share = 0"), "block.0.share: expected greater"),
        (HEAD + FAULT + BLOCK + "fault = 2\n", "block.0.fault: unknown key; did you mean 'faults'"),
        ("x = ", "not TOML: "),
    ],
)
def test_a_bad_spec_is_one_line_that_names_the_place(write, text, complaint):
    assert refusal(write(text)).startswith(complaint)


def test_a_window_that_never_opens_is_found_before_the_first_run(write):
    backwards = FAULT.replace("until_share = { uniform = [0.2, 0.8] }", "until_altitude_m = 500")
    complaint = refusal(write(HEAD + backwards + BLOCK))
    assert complaint.startswith("fault.0 (delayed) in window low: the window ends before it begins")


def test_a_fault_that_needs_a_wire_is_refused(write):
    wire = '[window.all]\n[[fault]]\nkind = "wire_drop"\nprobability = 0.1\nwindows = ["all"]\n'
    assert "needs a wire" in refusal(write(HEAD + wire + BLOCK))


def test_a_missing_file_is_named(tmp_path):
    assert refusal(tmp_path / "none.toml") == "no such file or directory"


# --- the plan ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def plan():
    return make_plan(read_spec(FAULTS), runs=400)


def test_the_campaign_draws_at_least_25_kinds_and_every_group_in_process(plan):
    drawn = {t.kind for t in plan.spec.templates}
    assert len(drawn) >= 25
    groups = {KINDS[kind].group for kind in drawn}
    assert groups == {k.group for k in KINDS.values()} - {FaultGroup.WIRE}


def test_the_campaign_draws_every_kind_in_process_but_the_one_that_forbids_a_descent(plan):
    in_process = {name for name, kind in KINDS.items() if kind.group != FaultGroup.WIRE}
    drawn = {t.kind for t in plan.spec.templates}
    assert in_process - drawn == {"propulsion_not_ready"}


def test_few_runs_have_every_kind_of_the_range_block(plan):
    seen = {f.template.kind for i in range(400) for f in plan.draw(i).faults}
    wanted = {
        t.kind for t in plan.spec.templates if t.group in (FaultGroup.TIMING, FaultGroup.VALUE)
    }
    assert wanted <= seen


def test_a_run_is_the_same_whatever_the_number_and_order_of_runs(plan):
    again = make_plan(read_spec(FAULTS), runs=7)
    assert [again.draw(i) for i in range(6, -1, -1)] == [plan.draw(i) for i in range(6, -1, -1)]


def test_another_master_seed_is_another_campaign(plan):
    other = make_plan(plan.spec, runs=400, seed=plan.seed + 1)
    assert all(other.draw(i).document != plan.draw(i).document for i in range(20))


def test_seeds_of_runs_are_spread_and_none_is_small(plan):
    seeds = {int(run_seed(plan.seed, i)) for i in range(5000)}
    assert len(seeds) == 5000 and 10_000 < min(seeds) and max(seeds) <= SEED_MAX


def test_every_run_is_a_scenario_that_a_file_can_hold(plan):
    for index in range(40):
        draw = plan.draw(index)
        flown = scenario_of(draw)
        read = assemble(tomllib.loads(tomli_w.dumps(draw.document)), "")
        assert read.world.tobytes() == flown.world.tobytes()
        assert (read.seed, read.params_name) == (draw.seed, plan.params)


def test_pairs_are_two_different_faults_that_compose(plan):
    pairs = [d for d in map(plan.draw, range(400)) if d.block.name == "range-pairs"]
    assert len(pairs) > 60
    for draw in pairs:
        assert len({fault.template.label for fault in draw.faults}) == 2
        groups = {fault.template.group for fault in draw.faults}
        assert groups <= {FaultGroup.TIMING, FaultGroup.VALUE}


def test_a_block_varies_its_own_keys_and_is_reported_under_its_own_heading(write):
    own = """
    [[block]]
    name = "steps"
    share = 1
    faults = 0
    report = "ground"
    vary = { "terrain.step_m" = { uniform = [100, 200] } }
    """
    plan = make_plan(read_spec(write(HEAD + FAULT + BLOCK + own)))
    draws = {draw.block.name: draw for draw in map(plan.draw, range(20))}
    assert 100 <= scenario_of(draws["steps"]).world.terrain.step_m <= 200
    assert scenario_of(draws["one"]).world.terrain.step_m == 0
    assert report_block(draws["steps"], 9.0) == "ground"
    assert plan.spec.columns == draws["steps"].block.vary
    complaint = refusal(write(HEAD + FAULT + BLOCK + own.replace("step_m", "stp_m")))
    assert complaint.startswith("block.1.vary: terrain.stp_m: unknown key")


def test_a_magnitude_s_size_is_its_place_between_its_ends(write):
    plan = make_plan(read_spec(write(HEAD + FAULT + BLOCK)))
    for fault in (plan.draw(i).faults[0] for i in range(20)):
        assert fault.magnitude == pytest.approx(0.1 * 40**fault.size, rel=1e-4)


def test_windows_that_depend_are_resolved(write):
    plan = make_plan(read_spec(write(HEAD + FAULT + BLOCK)))
    rows = [plan.draw(i).faults[0].row for i in range(20)]
    spells = [row for row in rows if "start_s" in row]
    lows = [row for row in rows if "from_altitude_m" in row]
    assert spells and lows
    assert all(row["end_s"] == pytest.approx(row["start_s"] + 5, abs=2e-3) for row in spells)
    shares = [row["until_altitude_m"] / row["from_altitude_m"] for row in lows]
    assert all(0.19 < share < 0.81 for share in shares)


def test_a_latin_hypercube_has_one_run_in_every_stratum(write):
    vary = "[vary]\n'terrain.albedo' = {uniform = [0.1, 0.2]}\n"
    vary += "'start.propellant_kg' = {uniform = [340, 380]}\n"
    plan = make_plan(read_spec(write(HEAD + 'sampling = "latin_hypercube"\n' + vary)))
    albedos, masses = zip(*(plan.draw(i).varied.values() for i in range(20)), strict=True)
    assert sorted(int((a - 0.1) / 0.005) for a in albedos) == list(range(20))
    assert sorted(int((m - 340) / 2) for m in masses) == list(range(20))
    order = [sorted(values).index(v) for values in (albedos, masses) for v in values]
    assert order[:20] != order[20:]  # each key is shuffled by itself


def test_overrides_stand_above_what_varies_and_reach_faults_by_number(write):
    text = HEAD + "[vary]\n'terrain.albedo' = {uniform = [0.1, 0.2]}\n" + FAULT + BLOCK
    spec = read_spec(write(text))
    changes = (("terrain.albedo", "0.3"), ("start.propellant_kg", "350"))
    scenario = scenario_of(make_plan(spec, overrides=changes).draw(0))
    assert scenario.world.terrain.albedo == 0.3
    assert scenario.world.start.propellant_kg == 350.0


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"runs": 0}, "-n: expected at least 1 run, not 0"),
        ({"seed": -1}, "seed: expected an integer from 0"),
        ({"overrides": (("start.x", "1"),)}, "--set: start.x: unknown key"),
        ({"params": "mine"}, "--params: expected default, as-flown"),
    ],
)
def test_a_bad_request_is_refused_before_the_first_run(plan, options, complaint):
    with pytest.raises(InputError) as caught:
        make_plan(plan.spec, **options)
    assert str(caught.value).startswith(complaint)
