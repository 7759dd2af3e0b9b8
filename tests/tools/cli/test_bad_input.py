"""Every kind of bad request ends in one line on standard error and exit status 2."""

import json
import subprocess
import sys

import pytest

from hil.log.recorder import Recorder
from hil.platform.ports import open_port, open_pty
from tools.cli.main import main

SCENARIO = 'name = "mine"\ndoc = "Mine."\n[vehicle]\nclass = "resilience_class"\n'


@pytest.fixture
def refused(capsys):
    """Run the command line; its one line on standard error, with status 2."""

    def run(*arguments):
        with pytest.raises(SystemExit) as left:
            main([str(argument) for argument in arguments])
        seen = capsys.readouterr()
        assert left.value.code == 2
        assert seen.out == ""
        assert seen.err.startswith("leadline: ") and seen.err.count("\n") == 1
        return seen.err.removeprefix("leadline: ").strip()

    return run


@pytest.fixture
def scenario(tmp_path):
    def write(text):
        path = tmp_path / "mine.toml"
        path.write_text(SCENARIO + text)
        return path

    return write


def test_an_unknown_scenario_is_answered_with_the_nearest(refused):
    assert refused("fly", "nomial") == "unknown scenario 'nomial'; did you mean 'nominal'?"


def test_an_unknown_key_is_answered_with_the_nearest(refused, scenario):
    path = scenario("[start]\npropelant_kg = 3\n")
    complaint = refused("fly", path)
    assert complaint == f"{path}: start.propelant_kg: unknown key; did you mean 'propellant_kg'?"


def test_a_wrong_type_is_named(refused, scenario):
    path = scenario('[start]\npropellant_kg = "full"\n')
    complaint = refused("fly", path)
    assert complaint == (
        f"{path}: start.propellant_kg: expected a number from 0 to 100000, not 'full'"
    )


def test_a_value_out_of_range_is_named(refused):
    complaint = refused("fly", "--set", "sensors.range.false_share=1.5")
    assert complaint == "--set: sensors.range.false_share: expected a number from 0 to 1, not 1.5"


def test_a_missing_unit_suffix_is_named(refused):
    complaint = refused("fly", "--set", "start.altitude=20000")
    assert complaint == "--set: start.altitude: missing unit suffix; expected 'altitude_m'"


def test_an_override_without_a_value_is_refused(refused):
    assert refused("fly", "--set", "start") == "--set: expected key=value, not 'start'"


def test_an_unreadable_file_is_named(refused, tmp_path):
    assert refused("fly", tmp_path / "no.toml").endswith("no.toml: no such file or directory")
    assert refused("fly", tmp_path / "").endswith("is a directory")


def test_an_unknown_preset_is_refused(refused):
    assert refused("fly", "--params", "defalt").startswith("--params: expected default, as-flown")


def test_a_bad_seed_is_refused(refused):
    assert refused("fly", "--seed", "-1").startswith("seed: expected an integer from 0 to")
    assert "--seed" in refused("fly", "--seed", "x")


def test_an_unknown_command_and_an_unknown_option_are_refused(refused):
    assert "fly" in refused("flyy")
    assert "--sed" in refused("fly", "--sed", "1")


def test_a_log_that_cannot_be_written_is_named(refused, tmp_path):
    complaint = refused("fly", "--log", tmp_path / "no" / "x.mcap", "--json")
    assert complaint.startswith(f"{tmp_path}/no/x.mcap: cannot be written")


def test_a_log_that_is_not_one_of_ours_is_refused(refused, tmp_path):
    path = tmp_path / "x.mcap"
    path.write_bytes(b"nothing of ours")
    assert refused("replay", path).startswith(f"{path}: not a log of ours")
    assert refused("replay", tmp_path / "none.mcap").startswith(f"{tmp_path}/none.mcap: ")


def test_a_log_of_another_version_is_refused(refused, tmp_path, monkeypatch):
    path = tmp_path / "x.mcap"
    monkeypatch.setattr("hil.log.recorder.LOG_VERSION", 999)
    Recorder(path, {}).close()
    monkeypatch.undo()
    assert "version 999" in refused("replay", path)


def test_a_refusal_is_one_line_in_a_process_of_its_own_too():
    done = subprocess.run(
        [sys.executable, "-m", "tools.cli.main", "fly", "nomial", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == "leadline: unknown scenario 'nomial'; did you mean 'nominal'?\n"


def test_json_errors_leave_standard_output_empty(refused):
    with pytest.raises(json.JSONDecodeError):
        json.loads(refused("scenarios", "--jason"))


def test_a_port_that_does_not_exist_is_named(refused):
    for arguments in (("hil", "--flight", "/dev/ttyNOPE"), ("flight", "--port", "/dev/ttyNOPE")):
        assert "port /dev/ttyNOPE: there is no such port" in refused(*arguments)


def test_a_busy_port_is_named(refused):
    far, path = open_pty()
    near = open_port(path)
    try:
        assert f"port {path}: busy" in refused("flight", "--port", path)
    finally:
        near.close()
        far.close()


def test_ends_with_other_records_are_refused_at_connect(refused, monkeypatch):
    monkeypatch.setattr("hil.protocol.peer.wire_schema_hash", lambda: 12345)
    assert "both must be built from the same records" in refused("hil")


@pytest.mark.parametrize("option", [("--sensors", "qemu2"), ("--pace", "walk")])
def test_an_unknown_end_or_pace_is_refused(refused, option):
    assert option[1] in refused("hil", *option)


def test_an_address_to_listen_at_is_checked(refused):
    assert "nowhere" in refused("emulator", "--listen", "nowhere")


def test_a_picture_of_another_kind_is_refused(refused, tmp_path):
    complaint = refused("plot", tmp_path / "x.mcap", "--out", tmp_path / "x.gif")
    assert complaint.endswith("expected a file name that ends in .png or .svg")
