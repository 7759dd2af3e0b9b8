"""Table: how one range is gated, and that no verdict affects the next one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsw.filter.buffers import RANGE_ENTRY
from fsw.filter.range_gate import (
    RANGE_TRUST,
    TRUST_PARAMS,
    judge_range,
    range_variance_m2,
    set_verdict,
)
from fsw.interface.verdicts import RangeVerdict

S = 1_000_000_000
PARAMS = TRUST_PARAMS.new(lock_samples=3, lock_window_s=1.0)
VARIANCE_M2, R_M2 = 400.0, 1.0
GATE_M = 5.0 * 20.0
AGREE_M = 5.0 * 2.0**0.5


def gated(trust, t_s, innovation_m, params=PARAMS):
    return judge_range(trust, params, round(t_s * S), innovation_m, VARIANCE_M2, R_M2)


def locked():
    return RANGE_TRUST.new(locked=1, last_fused_t_ns=-1)


# --- the gate ----------------------------------------------------------------------------


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_the_gate_is_five_sigma_of_the_innovation(sign):
    assert gated(locked(), 1.0, sign * GATE_M * 0.9999) == RangeVerdict.FUSED_NOW
    assert gated(locked(), 1.0, sign * GATE_M * 1.0001) == RangeVerdict.REJECTED


def test_the_gate_is_a_parameter():
    wide = TRUST_PARAMS.new(gate_sigma=10.0)
    assert gated(locked(), 1.0, 1.9 * GATE_M, wide) == RangeVerdict.FUSED_NOW
    assert gated(locked(), 1.0, 2.1 * GATE_M, wide) == RangeVerdict.REJECTED


@given(st.lists(st.floats(-500.0, 500.0), max_size=60))
def test_once_locked_every_sample_is_gated_alone(innovations):
    trust = locked()
    for n, innovation in enumerate(innovations):
        alone = gated(locked(), n + 1.0, innovation)
        assert gated(trust, n + 1.0, innovation) == alone


def test_after_any_number_of_rejections_a_good_sample_is_fused():
    trust = locked()
    for n in range(70_000):
        assert gated(trust, 0.1 * n, 300.0) == RangeVerdict.REJECTED
    assert int(trust.rejects_in_a_row) == 65_535  # saturates, and does not wrap to none
    assert gated(trust, 7001.0, 5.0) == RangeVerdict.FUSED_NOW
    assert (int(trust.rejects_in_a_row), int(trust.locked)) == (0, 1)


def test_the_last_fused_range_is_recorded():
    trust = locked()
    gated(trust, 3.0, -40.0)
    gated(trust, 4.0, 700.0)  # rejected
    assert int(trust.last_fused_t_ns) == 3 * S
    assert float(trust.last_innovation_m) == -40.0
    assert float(trust.last_nis) == pytest.approx(4.0)
    assert int(trust.rejects_in_a_row) == 1


# --- the first lock ----------------------------------------------------------------------


def lock(samples, params=PARAMS):
    """Verdicts of (time, innovation) from scratch."""
    trust = RANGE_TRUST.new(last_fused_t_ns=-1)
    return [gated(trust, t_s, innovation, params) for t_s, innovation in samples]


def test_three_samples_that_agree_make_a_lock():
    assert lock([(1.0, 30.0), (1.2, 31.0), (1.4, 29.0), (1.6, 30.0)]) == [
        RangeVerdict.HELD,
        RangeVerdict.HELD,
        RangeVerdict.FUSED_NOW,
        RangeVerdict.FUSED_NOW,
    ]


def test_a_sample_that_disagrees_with_its_predecessor_restarts_the_count():
    far = 30.0 + 1.01 * AGREE_M
    assert lock([(1.0, 30.0), (1.2, 30.0), (1.4, far), (1.5, far), (1.6, far)]) == [
        RangeVerdict.HELD,
        RangeVerdict.HELD,
        RangeVerdict.HELD,
        RangeVerdict.HELD,
        RangeVerdict.FUSED_NOW,
    ]
    near = 30.0 + 0.99 * AGREE_M
    assert lock([(1.0, 30.0), (1.2, 30.0), (1.4, near)])[-1] == RangeVerdict.FUSED_NOW


def test_agreement_is_between_neighbours_for_any_filter_uncertainty():
    # the filter is off by 20 m sigma; samples of 1 m sigma must agree with one another
    assert lock([(1.0, -50.0), (1.2, 0.0), (1.4, 50.0), (1.6, 0.0)]) == [RangeVerdict.HELD] * 4


def test_a_sample_must_agree_with_a_recent_one():
    assert lock([(1.0, 0.0), (2.0, 0.0), (3.0, 0.0)])[-1] == RangeVerdict.FUSED_NOW
    assert lock([(1.0, 0.0), (2.0, 0.0), (3.001, 0.0)])[-1] == RangeVerdict.HELD
    # one that comes too late begins anew
    late = [(1.0, 0.0), (1.5, 0.0), (2.6, 0.0), (2.7, 0.0), (2.8, 0.0)]
    assert lock(late) == [
        RangeVerdict.HELD,
        RangeVerdict.HELD,
        RangeVerdict.HELD,
        RangeVerdict.HELD,
        RangeVerdict.FUSED_NOW,
    ]


@pytest.mark.parametrize("needed", [1, 2, 5])
def test_how_many_must_agree_is_a_parameter(needed):
    params = TRUST_PARAMS.new(lock_samples=needed)
    verdicts = lock([(0.1 * n, 0.0) for n in range(1, needed + 1)], params)
    assert verdicts == [RangeVerdict.HELD] * (needed - 1) + [RangeVerdict.FUSED_NOW]


def test_the_gate_applies_to_the_first_lock_too():
    assert lock([(0.1 * n, 1.1 * GATE_M) for n in range(1, 9)]) == [RangeVerdict.REJECTED] * 8


def test_rejected_samples_between_do_not_break_an_agreement():
    assert lock([(1.0, 0.0), (1.1, 900.0), (1.2, 0.0), (1.3, -900.0), (1.4, 0.0)]) == [
        RangeVerdict.HELD,
        RangeVerdict.REJECTED,
        RangeVerdict.HELD,
        RangeVerdict.REJECTED,
        RangeVerdict.FUSED_NOW,
    ]


# --- variance and verdicts ---------------------------------------------------------------


def test_the_variance_of_a_range_grows_with_range_and_with_speed():
    params = TRUST_PARAMS.new(noise_m=0.5, noise_share=0.01, roughness_m=3.0, stamp_sigma_s=0.1)
    assert range_variance_m2(params, 100.0, 0.0) == pytest.approx(1.5**2 + 3.0**2)
    assert range_variance_m2(params, 100.0, 40.0) == pytest.approx(1.5**2 + 3.0**2 + 4.0**2)
    assert range_variance_m2(params, 100.0, -40.0) == range_variance_m2(params, 100.0, 40.0)


def test_a_verdict_is_counted_once_also_when_made_again():
    counts = np.zeros(len(RangeVerdict), np.uint32)
    entry = RANGE_ENTRY.new()
    counts[RangeVerdict.PENDING] = 1
    history = []
    for verdict in (
        RangeVerdict.REJECTED,
        RangeVerdict.REJECTED,
        RangeVerdict.FUSED_LATE,
        RangeVerdict.FUSED_LATE,
        RangeVerdict.HELD,
    ):
        set_verdict(counts, entry, verdict)
        history.append({RangeVerdict.label_of(i): int(n) for i, n in enumerate(counts) if n})
    assert history == [
        {"rejected": 1},
        {"rejected": 1},
        {"fused_late": 1},
        {"fused_late": 1},
        {"held": 1},
    ]
    assert int(entry.verdict) == RangeVerdict.HELD
