"""The flight software with its memory and its boxes: what a host flight computer carries."""

from typing import Any

import numpy as np

from fsw.executive.host_entry import boot_rows, step_rows
from fsw.executive.state import PARAMS, STATE
from fsw.framework.kernel import kernel
from fsw.framework.record import Record
from fsw.intake.clock_sync import sensor_clock_ahead_ns, timebase_bound_ns
from fsw.interface.mailbox import (
    MAILBOX,
    collect,
    empty_mailbox,
    post_clock,
    post_command,
    post_contact,
    post_imu,
    post_nav_update,
    post_propulsion,
    post_range,
)
from fsw.interface.messages import (
    CLOCK_EXCHANGE,
    CONTACT_SAMPLE,
    GROUND_COMMAND,
    IMU_SAMPLE,
    INBOX,
    NAV_UPDATE,
    OUTBOX,
    PROPULSION_STATUS,
    RANGE_SAMPLE,
)
from hil.wire.framing import Packet
from hil.wire.packets import BY_NAME, Message
from hil.wire.slots import hash_of, memory_of, outbox_of, rows_of
from sim.evaluation.flight_view import FLIGHT_VIEW, observe_flight


@kernel
def collect_rows(mailboxes, inboxes, now_ns, missed, resumed):
    """Fill the inbox of the tick at now_ns; each box is an array of one record."""
    collect(inboxes[0], mailboxes[0], now_ns, missed)
    inboxes[0].resumed = resumed


@kernel
def _empty_mailbox(mailboxes):
    empty_mailbox(mailboxes[0])


@kernel
def observe_flight_rows(states, views):
    """Note what the bench looks at; each an array of one record."""
    observe_flight(views[0], states[0].core)


@kernel
def clock_rows(states, params, out, now_ns):
    """Sensor clock minus flight clock at now_ns, and the bound on it, into an array of two."""
    timebase = states[0].core.navigation.timebase
    out[0] = sensor_clock_ahead_ns(timebase, now_ns)
    out[1] = timebase_bound_ns(timebase, params[0].navigation.timebase, now_ns)


@kernel
def _post_range(mailboxes, rows, now_ns):
    post_range(mailboxes[0], rows[0], now_ns)


@kernel
def _post_imu(mailboxes, rows, now_ns):
    post_imu(mailboxes[0], rows[0])


@kernel
def _post_command(mailboxes, rows, now_ns):
    post_command(mailboxes[0], rows[0])


@kernel
def _post_contact(mailboxes, rows, now_ns):
    post_contact(mailboxes[0], rows[0])


@kernel
def _post_propulsion(mailboxes, rows, now_ns):
    post_propulsion(mailboxes[0], rows[0])


@kernel
def _post_nav_update(mailboxes, rows, now_ns):
    post_nav_update(mailboxes[0], rows[0])


@kernel
def _post_clock(mailboxes, rows, now_ns):
    post_clock(mailboxes[0], rows[0])


POSTS = (
    (RANGE_SAMPLE, _post_range),
    (IMU_SAMPLE, _post_imu),
    (GROUND_COMMAND, _post_command),
    (CONTACT_SAMPLE, _post_contact),
    (PROPULSION_STATUS, _post_propulsion),
    (NAV_UPDATE, _post_nav_update),
)


class Computer:
    """The flight software, booted with the given parameters, or flying on from a saved state."""

    def __init__(self, params: bytes, core: bytes = b"", history: bytes = b"") -> None:
        """Each is a record's bytes; without core it begins anew."""
        self.states = rows_of(STATE)
        self.params = rows_of(PARAMS)
        memory_of(self.params)[:] = params
        self.mailboxes = rows_of(MAILBOX)
        self.inboxes = rows_of(INBOX)
        self.outboxes = rows_of(OUTBOX)
        self._views = rows_of(FLIGHT_VIEW)
        self._sensor_clock = np.zeros(2, np.int64)
        self._outbox = outbox_of(memory_of(self.outboxes))
        self._clock = rows_of(CLOCK_EXCHANGE)
        self._slots = {BY_NAME[record.name].apid: _slot(record, post) for record, post in POSTS}
        self._words = {
            name: np.frombuffer(memory_of(self.states, name), np.uint64)
            for name in ("core", "history")
        }
        boot_rows(self.states, self.params)
        if core:
            memory_of(self.states, "core")[:] = core
            memory_of(self.states, "history")[:] = history

    def post(self, message: Message, payload: bytes, t_rx_ns: int) -> None:
        """Put a flight message that arrived at t_rx_ns into the mailbox."""
        rows, memory, post = self._slots[message.apid]
        memory[:] = payload
        post(self.mailboxes, rows, t_rx_ns)

    def post_exchange(self, exchange: tuple[int, int, int, int]) -> None:
        """Put a clock exchange into the mailbox: asked, received, answered, back."""
        self._clock[0] = exchange
        _post_clock(self.mailboxes, self._clock, 0)

    def restart(self) -> None:
        """Lose what a restart loses before the flight software is called again."""
        _empty_mailbox(self.mailboxes)

    def tick(self, now_ns: int, missed: int, resumed: bool = False) -> None:
        """One tick of the flight software, which flies on from its core when `resumed`."""
        collect_rows(self.mailboxes, self.inboxes, now_ns, missed, int(resumed))
        step_rows(self.states, self.params, self.inboxes, self.outboxes)
        observe_flight_rows(self.states, self._views)

    def said(self) -> list[Packet]:
        """The messages of the last tick."""
        return self._outbox.packets()

    def view(self) -> dict[str, Any]:
        """The fields of FlightView after the last tick, as a message that holds it names them."""
        names, values = FLIGHT_VIEW.fields, self._views[0].item()
        told = zip(names, values, strict=True)
        return {f"view_{name}": value for name, value in told if name != "spare"}

    def boxes(self) -> tuple[Any, Any, Any, Any]:
        """State, parameters, inbox and outbox as records, where they lie."""
        rows = (self.states, self.params, self.inboxes, self.outboxes)
        state, params, inbox, outbox = (each.view(np.recarray)[0] for each in rows)
        return state, params, inbox, outbox

    def sensor_clock(self, now_ns: int) -> tuple[int, int]:
        """Sensor clock minus flight clock as the flight software believes, and its bound [ns]."""
        clock_rows(self.states, self.params, self._sensor_clock, now_ns)
        offset_ns, bound_ns = self._sensor_clock
        return int(offset_ns), int(bound_ns)

    def hash_of(self, region: str) -> int:
        """Hash of core or history."""
        return hash_of(self._words[region])

    def region(self, name: str) -> bytes:
        """The bytes of a memory region."""
        if name == "params":
            return self.params.tobytes()
        return self._words[name].tobytes()


def compile_all() -> None:
    """Compile what a tick calls, on a computer that is thrown away: no bench shall wait for it."""
    computer = Computer(PARAMS.new().tobytes())
    for record, _ in POSTS:
        computer.post(BY_NAME[record.name], record.new().tobytes(), 0)
    computer.post_exchange((0, 0, 0, 0))
    computer.restart()
    computer.tick(0, 0)
    computer.sensor_clock(0)
    computer.hash_of("core")


def _slot(record: Record, post: Any) -> tuple[np.ndarray, memoryview, Any]:
    rows = rows_of(record)
    return rows, memory_of(rows), post
