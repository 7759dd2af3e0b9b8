"""A line to an emulated board, with the levers that such a board has."""

import contextlib
import zlib
from collections.abc import Iterator

from hil.board_build import build
from hil.board_object import payload_named
from hil.board_qemu import EmulatorGone, QemuBoard
from hil.clock import Clock
from hil.far_end import ANSWER_LIMIT_NS
from hil.levers import FREEZE_NS, WATCHDOG_NS, Lever
from hil.lines import Line
from hil.link import Link
from hil.packets import REGIONS

# the region of each payload in which an upset flips a bit, and the bit that it flips
UPSET_REGION = {"flight": "core", "sensors": "board"}
UPSET_BIT = 4


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
            yield Line(link, clock, ANSWER_LIMIT_NS, check_alive, levers=board_levers(board))
        finally:
            link.close()


def board_levers(board: QemuBoard) -> dict[str, Lever]:
    """What can be done to an emulated board."""

    def bite() -> None:
        board.unhang()
        board.reset()

    where, address = upset_place(board)
    return {
        "reset": Lever(board.reset, "the reset button is pressed"),
        "freeze": Lever(
            board.freeze, "the board stands still", board.thaw, FREEZE_NS, "the board goes on"
        ),
        "hang": Lever(
            board.hang, "the program hangs", bite, WATCHDOG_NS, "the watchdog resets the board"
        ),
        "upset": Lever(
            lambda: board.upset(address, UPSET_BIT), f"bit {UPSET_BIT} of {where} flips"
        ),
    }


def upset_place(board: QemuBoard) -> tuple[str, int]:
    """A place in the board's memory, the same for every run: field of a region, and address."""
    payload = payload_named(board.image.payload)
    region = UPSET_REGION[payload.name]
    leaves = [leaf for leaf in REGIONS[region].leaves() if leaf[1].type == "f64"]
    path, _, offset = leaves[zlib.crc32(region.encode()) % len(leaves)]
    base = board.address_of("payload_memory") + payload.offset(payload.regions[region])
    # the sixth byte of a double: beyond what rounding forgives, short of the exponent
    return path, base + offset + 5
