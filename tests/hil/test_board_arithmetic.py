"""Board: all that kernels do with doubles is rounded as here, and not only where they flew."""

import subprocess

from hil.boards.build import CODE, FIRMWARE, TARGET, WARNINGS
from hil.boards.qemu import MACHINE
from hil.boards.toolchain import COMPILER, EMULATOR, HOST_COMPILER
from tests.hil.need_board import need_board
from tests.hil.workbench import SHELL

pytestmark = need_board(COMPILER, EMULATOR, HOST_COMPILER)

SOURCES = [str(SHELL / "arithmetic.c"), str(FIRMWARE / "double.c")]
OPERATIONS = "add subtract multiply divide root to_float from_int from_unsigned to_int less".split()
# flash and RAM of the chip; nothing is copied or cleared at the start, QEMU's memory is zeros
PLACES = (
    "-Wl,--entry=begin -Wl,--section-start=.vectors=0x08000000 -Ttext=0x08000100 -Tdata=0x20000000"
)
LIMIT_S = 300.0


def hashes(command):
    """What a program prints; semihosting puts that on standard error."""
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    done = subprocess.run(command, timeout=LIMIT_S, **output)
    assert done.returncode == 0, done.stdout
    return dict(zip(OPERATIONS, done.stdout.split(), strict=True))


def on_this_machine(folder):
    program = str(folder / "host")
    options = ["-std=gnu11", "-O2", "-ffp-contract=off", "-fno-math-errno", *WARNINGS]
    subprocess.run([HOST_COMPILER, *options, *SOURCES, "-lm", "-o", program], check=True)
    return hashes([program])


def on_a_board(folder):
    program = str(folder / "board")
    options = [
        *TARGET,
        *CODE,
        *WARNINGS,
        "-nostdlib",
        *PLACES.split(),
        "-Wl,--no-warn-rwx-segments",
    ]
    subprocess.run([COMPILER, *options, *SOURCES, "-lgcc", "-o", program], check=True)
    machine = ["-M", MACHINE, "-nographic", "-semihosting", "-kernel", program]
    return hashes([EMULATOR, *machine])


def test_a_board_computes_with_doubles_as_this_machine_does(tmp_path):
    assert on_a_board(tmp_path) == on_this_machine(tmp_path)
