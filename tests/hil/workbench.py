"""The shell's C code on this machine, with sanitisers, as processes to talk to."""

import functools
import struct
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hil.boards.build import FIRMWARE, WARNINGS, write_headers
from hil.boards.toolchain import HOST_COMPILER

SHELL = Path(__file__).with_name("shell")
CODE = "-std=gnu11 -O1 -g -fno-math-errno -ffp-contract=off".split()
SANITISERS = "-fsanitize=address,undefined -fno-sanitize-recover=all".split()
COMPILE_LIMIT_S = 120.0


@functools.cache
def build_folder() -> Path:
    """A folder for what is compiled here; it goes with the process."""
    holder = tempfile.TemporaryDirectory()
    build_folder.holder = holder  # type: ignore[attr-defined]
    return Path(holder.name)


def compile_c(name: str, payload: str, sources: list[Path], *objects: Path) -> Path:
    """Compile C sources and link them; returns the program."""
    folder = build_folder() / f"{name}-{payload}"
    folder.mkdir(exist_ok=True)
    write_headers(payload, folder)
    command: list[Any] = [
        HOST_COMPILER,
        *CODE,
        *SANITISERS,
        *WARNINGS,
        f"-I{folder}",
        f"-I{FIRMWARE}",
    ]
    command += [*sources, *objects, "-lm", "-o", folder / name]
    done = subprocess.run(command, timeout=COMPILE_LIMIT_S, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder / name


class Workbench:
    """Single functions of the shell, called in a process of their own."""

    def __init__(self) -> None:
        sources = [FIRMWARE / f"{name}.c" for name in ("frame", "double", "kept")]
        program = compile_c("bench", "flight", [SHELL / "bench.c", *sources])
        self._process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def close(self) -> None:
        """End it; it must not have complained."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        assert self._process.wait(10) == 0
        self._process.stdout.close()

    def encode(self, first_word: int, sequence: int, record: bytes) -> bytes:
        """The frame of a record."""
        self._send(b"e", struct.pack("<HHH", len(record), first_word, sequence) + record)
        (length,) = self._receive("<H")
        return self._read(length)

    def expect(self, first_word: int, size: int) -> None:
        """Receive this message from now on."""
        self._send(b"k", struct.pack("<HH", first_word, size))

    def forget(self) -> None:
        """Begin with an empty receiver."""
        self._send(b"z", b"")

    def decode(self, data: bytes) -> tuple[list[tuple[int, bytes]], tuple[int, ...]]:
        """Packets in a piece of the stream, and the counters so far."""
        self._send(b"d", struct.pack("<H", len(data)) + data)
        (count,) = self._receive("<H")
        packets = []
        for _ in range(count):
            first_word, size = self._receive("<HH")
            packets.append((first_word, self._read(size)))
        return packets, self._receive("<5I")

    def crc(self, data: bytes) -> int:
        """CRC-32 of some bytes."""
        self._send(b"c", struct.pack("<H", len(data)) + data)
        return int(self._receive("<I")[0])

    def hash(self, data: bytes) -> int:
        """Hash of some 64-bit words."""
        self._send(b"h", struct.pack("<H", len(data)) + data)
        return int(self._receive("<Q")[0])

    def add(self, a: float, b: float) -> float:
        """The shell's sum."""
        self._send(b"+", struct.pack("<dd", a, b))
        return float(self._receive("<d")[0])

    def subtract(self, a: float, b: float) -> float:
        """The shell's difference."""
        self._send(b"-", struct.pack("<dd", a, b))
        return float(self._receive("<d")[0])

    def divide(self, a: float, b: float) -> float:
        """The shell's quotient."""
        self._send(b"/", struct.pack("<dd", a, b))
        return float(self._receive("<d")[0])

    def root(self, x: float) -> float:
        """The shell's square root."""
        self._send(b"r", struct.pack("<d", x))
        return float(self._receive("<d")[0])

    def _send(self, letter: bytes, data: bytes) -> None:
        assert self._process.stdin
        self._process.stdin.write(letter + data)
        self._process.stdin.flush()

    def _receive(self, form: str) -> tuple[Any, ...]:
        return struct.unpack(form, self._read(struct.calcsize(form)))

    def _read(self, length: int) -> bytes:
        assert self._process.stdout
        data = self._process.stdout.read(length)
        assert len(data) == length, "the shell's code has ended with an error"
        return data
