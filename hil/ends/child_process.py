"""Ends of a session as processes of their own: how one starts them, and how they live and die.

A child has its own process group, since its parent passes an interrupt from
the terminal on; it ends when its parent does, however that ended, and is never left behind.
"""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from hil.platform.clock import NS_PER_S
from hil.platform.errors import BenchError, PeerSilent
from hil.platform.ports import BAUD
from hil.platform.process import own_cpu, own_path
from hil.platform.scheduling import die_with_parent
from hil.protocol.interventions import FREEZE_NS, Injector
from hil.protocol.peer import Peer
from hil.wire.session_messages import EndReason
from sim.common.errors import InputError

GOODBYE_LIMIT_S = 10.0

# either end may have to compile its kernels first, and this machine may be busy
START_LIMIT_NS = 600 * NS_PER_S
WAIT_S = 60.0


class Child:
    """A process that this one has started and ends."""

    def __init__(self, process: subprocess.Popen[bytes], name: str) -> None:
        self._process = process
        self._name = name

    def check(self) -> None:
        """Raise BenchError when it has ended by itself."""
        if self._process.poll() is not None:
            assert self._process.stderr is not None
            lines = self._process.stderr.read().decode("utf-8", "replace").strip().splitlines()
            reason = lines[-1] if lines else f"status {self._process.returncode}"
            raise BenchError(f"the {self._name} ended by itself: {reason}")

    def injectors(self) -> dict[str, Injector]:
        """Interventions that a process can take."""
        if not hasattr(signal, "SIGSTOP"):
            return {}
        return {
            "freeze": Injector(
                lambda: self._signal(signal.SIGSTOP),
                "the process stops",
                lambda: self._signal(signal.SIGCONT),
                FREEZE_NS,
                "the process goes on",
            )
        }

    def finish(self) -> None:
        """Let it close what it has open, and kill it at the limit."""
        self._signal(signal.SIGCONT)
        try:
            self._process.wait(GOODBYE_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        finally:
            if self._process.stderr:
                self._process.stderr.close()

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)


@contextlib.contextmanager
def child_process(
    module: str, name: str, arguments: Sequence[str], pace: str, *, stdin: bytes = b""
) -> Iterator[Child]:
    """Run one of our modules with `arguments`; `stdin` goes to its standard input."""
    command = [sys.executable, "-P", "-m", module, *arguments]
    command += ["--parent", str(os.getpid()), "--wait", str(START_LIMIT_NS // NS_PER_S)]
    cpu = own_cpu(first=False) if pace == "realtime" else None
    if cpu is not None:
        command += ["--cpu", str(cpu)]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": own_path()},
        process_group=0,
    )
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(stdin)
        process.stdin.close()
    child = Child(process, name)
    try:
        yield child
    finally:
        child.finish()


# --- the child's side -----------------------------------------------------------------------


def child_parser(prog: str, description: str | None) -> argparse.ArgumentParser:
    """The options that every child has."""
    parser = argparse.ArgumentParser(prog=prog, description=description)
    parser.add_argument("--port", required=True)
    parser.add_argument("--baud", type=int, default=BAUD)
    parser.add_argument("--cpu", type=int)
    parser.add_argument("--wait", type=float, default=WAIT_S)
    parser.add_argument("--parent", type=int, help="process without which this one shall end")
    return parser


@contextlib.contextmanager
def announce_end(peer: Peer) -> Iterator[None]:
    """Send End with the reason when this end stops before the bench does."""
    try:
        yield
    except KeyboardInterrupt:
        peer.send("End", reason=EndReason.INTERRUPTED)
        raise
    except PeerSilent:
        peer.send("End", reason=EndReason.SILENT)
        raise


def live(parent: int | None, run: Callable[[], Any]) -> int:
    """Run a child's work; its status. Errors are one line on standard error."""
    signal.signal(signal.SIGTERM, _interrupt)
    if parent and die_with_parent(signal.SIGTERM) and os.getppid() != parent:
        return 1  # it died before we could ask
    try:
        run()
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt
