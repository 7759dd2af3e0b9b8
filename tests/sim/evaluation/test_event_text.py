"""Events read as sentences."""

import pytest

from fsw.interface.events import EventCode
from sim.evaluation.event_text import event_detail, event_name


@pytest.mark.parametrize("code", list(EventCode))
def test_every_event_can_be_worded(code):
    assert event_name(code) == EventCode.label_of(code)
    assert "{" not in event_detail(code, 1.0, 2.0)


def test_figures_and_code_names_are_filled_in():
    assert event_detail(EventCode.IGNITION, 20000.0, 1680.04) == "altitude 20000 m, 1680.0 m/s"
    assert event_detail(EventCode.MODE_CHANGED, 2.0, 1.0) == "mode braking after coast"
    assert event_detail(EventCode.COMMAND_TAKEN, 1.0, 2.0) == "command go, result not_in_this_mode"


def test_what_a_newer_sender_says_is_shown_by_number():
    assert event_name(4000) == "event_4000"
    assert event_detail(4000, 1.5, 2.0) == "1.5, 2"
    assert event_detail(EventCode.MODE_CHANGED, 99.0, -1.0) == "mode 99 after -1"
