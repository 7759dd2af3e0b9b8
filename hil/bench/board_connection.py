"""A line to an emulated board, with the injectors that such a board has."""

import contextlib
from collections.abc import Iterator

from hil.boards.build import build
from hil.boards.kernel_object import payload_named
from hil.boards.qemu import QemuBoard
from hil.boards.qemu_io import EmulatorGone
from hil.platform.clock import Clock
from hil.platform.link import Link
from hil.protocol.interventions import FREEZE_NS, WATCHDOG_NS, Injector
from hil.protocol.line import Line
from hil.protocol.remote_end import ANSWER_LIMIT_NS
from hil.wire.messages import REGIONS

# where an upset flips a bit in each payload's memory: region and field, a double
UPSET = {
    "flight": ("core", "navigation.grid.nominal.v_BM_I_mps"),
    "sensors": ("board", "imu_state.velocity_B_mps"),
}

# of the sixth byte: it changes a double by a part in 256 or 512
UPSET_BYTE, UPSET_BIT = 5, 4


@contextlib.contextmanager
def board_line(payload: str, clock: Clock) -> Iterator[Line]:
    """A board that runs a payload, flight or sensors; ended with the context.

    Raises ToolsMissing, BuildFailed or EmulatorGone, one line.
    """
    image = build(payload)
    with QemuBoard(image) as board:
        link = Link(board.port, clock)

        def check_alive() -> None:
            if not board.is_alive():
                raise EmulatorGone(f"the emulated {payload} board has ended by itself")

        try:
            yield Line(link, clock, ANSWER_LIMIT_NS, check_alive, injectors=board_injectors(board))
        finally:
            link.close()


def board_injectors(board: QemuBoard) -> dict[str, Injector]:
    """What can be done to an emulated board."""

    def bite() -> None:
        board.unhang()
        board.reset()

    where, address = upset_place(board)
    return {
        "reset": Injector(board.reset, "the reset button is pressed"),
        "freeze": Injector(
            board.freeze, "the board stops", board.thaw, FREEZE_NS, "the board goes on"
        ),
        "hang": Injector(
            board.hang, "the program hangs", bite, WATCHDOG_NS, "the watchdog resets the board"
        ),
        "upset": Injector(lambda: board.upset(address, UPSET_BIT), f"a bit of {where} flips"),
    }


def upset_place(board: QemuBoard) -> tuple[str, int]:
    """The place in a board's memory of an upset: field and address."""
    payload = payload_named(board.image.payload)
    region, field = UPSET[payload.name]
    offset = next(at for path, _, at in REGIONS[region].leaves() if path == field)
    base = board.address_of("payload_memory") + payload.offset(payload.regions[region])
    return field, base + offset + UPSET_BYTE
