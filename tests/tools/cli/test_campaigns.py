"""`leadline campaign`, `margin` and `plot DIR`: what they print, keep, draw and refuse."""

import json
from pathlib import Path

import pytest

from sim.campaign.store import read_campaign
from sim.scenario.load import HOME
from tools.cli.main import main

SPEC = str(HOME / "campaigns" / "faults.toml")
FEW = (SPEC, "-n", "6", "--seed", "11", "--jobs", "1")


@pytest.fixture
def run(capsys):
    """Run the command line: (status, standard output, standard error)."""

    def call(*arguments):
        with pytest.raises(SystemExit) as left:
            main([str(argument) for argument in arguments])
        seen = capsys.readouterr()
        return left.value.code, seen.out, seen.err

    return call


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """The folder of a campaign that was flown to its end."""
    folder = tmp_path_factory.mktemp("campaign") / "results"
    with pytest.raises(SystemExit) as left:
        main(["campaign", *FEW, "--out", str(folder)])
    assert left.value.code == 0
    return folder


def test_campaign_prints_one_object_with_every_figure(run):
    status, out, err = run("campaign", *FEW, "--json")
    figures = json.loads(out)
    assert status == 0 and figures["n"] == 6
    assert sum(figures["verdicts"].values()) == 6
    block = {"survivable", "landed_of_survivable", "share_landed_of_survivable", "interval_95"}
    assert block <= set(figures)
    assert all(block <= set(inner) for inner in figures["blocks"].values())
    assert {"version", "campaign", "seed", "params", "wall_s", "failures"} <= set(figures)
    assert figures["survivable"] == figures["blocks"]["range"]["survivable"]
    assert "by block" in err


def test_campaign_keeps_rows_summary_coverage_and_failures(kept):
    manifest, rows = read_campaign(kept)
    assert manifest["seed"] == 11 and [row["index"] for row in rows] == list(range(6))
    summary = json.loads((kept / "summary.json").read_text())
    assert summary["n"] == 6
    assert json.loads((kept / "coverage.json").read_text())["unvisited"]
    lost = [row["index"] for row in rows if row["verdict"] != "landed"]
    assert [Path(path).stem for path in summary["failures"]] == [f"run-{i:06d}" for i in lost]
    assert all(Path(path).exists() for path in summary["failures"])


def test_a_complete_campaign_is_not_flown_again(run, kept, monkeypatch):
    monkeypatch.setattr("tools.cli.campaign.fly_row", None)
    status, out, _ = run("campaign", *FEW, "--out", kept, "--resume", "--json")
    assert status == 0 and json.loads(out)["n"] == 6


def test_ctrl_c_leaves_with_130_and_every_finished_row(run, tmp_path, monkeypatch, kept):
    from sim.campaign.runner import fly_row

    def interrupted(plan, index):
        if index == 4:
            raise KeyboardInterrupt
        return fly_row(plan, index)

    monkeypatch.setattr("tools.cli.campaign.fly_row", interrupted)
    folder = tmp_path / "results"
    status, _, err = run("campaign", *FEW, "--out", folder)
    assert status == 130 and "interrupted" in err
    assert [row["index"] for row in read_campaign(folder)[1]] == [0, 1, 2, 3]
    monkeypatch.undo()
    assert run("campaign", *FEW, "--out", folder, "--resume")[0] == 0
    assert (folder / "rows.parquet").read_bytes() == (kept / "rows.parquet").read_bytes()


def test_a_row_can_be_flown_alone(run, kept):
    status, out, _ = run("campaign", *FEW, "--row", "3", "--json")
    alone, row = json.loads(out), read_campaign(kept)[1][3]
    assert status == 0
    assert (alone["state_sha256"], alone["verdict"]) == (row["state_sha256"], row["verdict"])


def test_a_campaign_s_folder_is_drawn_the_same_every_time(run, kept, tmp_path):
    pytest.importorskip("matplotlib")
    first, second = tmp_path / "a.svg", tmp_path / "b.svg"
    assert run("plot", kept, "--out", first)[0] == 0
    run("plot", kept, "--out", second)
    assert first.read_bytes() == second.read_bytes()
    names = {
        row["kind"].replace("_", " ") for row in read_campaign(kept)[1] if "+" not in row["kind"]
    }
    text = first.read_text()
    assert names and all(name in text for name in names)


def test_margin_prints_one_object_with_every_margin(run, monkeypatch):
    def found(survey, index):
        probe = survey.probes[index]
        return {
            "index": index,
            "quantity": probe.quantity.name,
            "unit": probe.quantity.unit,
            "phase": probe.phase,
            "params": probe.params,
            "margin": None if index == 0 else 1.5,
            "beyond": index == 1,
        }

    monkeypatch.setattr("tools.cli.margin.measure", found)
    status, out, err = run("margin", "-n", "2", "--seed", "4", "--jobs", "1", "--json")
    margins = json.loads(out)
    assert status == 0 and margins["seeds"] == [4, 5]
    assert {m["params"] for m in margins["margins"]} == {"default", "as-flown"}
    assert len(margins["margins"]) == 26
    assert "nothing lands" in err and ">= 1.5 s" in err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("campaign", "none.toml"), "none.toml: no such file or directory"),
        (("campaign", SPEC, "-n", "0"), "-n: expected at least 1 run, not 0"),
        (("campaign", SPEC, "--seed", "-1"), "seed: expected an integer from 0"),
        (("campaign", SPEC, "--jobs", "-1"), "--jobs: expected a number not below 0, not -1"),
        (("campaign", SPEC, "--set", "start.x=1"), "--set: start.x: unknown key"),
        (("campaign", SPEC, "--params", "mine"), "--params: expected default, as-flown or a TOML"),
        (("campaign", SPEC, "--resume"), "--resume: needs --out"),
        (("campaign", SPEC, "-n", "5", "--row", "5"), "--row: expected a number from 0 to 4"),
        (("margin", "nomnal"), "unknown scenario 'nomnal'; did you mean 'nominal'?"),
        (("margin", "-n", "0"), "-n: expected at least 1 seed, not 0"),
        (("plot", "."), ".: not the folder of a campaign"),
    ],
)
def test_a_bad_request_is_one_line(run, arguments, complaint):
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert err.startswith(f"leadline: {complaint}") and err.count("\n") == 1


def test_a_campaign_is_not_written_over(run, kept):
    status, _, err = run("campaign", *FEW, "--out", kept)
    assert (
        status == 2 and err == f"leadline: --out {kept}: holds a campaign; --resume continues it\n"
    )
