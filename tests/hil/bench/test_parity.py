"""Wire: in process and over a pseudo-terminal the same bytes, and a comparison that can fail."""

import pytest

from hil.bench.parity import Window, compare
from tests.hil.end_doubles import in_process, nominal


def test_every_tick_is_the_same_in_process_and_over_a_pseudo_terminal():
    report = compare(nominal(), window=Window(for_s=4.0))
    assert (report.ticks, report.difference, report.same) == (400, None, True)
    assert report.state_sha256 == in_process(4.0).state_sha256


def flip_core(tick, run):
    if tick == 123:
        run.state.core.navigation.current.v_BM_I_mps[1] *= -1.0


def flip_history(tick, run):
    if tick == 20:
        run.state.history.imu_t_ns[3] ^= 1


@pytest.mark.parametrize(
    ("tamper", "tick", "region", "field"),
    [
        (flip_core, 123, "core", "navigation.current.v_BM_I_mps[1]"),
        (flip_history, 99, "history", "imu_t_ns[3]"),
    ],
)
def test_a_flipped_bit_is_named_with_tick_field_and_both_values(tamper, tick, region, field):
    report = compare(nominal(), window=Window(for_s=4.0), tamper=tamper)
    found = report.difference
    assert not report.same
    assert (found.tick, found.region, found.field) == (tick, region, field)
    assert found.in_process != found.over_the_line
    assert str(found).startswith(f"tick {tick} (")
    assert report.ticks == tick + 1
