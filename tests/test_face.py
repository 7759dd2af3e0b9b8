"""`import leadline`: what it offers, what it hides, what it refuses, and what its tables hold."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import leadline
from sim.run.fly import fly
from sim.scenario.load import load
from tools.cli.main import main

ROOT = Path(__file__).parent.parent
SHORT = {"vehicle.propulsion_ready": 0, "expect.verdict": "not_begun"}
DELAYED = {"faults.0.kind": "delayed", "faults.0.delay_s": 2.0}
DELAYED_PAIRS = [("faults.0.kind", "delayed"), ("faults.0.delay_s", "2.0")]
FAST = """
import sys, leadline
heavy = ("numba", "numpy", "typer", "rich", "matplotlib", "pyarrow", "sim", "tools")
print([name for name in heavy if name in sys.modules])
"""


@pytest.fixture(scope="module")
def flight():
    return leadline.fly("nominal", seed=3)


# --- the names ---------------------------------------------------------------------------


def test_the_public_names_are_those_of_all_and_no_others():
    assert dir(leadline) == sorted(leadline.__all__)
    own = {name for name in vars(leadline) if not name.startswith("__")}
    assert own <= set(leadline.__all__)
    assert all(getattr(leadline, name) is not None for name in leadline.__all__)


@pytest.mark.parametrize("name", ["_fly", "numpy", "np", "annotations", "TYPE_CHECKING", "sim"])
def test_nothing_private_can_be_imported(name):
    with pytest.raises(ImportError):
        exec(f"from leadline import {name}")


def test_importing_it_imports_nothing_heavy():
    done = subprocess.run(
        [sys.executable, "-c", FAST], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_every_function_is_documented_and_annotated():
    functions = [f for f in map(leadline.__getattribute__, leadline.__all__) if callable(f)]
    plain = [f for f in functions if not isinstance(f, type)]
    assert len(plain) == 11
    for function in plain:
        names = function.__code__.co_varnames[: function.__code__.co_argcount]
        assert function.__doc__ and {*names, "return"} <= set(function.__annotations__)


# --- loading -----------------------------------------------------------------------------


def test_the_library_can_be_loaded_by_name_or_path(tmp_path):
    assert "nominal" in leadline.library()
    path = tmp_path / "mine.toml"
    path.write_text(leadline.load("nominal").text)
    assert leadline.load(path).world.tobytes() == leadline.load("nominal").world.tobytes()


@pytest.mark.parametrize(
    ("changes", "pairs"),
    [
        ({"start.propellant_kg": 370.0}, [("start.propellant_kg", "370.0")]),
        ({"start.propellant_kg": np.float64(370)}, [("start.propellant_kg", "370")]),
        ({"vehicle.rcs_torque_Nm": (1, 2.5, 3)}, [("vehicle.rcs_torque_Nm", "[1, 2.5, 3]")]),
        ({"vehicle.rcs_torque_Nm": np.ones(3)}, [("vehicle.rcs_torque_Nm", "[1.0, 1.0, 1.0]")]),
        (DELAYED, DELAYED_PAIRS),
        ({"faults.0": {"kind": "delayed", "delay_s": 2.0}}, DELAYED_PAIRS),
        ({"expect.verdict": "crashed"}, [("expect.verdict", "crashed")]),
    ],
)
def test_changes_do_what_set_does(changes, pairs):
    changed, overridden = leadline.load("nominal", changes), load("nominal", pairs)
    assert changed.world.tobytes() == overridden.world.tobytes()
    assert changed.params.tobytes() == overridden.params.tobytes()
    assert changed.expect_verdict == overridden.expect_verdict


@pytest.mark.parametrize(
    ("changes", "arguments"),
    [
        ({"start.propelant_kg": 1.0}, ("start.propelant_kg=1.0",)),
        ({"start.altitude": 20000}, ("start.altitude=20000",)),
        ({"start.propellant_kg": "full"}, ("start.propellant_kg=full",)),
        ({"sensors.range.false_share": 1.5}, ("sensors.range.false_share=1.5",)),
        ({"start": 1}, ("start=1",)),
        ({"faults.0.kind": "delayd"}, ("faults.0.kind=delayd",)),
    ],
)
def test_a_bad_change_is_refused_with_the_command_line_s_words(changes, arguments, capsys):
    with pytest.raises(leadline.InputError) as refused:
        leadline.load("nominal", changes)
    with pytest.raises(SystemExit):
        main(["fly", *(part for pair in arguments for part in ("--set", pair))])
    assert capsys.readouterr().err == f"leadline: {refused.value}\n"


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (lambda: leadline.load("nomial"), "unknown scenario 'nomial'; did you mean 'nominal'?"),
        (lambda: leadline.load(5), "scenario: expected a name or a path, not 5"),
        (lambda: leadline.load("nominal", [1]), "changes: expected a mapping"),
        (
            lambda: leadline.load("nominal", {"start.x_m": None}),
            "--set: start.x_m: expected a TOML",
        ),
        (lambda: leadline.load("nominal", params="defalt"), "--params: expected default, as-flown"),
        (lambda: leadline.fly("nominal", seed=-1), "seed: expected an integer from 0"),
        (lambda: leadline.fly("nominal", seed=1.5), "seed: expected an integer from 0"),
        (lambda: leadline.fly("none/x.toml"), "none/x.toml: no such file or directory"),
        (lambda: leadline.fly("nominal", log="none/x.mcap"), "none/x.mcap: cannot be written"),
        (lambda: leadline.fly_many("nominal", [1, -1]), "seed: expected an integer from 0"),
        (lambda: leadline.fly_many("nominal", jobs=-1), "--jobs: expected a number not below 0"),
        (lambda: leadline.fly_many(["nominal", "nomial"]), "unknown scenario 'nomial'"),
        (lambda: leadline.run_session("nominal", flight="/dev/ttyNO"), "port /dev/ttyNO: there is"),
        (lambda: leadline.run_session("nominal", pace="walk"), "--pace: expected lockstep or"),
        (lambda: leadline.search(faults="delayd"), "--faults: unknown kind of fault: 'delayd'"),
        (lambda: leadline.search(budget_s=0.0), "--budget: expected"),
        (lambda: leadline.replay("none.mcap"), "none.mcap: cannot be read"),
        (lambda: leadline.read_log("none.mcap"), "none.mcap: cannot be read"),
        (lambda: leadline.fly_campaign("fault"), "unknown campaign 'fault'; did you mean 'faults'"),
        (lambda: leadline.fly_campaign("faults", runs=0), "-n: expected at least 1 run, not 0"),
        (lambda: leadline.fly_campaign("faults", changes={"start.x": 1}), "start.x: unknown key"),
        (lambda: leadline.read_campaign("none"), "none: not the folder of a campaign"),
    ],
)
def test_a_bad_request_is_one_line(call, complaint):
    with pytest.raises(leadline.InputError) as refused:
        call()
    assert complaint in str(refused.value) and "\n" not in str(refused.value)


# --- flying ------------------------------------------------------------------------------


def test_a_flight_has_its_figures_in_words(flight, capsys):
    with pytest.raises(SystemExit):
        main(["fly", "--seed", "3", "--json"])
    printed = json.loads(capsys.readouterr().out)
    assert isinstance(flight, leadline.Result) and flight.landed
    assert flight.verdict == printed["verdict"]
    assert flight.state_sha256 == printed["state_sha256"]
    assert flight.margins == printed["margins"]
    assert flight.touchdown.v_down_mps == printed["touchdown"]["v_down_mps"]
    assert flight.propellant_left_kg == printed["propellant_left_kg"]
    assert [e.name for e in flight.events] == [e["name"] for e in printed["events"]]


def test_the_seed_is_the_scenario_s_own_unless_one_is_given():
    scenario = leadline.load("nominal", {**SHORT, "run.seed": 4})
    assert leadline.fly(scenario).seed == 4
    assert leadline.fly(scenario, seed=2).seed == 2


def test_another_preset_can_be_flown_with_the_same_changes():
    scenario = leadline.load("resilience-m2", {"start.propellant_kg": 371.0})
    flown = leadline.fly(scenario, params="as-flown")
    again = leadline.fly(leadline.load("resilience-m2", {"start.propellant_kg": 371.0}, "as-flown"))
    assert flown.params == "as-flown" and flown.state_sha256 == again.state_sha256


def test_sampling_a_flight_changes_no_bit_of_it(flight):
    assert fly(load("nominal"), 3).state_sha256 == flight.state_sha256
    assert fly(load("nominal"), 3).trajectory is None


def test_a_trajectory_is_a_structured_array_at_ten_hertz(flight):
    path = flight.trajectory
    assert path.dtype["r_BL_L_m"].shape == (3,) and path["r_BL_L_m"].shape == (len(path), 3)
    assert np.allclose(np.diff(path["t_s"])[:-1], 0.1)
    assert path["t_s"][-1] == pytest.approx(flight.time_s)
    assert path.altitude_m[0] > 15_000.0 and abs(path.altitude_m[-1]) < 1.0
    error_m = path["estimated_altitude_m"] - path["altitude_m"]
    assert np.max(np.abs(error_m[path["altitude_m"] < 500.0])) < 10.0
    modes = list(dict.fromkeys(path["mode"].tolist()))
    assert modes[0] == "coast" and modes[-1] == "landed"
    assert path["throttle"].max() <= 1.0 and path["engine_on"].dtype == np.bool_
    assert path["propellant_kg"][-1] == pytest.approx(flight.propellant_left_kg)


def test_columns_are_flat_and_scalar(flight):
    columns = flight.trajectory.columns()
    assert {"t_s", "r_BL_L_m_x", "estimated_q_LB_w", "throttle", "mode"} <= set(columns)
    assert all(type(c) is np.ndarray and c.ndim == 1 for c in columns.values())
    assert {len(column) for column in columns.values()} == {len(flight.trajectory)}
    assert np.array_equal(columns["v_BL_L_mps_z"], flight.trajectory["v_BL_L_mps"][:, 2])


def test_arrow_takes_the_columns_as_they_are(flight):
    pyarrow = pytest.importorskip("pyarrow")
    table = pyarrow.table(flight.trajectory.columns())
    assert table.num_rows == len(flight.trajectory)
    assert table.column("mode").type == pyarrow.string()


def test_nested_records_and_arrays_of_them_become_columns():
    inner = np.dtype([("a_m", "f8"), ("b", "u1", 2)])
    table = np.zeros(5, [("one", inner), ("many", inner, 2), ("v", "f8", 3)])
    names = list(leadline.columns(table))
    assert (
        names
        == (
            "one_a_m one_b_0 one_b_1 many_0_a_m many_0_b_0 many_0_b_1"
            " many_1_a_m many_1_b_0 many_1_b_1 v_x v_y v_z"
        ).split()
    )


@pytest.mark.parametrize("jobs", [1, 2])
def test_many_are_flown_scenario_by_scenario_and_seed_by_seed(jobs):
    changed = leadline.load("nominal", {"start.propellant_kg": 371.0})
    flights = leadline.fly_many(["nominal", changed], seeds=(3, 5), jobs=jobs)
    assert [(f.seed, f.trajectory["propellant_kg"][0] > 371.0) for f in flights] == [
        (3, True),
        (5, True),
        (3, False),
        (5, False),
    ]
    alone = leadline.fly(changed, seed=5)
    assert flights[3].state_sha256 == alone.state_sha256
    assert np.array_equal(flights[3].trajectory, alone.trajectory)


def test_many_can_do_without_trajectories():
    scenario = leadline.load("nominal", SHORT)
    flights = leadline.fly_many(scenario, trajectories=False)
    assert len(flights) == 10 and all(f.trajectory is None for f in flights)


# --- logs, sessions, campaigns, searches -------------------------------------------------


def test_a_log_is_written_read_and_replayed(tmp_path):
    path = tmp_path / "x.mcap"
    flown = leadline.fly(leadline.load("nominal", SHORT), seed=1, log=path)
    log = leadline.read_log(path)
    assert log.metadata["seed"] == "1"
    truth = leadline.columns(log.table("truth"))
    assert np.allclose(truth["altitude_m"][-3:], flown.trajectory["altitude_m"][-3:], atol=200.0)
    assert leadline.replay(path).same


def test_a_session_over_the_wire_ends_with_the_bytes_of_a_flight_in_process(tmp_path):
    path = tmp_path / "x.mcap"
    scenario = leadline.load("nominal", SHORT)
    session = leadline.run_session(scenario, seed=2, log=path)
    assert session.result.state_sha256 == leadline.fly(scenario, seed=2).state_sha256
    assert leadline.read_log(path).metadata["scenario"] == "nominal"


def test_a_campaign_s_folder_is_read(tmp_path):
    pytest.importorskip("pyarrow")
    folder = tmp_path / "results"
    spec = str(ROOT / "sim" / "campaigns" / "faults.toml")
    with pytest.raises(SystemExit):
        main(["campaign", spec, "-n", "3", "--jobs", "1", "--out", str(folder)])
    manifest, rows = leadline.read_campaign(folder)
    assert manifest["runs"] == 3 and [row["index"] for row in rows] == [0, 1, 2]
    assert leadline.fly_campaign("faults", runs=3) == rows


def test_a_search_returns_what_it_found(tmp_path):
    found = leadline.search(params="as-flown", faults=["delayed"], budget_s=60.0)
    assert found.found and found.worst_margin < 0.0
    path = found.counterexample.write(tmp_path)
    assert leadline.fly(path).verdict == found.counterexample.result.verdict != "landed"
    none = leadline.search(leadline.load("nominal"), faults="delayed", budget_s=1.0)
    assert not none.found and none.runs > 0


# --- the README ---------------------------------------------------------------------------


def first_example(text):
    """The first Python block below the heading `From Python`."""
    section = text.partition("\n## From Python\n")[2].partition("\n## ")[0]
    return section.partition("```python\n")[2].partition("```")[0]


def test_the_readme_s_ten_lines_fly_and_draw_a_sweep(tmp_path, monkeypatch):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    monkeypatch.chdir(tmp_path)
    example = first_example((ROOT / "README.md").read_text())
    assert len([line for line in example.splitlines() if line]) == 10
    names = {}
    exec(example, names)
    assert (tmp_path / "sweep.png").read_bytes().startswith(b"\x89PNG")
    curves = names["plt"].gca().lines
    names["plt"].close("all")
    assert len(curves) == 10
    assert "landed" in curves[0].get_label() and "crashed" in curves[-1].get_label()
