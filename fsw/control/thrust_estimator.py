"""Thrust estimator: true over commanded thrust, and detection of a loss of thrust.

Two estimates of one figure. While the throttle is steady, measured over expected thrust is
filtered slowly and within bounds; that includes the errors of engine, mass and accelerometers. A
quick one runs beside it: the ratio of the means of measured and expected thrust over half a second,
which tolerates the lag between them. When it stays below what errors can explain for long enough,
thrust is lost, and the quick estimate is used for as long as it stays low: an engine that recovers
is used fully again.
"""

from typing import NamedTuple

from fsw.framework.kernel import kernel
from fsw.framework.record import f64, record, u8
from fsw.mathlib.vectors import clamp

THRUST_PARAMS = record(
    "ThrustParams",
    "How thrust is estimated.",
    tau_s=f64("time constant of the slow estimate", default=4.0, lo=0.5, hi=1000.0),
    range=f64("greatest difference of the slow estimate from 1", default=0.12, lo=0.0, hi=0.5),
    quick_tau_s=f64("time constant of the quick estimate", default=0.5, lo=0.05, hi=10.0),
    loss=f64(
        "difference of the quick estimate below the slow one that is a loss",
        default=0.08,
        lo=0.01,
        hi=1.0,
    ),
    loss_s=f64("time for which it must be so low", default=0.5, lo=0.05, hi=1e4),
    least=f64("least thrust scale estimated", default=0.05, lo=0.01, hi=1.0),
)

THRUST = record(
    "Thrust",
    "Thrust as estimated.",
    scale=f64("true over commanded thrust", default=1.0),
    measured=f64("mean of the measured thrust, as a share of full thrust"),
    expected=f64("mean of the expected thrust, as a share of full thrust"),
    low_s=f64("time for which the quick estimate has been low"),
    lost=u8("1 while thrust is lost"),
    reported=u8("1 once that was reported"),
    spare=u8("zero", 6),
)

# difference of throttle and expected thrust up to which the engine counts as settled
THROTTLE_STEADY = 0.02

# below these shares of full thrust, measured over expected is mostly noise
STEADY_LEAST_SHARE = 0.15
QUICK_LEAST_SHARE = 0.08


class ThrustReading(NamedTuple):
    """Thrust in one tick, as shares of full thrust; the measured one lags by late_s."""

    measured_share: float
    expected_share: float
    steady: bool
    late_s: float


@kernel
def reset_thrust_means(thrust):
    """With the engine off, reset the means and keep the estimate."""
    thrust.measured = 0.0
    thrust.expected = 0.0
    thrust.low_s = 0.0


@kernel
def estimate_thrust(thrust, params, reading, dt_s):
    """One tick with the engine on."""
    tau_s = float(params.quick_tau_s)
    measured = float(thrust.measured)
    expected = float(thrust.expected)
    measured = measured + (reading.measured_share - measured) * min(dt_s / tau_s, 1.0)
    # a longer mean models the dead time
    part = min(dt_s / (tau_s + reading.late_s), 1.0)
    expected = expected + (reading.expected_share - expected) * part
    thrust.measured = measured
    thrust.expected = expected
    bound = float(params.range)
    scale = float(thrust.scale)
    if expected > QUICK_LEAST_SHARE:
        _detect_loss(thrust, params, measured / expected, dt_s)
        if int(thrust.lost) == 1:
            thrust.scale = clamp(measured / expected, float(params.least), 1.0 + bound)
            return
    if reading.steady and reading.expected_share > STEADY_LEAST_SHARE:
        part = min(dt_s / float(params.tau_s), 1.0)
        scale = scale + (reading.measured_share / reading.expected_share - scale) * part
        thrust.scale = clamp(scale, 1.0 - bound, 1.0 + bound)


@kernel
def _detect_loss(thrust, params, quick, dt_s):
    """Lost after loss_s below what errors explain; recovered once back within the bounds."""
    low = 1.0 - float(params.range)
    if int(thrust.lost) == 1:
        if quick >= low:
            thrust.lost = 0
            thrust.low_s = 0.0
        return
    limit = float(thrust.scale) - float(params.loss)
    thrust.low_s = float(thrust.low_s) + dt_s
    if quick >= limit:
        thrust.low_s = 0.0
    elif float(thrust.low_s) >= float(params.loss_s):
        thrust.lost = 1
