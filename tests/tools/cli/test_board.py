"""`leadline board`: what it prints, what it runs, and what it refuses."""

import json
from pathlib import Path

import pytest

from hil.boards.build import Image
from tools.cli.board import FLASH_TOOLS
from tools.cli.main import main


@pytest.fixture
def board(monkeypatch, capsys):
    """Run `leadline board`, with images at hand and the given tools on the path."""

    def image(payload):
        return Image(payload, Path(f"{payload}.elf"), Path(f"{payload}.bin"), 1000, 2000)

    def run(*arguments, tools=()):
        monkeypatch.setattr("hil.boards.build.build", image)
        monkeypatch.setattr("shutil.which", lambda tool: tool if tool in tools else None)
        with pytest.raises(SystemExit) as left:
            main(["board", *arguments])
        return left.value.code, capsys.readouterr()

    return run


@pytest.mark.parametrize(
    ("tool", "command"),
    [
        ("st-flash", "st-flash --reset write flight.bin 0x08000000"),
        ("dfu-util", "dfu-util -d 0483:df11 -a 0 -s 0x08000000:leave -D flight.bin"),
        (
            "openocd",
            "openocd -f interface/stlink.cfg -f target/stm32f4x.cfg -c"
            " 'program flight.elf verify reset exit'",
        ),
    ],
)
def test_an_image_is_flashed_with_the_tool_that_is_there(board, tool, command):
    code, seen = board("flash", "flight", "--dry-run", tools=[tool])
    assert (code, seen.out) == (0, command + "\n")


def test_a_tool_that_is_asked_for_is_preferred_to_the_others(board):
    _, seen = board("flash", "flight", "--dry-run", "--with", "dfu-util", tools=FLASH_TOOLS)
    assert seen.out.startswith("dfu-util ")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["flash", "flight"], "openocd or st-flash or dfu-util not found: apt-get install"),
        (["flash", "flight", "--with", "st-flash"], "st-flash not found: apt-get install"),
        (["flash", "flight", "--with", "hammer"], "--with hammer: expected one of openocd"),
        (["flash", "moon"], "payload moon: expected one of flight, sensors"),
        (["run", "moon"], "payload moon: expected one of flight, sensors"),
        (["build", "moon"], "payload moon: expected one of flight, sensors"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(board, arguments, complaint, monkeypatch):
    monkeypatch.setattr("hil.boards.toolchain.install", lambda missing: None)
    code, seen = board(*arguments)
    assert code == 2 and seen.err.count("\n") == 1 and complaint in seen.err


def test_info_prints_sizes_schema_instructions_and_wiring(board):
    code, seen = board("info")
    assert code == 0
    for text in ("netduinoplus2", "1000 of 524288 B of flash", "typical tick", "NUCLEO-F446RE"):
        assert text in seen.out
    code, seen = board("info", "--json")
    figures = json.loads(seen.out)
    assert figures["images"]["flight"] == {"flash_bytes": 1000, "ram_bytes": 2000}
    assert figures["instructions"]["budget"] == 840_000
