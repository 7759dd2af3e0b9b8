"""An emulated board: QEMU with an image, its serial line, and the interventions of its monitor.

QEMU's netduinoplus2 is an STM32F405. Its USART holds one byte and asks QEMU's main loop for each
that follows; behind QEMU's multiplexer 32 bytes wait, and the next is there as soon as one has been
read, which makes a tick twice as fast. The multiplexer's escape is set to 256, which no byte is.
All of it runs on one processor: two that hand bytes to and fro are slower. The line is a pair of
pipes, of which ours never blocks. The emulator dies with the process that started it, whatever ends
that one, and is killed where it does not answer.
"""

import contextlib
import ctypes
import errno
import json
import os
import signal
import socket
import struct
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from hil.boards.build import Image, symbols
from hil.boards.qemu_io import MONITOR_LIMIT_S, Debugger, EmulatorGone, PipePort, widen
from hil.boards.toolchain import EMULATOR, need_tools
from hil.platform.ports import CHUNK_BYTES

MACHINE = "netduinoplus2"

QUIT_LIMIT_S = 2.0

PR_SET_PDEATHSIG = 1


class QemuBoard:
    """One emulated board, from entering the context to leaving it.

    Start it from the main thread: Linux ties its death to that of the thread that started it.
    """

    def __init__(
        self,
        image: Image,
        *,
        counted: bool = False,
        cpu: int | None = None,
        complaints: Path | None = None,
    ) -> None:
        """`counted` makes its clock count instructions, one to the nanosecond, at half the speed.

        `cpu` is the processor it runs on; the last one that this process may use, when left out.
        `complaints` is a file for QEMU's messages about registers that it does not model.
        """
        self.image = image
        self.paused = False
        self._counted = counted
        self._complaints = complaints
        self._cpu = max(os.sched_getaffinity(0)) if cpu is None else cpu
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Start it. Raises ToolsMissing, or EmulatorGone when it does not come up."""
        need_tools(EMULATOR)
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it, by force where it does not go by itself."""
        self._stack.close()

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def port(self) -> PipePort:
        """Plug into its serial line. Raises OSError when it has ended."""
        if not self.is_alive():
            raise OSError(errno.ENODEV, "the emulated board has ended")
        assert self._process.stdin and self._process.stdout
        return PipePort(self._process.stdout.fileno(), self._process.stdin.fileno())

    def is_alive(self) -> bool:
        """False once the process has ended."""
        return self._process.poll() is None

    # --- interventions --------------------------------------------------------------------

    def freeze(self) -> None:
        """Stop it, its clock included."""
        self.command("stop")
        self.paused = True

    def thaw(self) -> None:
        """Let it go on where it stopped."""
        self.command("cont")
        self.paused = False

    def hang(self) -> None:
        """Stop its processor while its clock goes on."""
        os.kill(self.pid, signal.SIGSTOP)

    def unhang(self) -> None:
        """Let its processor go on."""
        os.kill(self.pid, signal.SIGCONT)

    def reset(self) -> None:
        """Press its reset button; memory that start-up does not clear stays as it is."""
        self.command("system_reset")

    def upset(self, address: int, bit: int) -> None:
        """Flip one bit of its memory."""
        byte = self.read_memory(address, 1)[0]
        self.write_memory(address, bytes([byte ^ (1 << bit)]))

    def address_of(self, symbol: str) -> int:
        """Where a symbol of the image lies. Raises KeyError for one that there is not."""
        return symbols(self.image.elf)[symbol]

    def read_memory(self, address: int, length: int) -> bytes:
        """Bytes of its memory; it is not halted for that."""
        order = f"xp /{length}xb {address:#x}"
        text = self.command("human-monitor-command", **{"command-line": order})
        found = bytes(
            int(byte, 16) for line in text.splitlines() for byte in line.partition(":")[2].split()
        )
        if len(found) != length:
            raise EmulatorGone(f"the emulated board has no memory at {address:#x}")
        return found

    def write_memory(self, address: int, data: bytes) -> None:
        """Overwrite bytes of its memory, as a debugger does: it is halted for that moment."""
        with Debugger(self._debug_path) as debugger:
            if debugger.ask(f"M{address:x},{len(data):x}:{data.hex()}") != "OK":
                raise EmulatorGone(f"the emulated board has no memory at {address:#x}")

    def meter(self) -> tuple[int, int, int]:
        """Ticks since Begin, cost of the last one, and of the worst: instructions if `counted`."""
        ticks, last, worst = struct.unpack("<III", self.read_memory(self.address_of("meter"), 12))
        return ticks, last, worst

    def stack_used(self) -> int:
        """Bytes of stack that were ever in use since the last reset."""
        begin, end = self.address_of("stack_begin"), self.address_of("stack_end")
        memory = self.read_memory(begin, end - begin)
        return len(memory.lstrip(b"\xa5"))

    def command(self, name: str, **arguments: Any) -> Any:
        """Give one order to its monitor (QMP) and return the answer. Raises EmulatorGone."""
        order = {"execute": name, "arguments": arguments}
        try:
            self._monitor.sendall(json.dumps(order).encode() + b"\n")
            while True:
                answer = self._monitor_line()
                if "return" in answer:
                    return answer["return"]
                if "error" in answer:
                    raise EmulatorGone(f"the emulator refuses {name}: {answer['error']['desc']}")
        except OSError as error:
            raise EmulatorGone(f"the emulator does not answer {name}") from error

    # --- start and end --------------------------------------------------------------------

    def _start(self) -> None:
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        self._debug_path = str(folder / "debugger")
        ours, theirs = socket.socketpair()
        self._stack.callback(ours.close)
        with theirs:
            self._process = subprocess.Popen(
                self._arguments(theirs.fileno()),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                preexec_fn=self._prepare_child(),
            )
        self._stack.callback(self._end)
        widen(self._process)
        ours.settimeout(MONITOR_LIMIT_S)
        self._monitor, self._monitor_rest = ours, b""
        try:
            self._monitor_line()  # its greeting
        except OSError as error:
            raise EmulatorGone(f"{EMULATOR} does not come up") from error
        self.command("qmp_capabilities")

    def _arguments(self, monitor_fd: int) -> list[str]:
        line = "-chardev stdio,id=line,signal=off,mux=on -echr 256"
        serial = "-serial null -serial chardev:line"
        monitor = f"-chardev socket,id=monitor,fd={monitor_fd} -mon chardev=monitor,mode=control"
        debugger = f"socket,id=debugger,path={self._debug_path},server=on,wait=off"
        counted = ["-icount", "shift=0"] if self._counted else []
        log = ["-d", "unimp,guest_errors", "-D", str(self._complaints)] if self._complaints else []
        return [
            *[EMULATOR, "-M", MACHINE, "-kernel", str(self.image.elf)],
            *"-display none -monitor none -nodefaults".split(),
            *[*line.split(), *serial.split(), *monitor.split()],
            *["-chardev", debugger, "-gdb", "chardev:debugger", *counted, *log],
        ]

    def _prepare_child(self) -> Any:
        """What the child does first: die with this process, and keep to one processor."""
        libc, parent, cpu = ctypes.CDLL(None), os.getpid(), self._cpu

        def prepare() -> None:
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:  # it was too late to ask for that
                os._exit(1)
            os.sched_setaffinity(0, {cpu})
            os.setpgid(0, 0)  # an interrupt at the keyboard is for us to handle

        return prepare

    def _monitor_line(self) -> dict[str, Any]:
        """The next message of the monitor; OSError when none comes within its time."""
        while b"\n" not in self._monitor_rest:
            data = self._monitor.recv(CHUNK_BYTES)
            if not data:
                raise OSError(errno.EPIPE, "closed")
            self._monitor_rest += data
        line, self._monitor_rest = self._monitor_rest.split(b"\n", 1)
        found: dict[str, Any] = json.loads(line)
        return found

    def _end(self) -> None:
        """Kill it: an emulator that waits for its line to drain ends in no other way."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()
        self._process.wait(QUIT_LIMIT_S)
