"""Debian's cross compiler and emulator: found, installed where that is allowed, or named.

`python -m hil.boards.toolchain` sees to all that boards and their tests need.
"""

import os
import shutil
import subprocess
import sys

from hil.platform.errors import BenchError

COMPILER = "arm-none-eabi-gcc"
EMULATOR = "qemu-system-arm"
CHECKER, HOST_COMPILER = "cppcheck", "gcc"  # for tests only
PACKAGES = {
    COMPILER: "gcc-arm-none-eabi",
    EMULATOR: "qemu-system-arm",
    CHECKER: "cppcheck",
    HOST_COMPILER: "gcc libc6-dev",
}
SOURCES = "on other systems: QEMU (qemu.org), Arm GNU Toolchain (developer.arm.com)"
INSTALL_LIMIT_S = 600.0
PROBE_LIMIT_S = 10.0


class ToolsMissing(BenchError):
    """A program that boards need is not there, and may not be installed."""


def missing_tools(tools: tuple[str, ...] = (COMPILER, EMULATOR)) -> list[str]:
    """Those of the programs that are not on the path."""
    return [tool for tool in tools if shutil.which(tool) is None]


def need_tools(*tools: str) -> None:
    """Make sure that the programs are there. Raises ToolsMissing, which names what to install."""
    install(missing_tools(tools))
    missing = missing_tools(tools)
    if missing:
        raise ToolsMissing(why_missing(missing))


def why_missing(missing: list[str]) -> str:
    """One line that names what is missing, and the command that installs it."""
    packages = " ".join(PACKAGES[tool] for tool in missing)
    names = " and ".join(missing)
    debian = f"apt-get install --no-install-recommends {packages}"
    return f"{names} not found: {debian}; {SOURCES}"


def install(missing: list[str]) -> None:
    """Install the packages where this user may; in silence, whatever comes of it."""
    become = _privilege()
    if not missing or become is None or shutil.which("apt-get") is None:
        return
    packages = [name for tool in missing for name in PACKAGES[tool].split()]
    options = ["-y", "-qq", "--no-install-recommends"]
    for command in (["update", "-qq"], ["install", *options, *packages]):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        _run([*become, "apt-get", *command], INSTALL_LIMIT_S, environment)


def _privilege() -> list[str] | None:
    """What to put before a command to run it as root; None where that is not allowed."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and _run(["sudo", "-n", "true"], PROBE_LIMIT_S):
        return ["sudo", "-n"]
    return None


def _run(command: list[str], limit_s: float, env: dict[str, str] | None = None) -> bool:
    try:
        done = subprocess.run(
            command, env=env, timeout=limit_s, stdin=subprocess.DEVNULL, capture_output=True
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def main() -> None:
    """Install what is missing; leave with status 2 where that cannot be."""
    try:
        need_tools(*PACKAGES)
    except ToolsMissing as error:
        print(error, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
