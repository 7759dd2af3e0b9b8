"""What the commands print, and their exit status."""

import json
import subprocess
import sys

import pytest

from hil.bench.parity import compare
from hil.log.reader import open_log
from sim.scenario.load import library, load
from tools.cli.main import main
from tools.output.flight_report import Timeline, verdict_panel

# ends at ignition, which is refused: short, and a flight all the same
SHORT = ("--set", "vehicle.propulsion_ready=0", "--set", "expect.verdict=not_begun")
FIGURES = {
    "version",
    "scenario",
    "seed",
    "params",
    "verdict",
    "time_s",
    "touchdown",
    "propellant_left_kg",
    "events",
    "range",
    "survivability",
    "worst_stopping_margin_m",
    "margins",
    "state_sha256",
    "wall_s",
}


@pytest.fixture
def run(capsys):
    """Run the command line: (status, standard output, standard error)."""

    def call(*arguments):
        with pytest.raises(SystemExit) as left:
            main([str(argument) for argument in arguments])
        seen = capsys.readouterr()
        return left.value.code, seen.out, seen.err

    return call


def test_fly_prints_one_object_with_every_figure(run):
    status, out, err = run("fly", "--seed", "3", "--json")
    result = json.loads(out)
    assert set(result) >= FIGURES
    assert result["scenario"] == "nominal" and result["seed"] == 3
    assert status == (0 if result["verdict"] == "landed" else 1)
    assert {"t_s", "name", "detail"} == set(result["events"][0])
    assert "ignition" in err  # the timeline goes to standard error


def test_fly_prints_phases_in_order_then_the_verdict(run):
    _, out, err = run("fly")
    phases = [out.index(f"mode {mode} after") for mode in ("braking", "descent", "landed")]
    assert phases == sorted(phases)
    assert out.index("touchdown") > phases[-1] and "x real time" in out
    assert err == "" and "\x1b" not in out


def test_the_same_seed_ends_with_the_same_bytes_with_and_without_a_log(run, tmp_path):
    plain = json.loads(run("fly", "--json")[1])
    logged = json.loads(run("fly", "--json", "--log", tmp_path / "x.mcap")[1])
    other = json.loads(run("fly", "--json", "--seed", "1")[1])
    assert plain["state_sha256"] == logged["state_sha256"] != other["state_sha256"]


def test_a_flight_that_does_not_end_as_expected_leaves_with_one(run, tmp_path):
    path = tmp_path / "dry.toml"
    text = 'name = "dry"\ndoc = "x"\n[vehicle]\nclass = "resilience_class"\n'
    path.write_text(text + "[start]\npropellant_kg = 150\n")
    status, out, _ = run("fly", path, "--json")
    verdict = json.loads(out)["verdict"]
    assert verdict != "landed" and status == 1
    path.write_text(text + f'[start]\npropellant_kg = 150\n[expect]\nverdict = "{verdict}"\n')
    assert run("fly", path, "--json")[0] == 0


def test_a_recorded_flight_replays_without_a_difference(run, tmp_path):
    path = tmp_path / "x.mcap"
    run("fly", "--log", path)
    status, out, _ = run("replay", path, "--json")
    report = json.loads(out)
    assert status == 0 and report["same"] and report["differences"] == 0
    assert report["ticks"] > 60_000
    log = open_log(path)
    assert log.metadata["scenario"] == "nominal" and log.metadata["seed"] == "0"
    assert b"resilience_class" in log.files["scenario.toml"]


def test_an_interrupt_leaves_with_130_and_keeps_what_was_recorded(run, tmp_path, monkeypatch):
    path = tmp_path / "x.mcap"

    def interrupt_at_approach(self, t_s, name, severity, detail):
        if "approach" in detail:
            raise KeyboardInterrupt

    monkeypatch.setattr(Timeline, "__call__", interrupt_at_approach)
    status, _, err = run("fly", "--log", path)
    assert status == 130 and err.endswith("leadline: interrupted\n")
    status, out, _ = run("replay", path, "--json")
    report = json.loads(out)
    assert status == 0 and report["ticks"] > 50_000


def test_scenarios_lists_the_library(run):
    assert [s["name"] for s in json.loads(run("scenarios", "--json")[1])["scenarios"]] == library()
    assert all(name in run("scenarios")[1] for name in library())


@pytest.fixture
def one_past(monkeypatch):
    """Only one landing of the past."""
    scenario = load("resilience-m2")
    monkeypatch.setattr("tools.cli.scenarios.past_scenarios", lambda: [scenario])


def test_past_landings_are_tabulated_on_standard_output(run, one_past):
    status, out, err = run("scenarios", "--history")
    assert status == 0 and "resilience-m2: as flown" in err
    assert out.startswith("# Landings of the past") and "| end |" in out


def test_their_table_is_written_where_it_is_wanted(run, one_past, tmp_path):
    path = tmp_path / "history.md"
    status, out, _ = run("scenarios", "--history", "--out", path, "--json")
    assert status == 0 and json.loads(out)["history"][0]["scenario"] == "resilience-m2"
    assert path.read_text() == run("scenarios", "--history")[1]


def test_a_table_that_cannot_be_written_is_refused_before_anything_is_flown(run, tmp_path):
    status, out, err = run("scenarios", "--history", "--out", tmp_path / "no" / "x.md")
    assert (status, out) == (2, "") and "x.md: no such file or directory" in err


def test_the_dictionary_holds_records_fields_units_packets_and_events(run):
    whole = json.loads(run("dictionary", "--json")[1])
    records = {record["name"]: record for record in whole["records"]}
    fields = {field["name"]: field for field in records["RangeSample"]["fields"]}
    assert fields["range_m"] | {"doc": ""} == {
        "name": "range_m",
        "type": "f32",
        "shape": [],
        "offset": 8,
        "unit": "m",
        "takes": "a number",
        "doc": "",
    }
    assert {"Core", "Params", "World", "TickMark", "Hello"} <= set(records)
    assert "RangeSample" in {packet["record"] for packet in whole["packets"]}
    assert whole["events"][1]["name"] == "mode_changed"
    assert "slant range" in run("dictionary")[1]


def test_help_imports_no_compiler_and_no_array(run):
    code = "import sys, tools.cli.main; print({'numba', 'numpy', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_the_former_name_of_inject_is_still_taken(run):
    for option in ("--inject", "--lever"):
        status, _, err = run("hil", *SHORT, option, "melt@t=1s")
        assert status == 2 and "melt" in err


def test_without_a_command_there_is_help(run):
    status, out, _ = run()
    assert status == 0 and "fly" in out and "replay" in out


def test_repeated_events_are_counted_rather_than_shown(capsys):
    from tools.output.console import console

    timeline = Timeline(console(False))
    for k in range(10):
        timeline(float(k), "range_rejected", "warning", f"number {k}")
    timeline.close()
    shown = capsys.readouterr().out
    assert "number 2" in shown and "number 3" not in shown
    assert "7 more: range rejected" in shown


@pytest.mark.parametrize("touchdown", [None, dict.fromkeys(["v_down_mps"], 1.0)])
def test_a_panel_is_drawn_whatever_is_missing(touchdown):
    if touchdown is not None:
        touchdown |= {"v_horizontal_mps": 0.0, "tilt_deg": 0.0, "rate_degps": 0.0, "miss_m": 0.0}
    figures = {
        "verdict": "timed_out",
        "touchdown": touchdown,
        "propellant_left_kg": 1.0,
        "range": {"first_valid_alt_m": None, "first_fused_alt_m": None},
        "survivability": {"survivable": True, "how": "open", "why": None, "loss": "other"},
        "worst_stopping_margin_m": None,
        "margins": {"touchdown": -1.0, "v_down": None, "stopping": 0.2},
        "time_s": 1.0,
        "wall_s": 0.5,
    }
    panel = verdict_panel(figures, False)
    assert "timed out" in str(panel.title)
    shown = [str(cell) for column in panel.renderable.columns for cell in column.cells]
    assert sum(cell == "broken" for cell in shown) == 1


def test_a_lost_flight_says_whether_it_could_have_landed(run):
    engine_out = ("faults.0.kind=engine_out", "faults.0.from_altitude_m=900")
    _, out, err = run("fly", "--json", *(part for key in engine_out for part in ("--set", key)))
    judged = json.loads(out)["survivability"]
    assert (judged["survivable"], judged["how"]) == (False, "bound")
    assert judged["why"] in err


def test_a_flight_over_a_wire_ends_with_the_bytes_of_a_flight_in_process(run, tmp_path):
    path = tmp_path / "x.mcap"
    status, out, err = run("hil", *SHORT, "--json", "--log", path)
    over_wire = json.loads(out)
    assert set(over_wire) >= FIGURES | {"latency_us", "lateness_us", "overruns", "link"}
    in_process = json.loads(run("fly", *SHORT, "--json")[1])
    assert over_wire["state_sha256"] == in_process["state_sha256"]
    assert over_wire["events"] == in_process["events"]
    assert over_wire["margins"] == in_process["margins"]
    assert status == 0 and "mode not_begun" in err
    assert open_log(path).metadata["scenario"] == "nominal"


def test_the_two_ends_can_be_started_by_hand(run):
    command = [sys.executable, "-m", "tools.cli.main", "emulator", *SHORT, "--json"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as emulator:
        try:
            waiting = emulator.stderr.readline()
            assert "leadline flight --port" in waiting
            status, out, _ = run("flight", "--port", waiting.split()[-1], "--json")
            session = json.loads(emulator.communicate(timeout=60)[0])
        finally:
            emulator.kill()
    assert emulator.returncode == 0 and session["verdict"] == "not_begun"
    report = json.loads(out)
    assert status == 0 and report["reason"] == "finished"
    assert report["ticks"] == round(session["time_s"] * 100)


def test_parity_says_how_many_ticks_were_identical(run, monkeypatch):
    monkeypatch.setattr("tools.cli.hil.missing_tools", lambda: ["arm-none-eabi-gcc"])
    status, out, err = run("parity", *SHORT, "--json")
    report = json.loads(out)
    assert "without boards: arm-none-eabi-gcc not found: apt-get install" in err
    assert status == 0 and report["same"] and report["difference"] is None
    assert [each["sensors"] for each in report["comparisons"]] == ["emulator", "host"]
    assert report["ticks"] == sum(each["ticks"] for each in report["comparisons"])
    ticks = report["comparisons"][0]["ticks"]
    assert f"{ticks}/{ticks} ticks identical" in run("parity", *SHORT, "--flight", "host")[1]


def test_a_difference_between_the_paths_is_named(run, monkeypatch):
    def compare_tampered(scenario, seed, **options):
        def flip(tick, run):
            if tick == 150:
                run.state.core.estimate.mass_kg = 1.0

        return compare(scenario, seed, tamper=flip, **options)

    monkeypatch.setattr("tools.cli.hil.compare", compare_tampered)
    status, out, _ = run("parity", *SHORT, "--flight", "host", "--json")
    difference = json.loads(out)["difference"]
    assert status == 1
    assert (difference["tick"], difference["region"]) == (150, "core")
    assert difference["field"] == "estimate.mass_kg"


def test_plot_draws_beside_the_log(run, tmp_path):
    path = tmp_path / "x.mcap"
    run("fly", "--log", path)
    status, out, _ = run("plot", path)
    assert status == 0 and out.strip() == str(tmp_path / "x.png")
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")
