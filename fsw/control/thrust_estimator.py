"""What the engine gives: true over commanded thrust, and whether it has lost some of it.

Two estimates of one figure. While the throttle rests, felt over expected thrust is followed
slowly and within believable bounds; that takes in the errors of engine, mass and accelerometers.
Beside it runs a quick one: the means of felt and expected thrust over half a second, whose ratio
forgives the lag between them. When that stays below what errors could explain for long enough,
thrust is lost, and the quick estimate is believed, for as long as it stays low: an engine that
comes back is believed again.
"""

from fsw.framework.kernel import kernel
from fsw.framework.record import f64, record, u8
from fsw.mathlib.vectors import clamp

THRUST_PARAMS = record(
    "ThrustParams",
    "How the thrust is gauged.",
    tau_s=f64("time constant of the slow estimate", default=4.0, lo=0.5, hi=1000.0),
    range=f64("how far the slow estimate may leave 1", default=0.12, lo=0.0, hi=0.5),
    quick_tau_s=f64("time constant of the quick estimate", default=0.5, lo=0.05, hi=10.0),
    loss=f64(
        "quick estimate below the slow one that is a loss",
        default=0.08,
        lo=0.01,
        hi=1.0,
    ),
    loss_s=f64("time for which it must be so low", default=0.5, lo=0.05, hi=1e4),
    least=f64("least thrust scale believed", default=0.05, lo=0.01, hi=1.0),
)

THRUST = record(
    "Thrust",
    "Thrust as gauged.",
    scale=f64("true over commanded thrust", default=1.0),
    felt=f64("mean of the thrust felt, as a share of full thrust"),
    expected=f64("mean of the thrust expected, as a share of full thrust"),
    low_s=f64("time for which the quick estimate has been low"),
    lost=u8("1 while thrust is lost"),
    reported=u8("1 once that was reported"),
    spare=u8("zero", 6),
)
THROTTLE_STEADY = 0.02

# below these shares of full thrust, felt over expected is mostly noise
STEADY_LEAST_SHARE = 0.15
QUICK_LEAST_SHARE = 0.08


@kernel
def forget_thrust(thrust):
    """With the engine off there is nothing to gauge; what is known of it stays."""
    thrust.felt = 0.0
    thrust.expected = 0.0
    thrust.low_s = 0.0


@kernel
def gauge_thrust(thrust, params, measured_share, expected_share, steady, late_s, dt_s):
    """One tick with the engine on; shares are of full thrust, what is felt comes late_s later."""
    tau_s = float(params.quick_tau_s)
    felt = float(thrust.felt)
    expected = float(thrust.expected)
    felt = felt + (measured_share - felt) * min(dt_s / tau_s, 1.0)
    # a longer mean stands for the dead time
    expected = expected + (expected_share - expected) * min(dt_s / (tau_s + late_s), 1.0)
    thrust.felt = felt
    thrust.expected = expected
    bound = float(params.range)
    scale = float(thrust.scale)
    if expected > QUICK_LEAST_SHARE:
        _watch_for_loss(thrust, params, felt / expected, dt_s)
        if int(thrust.lost) == 1:
            thrust.scale = clamp(felt / expected, float(params.least), 1.0 + bound)
            return
    if steady and expected_share > STEADY_LEAST_SHARE:
        part = min(dt_s / float(params.tau_s), 1.0)
        scale = scale + (measured_share / expected_share - scale) * part
        thrust.scale = clamp(scale, 1.0 - bound, 1.0 + bound)


@kernel
def _watch_for_loss(thrust, params, quick, dt_s):
    """Lost after loss_s below what errors explain; found again once back within the bounds."""
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
