"""`leadline board build | info | run | flash`: images for a microcontroller, emulated or real."""

import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from tools.output.console import console, emit

PAYLOADS = ("flight", "sensors")
OUT = Path("build/boards")
FLASH_AT = "0x08000000"
RELAY_S = 0.001

FLASH_TOOLS = {
    "openocd": "-f interface/stlink.cfg -f target/stm32f4x.cfg -c",
    "st-flash": "--reset write",
    "dfu-util": f"-d 0483:df11 -a 0 -s {FLASH_AT}:leave -D",
}

PayloadArgument = Annotated[
    str, typer.Argument(metavar="flight|sensors", help="Which payload the image carries.")
]

app = typer.Typer(help="Boards: build an image, look at it, run it emulated, flash it.")


@dataclass(frozen=True)
class Wiring:
    """A board that the image runs on, and how it is connected."""

    board: str
    processor: str
    line: str
    flashing: str


BOARDS = (
    Wiring("NUCLEO-F446RE", "STM32F446", "its USB cable: ST-LINK is the serial port", "openocd"),
    Wiring("STM32F407G-DISC1", "STM32F407", "PA2 sends, PA3 receives: 3.3 V adapter", "openocd"),
    Wiring("Olimex STM32-H405", "STM32F405", "PA2 sends, PA3 receives: 3.3 V adapter", "dfu-util"),
    Wiring("STM32F405RGT6 core board", "STM32F405", "PA2, PA3: 3.3 V adapter", "dfu-util"),
    Wiring("netduinoplus2 of QEMU", "STM32F405", "--sensors qemu, --flight qemu", ""),
)


@app.command()
def build(
    payload: Annotated[str, typer.Argument(metavar="flight|sensors|all")] = "all",
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the images are put.")] = OUT,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> int:
    """Compile kernels and shell; install compiler and emulator where that is permitted."""
    from hil.boards.build import build as build_image
    from hil.boards.toolchain import install, missing_tools, why_missing

    names = PAYLOADS if payload == "all" else (_checked(payload),)
    report, figures = console(as_json), {}
    install(missing_tools())
    if missing_tools():
        report.print(Text(why_missing(missing_tools())))
    for name in names:
        report.print(
            Text(f"building {name}: the first time takes minutes, its kernels are compiled")
        )
        image = build_image(name)
        out.mkdir(parents=True, exist_ok=True)
        copies = [shutil.copy(path, out / path.name) for path in (image.elf, image.binary)]
        report.print(
            Text(f"{copies[1]}: {image.flash_bytes} B of flash, {image.ram_bytes} B of RAM")
        )
        figures[name] = {"elf": str(copies[0]), "bin": str(copies[1]), **_sizes(image)}
    if as_json:
        emit({"images": figures})
    return 0


@app.command()
def info(as_json: Annotated[bool, typer.Option("--json")] = False) -> int:
    """Size of the images, instructions of a tick, and wiring of the boards."""
    from hil.bench.instruction_budget import BUDGET, baseline
    from hil.boards.build import FLASH_BYTES, RAM_BYTES
    from hil.boards.build import build as build_image
    from hil.boards.qemu import MACHINE
    from hil.wire.wire_schema import wire_schema_hash

    images = {name: build_image(name) for name in PAYLOADS}
    if as_json:
        sizes = {name: _sizes(image) for name, image in images.items()}
        figures = {"machine": MACHINE, "schema": f"{wire_schema_hash():016x}", "images": sizes}
        emit({**figures, "instructions": {**baseline(), "budget": BUDGET}})
        return 0
    report = console(as_json)
    report.print(Text(f"machine       QEMU {MACHINE}; STM32F405, F407, F446 at 168 MHz"))
    report.print(Text(f"schema        {wire_schema_hash():016x}"))
    for name, image in images.items():
        flash = f"{image.flash_bytes} of {FLASH_BYTES} B of flash"
        report.print(Text(f"{name:<14}{flash}, {image.ram_bytes} of {RAM_BYTES} B of RAM"))
    for name, count in baseline().items():
        report.print(Text(f"{name.replace('_', ' '):<30}{count:>10,}"))
    report.print(Text(f"{'budget, instructions':<30}{BUDGET:>10,}"))
    report.print(_wiring())
    return 0


@app.command()
def run(payload: PayloadArgument = "flight") -> int:
    """Run an emulated board on a pseudo-terminal until interrupted."""
    from hil.boards.build import build as build_image
    from hil.boards.qemu import QemuBoard
    from hil.platform.ports import open_pty

    image = build_image(_checked(payload))
    with QemuBoard(image) as board:
        ours, path = open_pty()
        print(path, flush=True)
        line = board.port()
        while board.is_alive():
            ours.write(line.read(RELAY_S))
            line.write(ours.read(0.0))
    return 1


@app.command()
def flash(
    payload: PayloadArgument,
    tool: Annotated[
        str, typer.Option("--with", metavar="TOOL", help="openocd, st-flash or dfu-util.")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print the command.")] = False,
) -> int:
    """Write an image to a real board."""
    from hil.boards.build import build as build_image

    _checked(payload)
    command = _flash_command(_flash_tool(tool, dry_run), payload, build_image)
    print(shlex.join(command), flush=True)
    return 0 if dry_run else min(subprocess.run(command).returncode, 1)


def _flash_tool(wanted: str, dry_run: bool) -> str:
    from hil.platform.errors import BenchError

    if wanted and wanted not in FLASH_TOOLS:
        raise BenchError(f"--with {wanted}: expected one of {', '.join(FLASH_TOOLS)}")
    found = [tool for tool in FLASH_TOOLS if wanted in ("", tool) and shutil.which(tool)]
    if found:
        return found[0]
    if dry_run:
        return wanted or "openocd"
    names = wanted or " or ".join(FLASH_TOOLS)
    raise BenchError(f"{names} not found: apt-get install openocd, stlink-tools or dfu-util")


def _flash_command(tool: str, payload: str, build_image: Any) -> list[str]:
    image = build_image(payload)
    command = [tool, *FLASH_TOOLS[tool].split()]
    if tool == "openocd":
        return [*command, f"program {image.elf} verify reset exit"]
    return [*command, str(image.binary), *([FLASH_AT] if tool == "st-flash" else [])]


def _checked(payload: str) -> str:
    from hil.platform.errors import BenchError

    if payload not in PAYLOADS:
        raise BenchError(f"payload {payload}: expected one of {', '.join(PAYLOADS)}")
    return payload


def _sizes(image: Any) -> dict[str, int]:
    return {"flash_bytes": image.flash_bytes, "ram_bytes": image.ram_bytes}


def _wiring() -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("board", "processor", "line", "flash with"):
        table.add_column(heading, overflow="fold")
    for board in BOARDS:
        table.add_row(board.board, board.processor, board.line, board.flashing)
    return table
