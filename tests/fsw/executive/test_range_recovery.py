"""Table: when the flight software power-cycles the rangefinder automatically."""

import pytest

from fsw.executive.range_recovery import RANGE_RECOVERY_PARAMS, contradicts_flight
from fsw.filter.range_gate import RANGE_TRUST
from fsw.interface.messages import RANGE_SAMPLE, RangeAction
from fsw.interface.modes import Mode
from tests.fsw.computer import TICK_NS, Computer, above_the_site

S = 1_000_000_000
NOW_NS = 700 * S
RECOVERY = RANGE_RECOVERY_PARAMS.new()


def suspected(unusable=0, recovery=RECOVERY, **trust):
    made = RANGE_TRUST.new(**{"locked": 1, **trust})
    return bool(contradicts_flight(recovery, made, unusable, NOW_NS))


@pytest.mark.parametrize(
    ("trust", "unusable", "expected"),
    [
        ({}, 0, False),
        ({}, 11, False),
        ({}, 12, True),
        ({"locked": 0}, 12, False),
        ({"rejects_in_a_row": 11}, 0, False),
        ({"rejects_in_a_row": 12}, 0, True),  # nothing that they agree on
        ({"rejects_in_a_row": 12, "candidate_samples": 5}, 0, True),
        ({"rejects_in_a_row": 12, "candidate_samples": 6}, 0, False),  # another ground, perhaps
        ({"rejects_in_a_row": 12, "candidate_samples": 12, "promoted_t_ns": 671 * S}, 0, True),
        ({"rejects_in_a_row": 12, "candidate_samples": 12, "promoted_t_ns": 669 * S}, 0, False),
    ],
)
def test_an_instrument_is_suspected_when_its_ranges_fit_no_ground(trust, unusable, expected):
    assert suspected(unusable, **trust) == expected


def test_a_limit_of_zero_samples_disables_recovery():
    never = RANGE_RECOVERY_PARAMS.new(samples=0)
    assert not suspected(1000, never, rejects_in_a_row=1000)


def falling(height_m, seconds, range_m):
    """A locked descent in which the rangefinder gives range_m; power cycles and their times."""
    computer = Computer(mode=Mode.STANDBY)
    computer.tick(nav_update=above_the_site(height_m, 10.0))
    computer.core.executive.mode = Mode.DESCENT
    computer.core.navigation.grid.trust.locked = 1
    cycled = []
    for n in range(1, round(seconds * 100)):
        ranges = []
        if n % 5 == 0:
            t_ns = (computer.n - 5) * TICK_NS
            ranges = [RANGE_SAMPLE.new(t_ns=t_ns, seq=n // 5, valid=1, range_m=range_m)]
        events = computer.tick(imus=[computer.imu(dv=(0.0, 0.0, 0.01625))], ranges=ranges)
        if any(name == "range_power_cycled" for name, *_ in events):
            cycled.append(n)
            assert int(computer.outbox.range_command.action) == RangeAction.POWER_CYCLE
    return cycled


def test_values_out_of_range_cause_two_power_cycles_and_no_more():
    cycled = falling(2000.0, 60.0, range_m=30_000.0)
    assert len(cycled) == 2
    assert 60 <= cycled[0] <= 80  # twelve samples, and the latency
    assert 1500 <= cycled[1] - cycled[0] < 1520


def test_near_the_ground_there_is_no_power_cycle():
    assert falling(140.0, 3.0, range_m=30_000.0) == []
