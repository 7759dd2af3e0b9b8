"""The flight payload's entries for Python, and its memory in this process."""

from fsw.framework.kernel import kernel
from hil.boards.flight_payload import FLIGHT_PAYLOAD, ask, grant, post, report, start, tick
from hil.ends.payload_memory import Entry, PayloadMemory


@kernel
def start_rows(rows, how, armed, realtime):
    """Entry `start`; as below, `rows` is an array of one FlightBoard."""
    return start(rows[0], how, armed, realtime)


@kernel
def grant_rows(rows, tick_number, now_ns, missed):
    """Entry `grant`."""
    return grant(rows[0], tick_number, now_ns, missed)


@kernel
def post_rows(rows, apid, now_ns):
    """Entry `post`."""
    return post(rows[0], apid, now_ns)


@kernel
def step_rows(rows, whole):
    """Entry `step`."""
    return tick(rows[0], whole)


@kernel
def report_rows(rows, begun_ns, stepped_ns, sent_ns):
    """Entry `report`."""
    return report(rows[0], begun_ns, stepped_ns, sent_ns)


@kernel
def ask_rows(rows, now_ns):
    """Entry `ask`."""
    return ask(rows[0], now_ns)


def flight_memory() -> PayloadMemory:
    """A flight payload before it is loaded."""
    entries: dict[str, Entry] = {
        "start": start_rows,
        "grant": grant_rows,
        "post": post_rows,
        "step": step_rows,
        "report": report_rows,
        "ask": ask_rows,
    }
    return PayloadMemory(FLIGHT_PAYLOAD, entries)
