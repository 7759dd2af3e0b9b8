"""`leadline search`: what it finds can be flown again; a bad request is one line."""

import importlib.util
import json
import os
import signal
import sys
import threading

import pytest

from tools.cli.main import main
from tools.cli.search import seconds
from tools.output.searching import chosen_kinds

QUICK = ("--jobs", "1", "--faults", "delayed")


@pytest.fixture
def run(capsys):
    """Run the command line: (status, standard output, standard error)."""

    def call(*arguments):
        with pytest.raises(SystemExit) as left:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return left.value.code, out, err

    return call


def test_what_is_found_is_handed_over_as_a_file_that_crashes_again(run, tmp_path):
    flags = ("--params", "as-flown", "--budget", "60s", "--out", tmp_path, "--json")
    status, out, err = run("search", *QUICK, *flags)
    figures = json.loads(out)
    failure = figures["failure"]
    assert status == 1 and figures["found"] and figures["worst"]["margin"] < 0.0
    assert [fault["kind"] for fault in failure["faults"]] == ["delayed"]
    assert failure["sentence"] in err and f"leadline hil {failure['file']}" in err
    status, out, _ = run("fly", failure["file"], "--json")
    assert status == 1 and json.loads(out)["verdict"] == failure["verdict"]
    saved = f"faults.0.delay_s={failure['weaker']['delay_s']}"
    assert run("fly", failure["file"], "--set", saved)[0] == 0


def test_two_processes_find_it_too(run, tmp_path):
    flags = ("--params", "as-flown", "--budget", "60s", "--out", tmp_path, "--jobs", "2")
    assert run("search", "--faults", "delayed,stale", *flags)[0] == 1
    assert len(list(tmp_path.glob("*.toml"))) == 1


def test_nothing_found_within_the_budget_is_zero_and_keeps_to_it(run, tmp_path):
    flags = ("--budget", "2s", "--out", tmp_path, "--json")
    status, out, err = run("search", *QUICK, *flags)
    figures = json.loads(out)
    assert status == 0 and not figures["found"] and figures["failure"] is None
    assert "nothing found" in err and list(tmp_path.iterdir()) == []
    assert figures["runs"] > 0 and figures["worst"]["requirement"]


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_an_interrupted_search_ends_its_rounds_and_leaves_with_130(run, tmp_path, jobs):
    threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT)).start()
    flags = ("--budget", "5m", "--out", tmp_path, "--jobs", jobs)
    status, out, err = run("search", "--faults", "delayed", *flags, "--json")
    assert (status, out) == (130, "") and "interrupted" in err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--budget", "soon"), "--budget: expected a time such as 60s"),
        (("--budget", "0s"), "--budget: expected a time such as 60s"),
        (("--faults", "delayd"), "did you mean 'delayed'"),
        (("--faults", "wire_flip"), "needs a wire"),
        (("--faults", "off:legs"), "affects range or imu or contact or propulsion, not 'legs'"),
        (("--faults", "engine_out:imu"), "affects no sensor, not 'imu'"),
        (("--scenario", "nominl"), "did you mean 'nominal'"),
        (("--scenario", "resilience-m2", "--params", "as-flown"), "nothing added"),
        (("--seed", "-1"), "expected an integer from 0"),
        (("--jobs", "-1"), "expected a number not below 0"),
    ],
)
def test_a_bad_request_is_one_line_and_two(run, tmp_path, arguments, complaint):
    out_at = ("--out", tmp_path)
    status, out, err = run("search", *arguments, *out_at)
    assert (status, out) == (2, "") and complaint in err
    assert len(err.strip().splitlines()) == 1


def test_a_folder_that_cannot_be_is_refused_before_the_search(run, tmp_path):
    (tmp_path / "file").write_text("")
    status, _, err = run("search", "--out", tmp_path / "file" / "folder")
    assert status == 2 and "--out" in err


def test_without_hypothesis_it_says_what_to_install(run, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "hypothesis" else found(name)
    )
    status, _, err = run("search")
    assert status == 2 and "pip install 'leadline[search]'" in err


def test_no_other_command_needs_hypothesis(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    grounded = ("vehicle.propulsion_ready=0", "expect.verdict=not_begun")
    assert run("fly", *(part for key in grounded for part in ("--set", key)))[0] == 0


@pytest.mark.parametrize(
    ("text", "expected"), [("90", 90.0), ("60s", 60.0), ("10m", 600.0), ("1.5h", 5400.0)]
)
def test_a_budget_is_given_in_seconds_minutes_or_hours(text, expected):
    assert seconds(text) == expected


def test_kinds_are_named_alone_with_their_sensor_or_by_group():
    assert chosen_kinds("delayed, off,off:imu") == ("delayed", "off:range", "off:imu")
    assert "restart" in chosen_kinds("computer") and len(chosen_kinds("all")) > 40
    assert chosen_kinds("pause,pause") == ("pause",)
    assert chosen_kinds(None) is None
