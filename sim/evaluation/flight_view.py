"""The part of the flight software's state that the run monitor reads.

In process it is copied after every tick; over a wire the flight computer sends it with its outputs.
Nothing else of the flight software's memory enters a verdict or a margin.
"""

from fsw.filter.covariance import N_ALL
from fsw.framework.kernel import kernel
from fsw.framework.record import f64, i64, record, u8
from fsw.interface.modes import Mode
from fsw.mathlib.vectors import load3, load4, norm3

# sums of a finite estimate stay far below this
BOUND = 1e30

FLIGHT_VIEW = record(
    "FlightView",
    "The part of the flight software's state that the run monitor reads.",
    a_d_mps2=f64("deceleration that guidance plans with"),
    fused_t_ns=i64("time-tag of the newest range fused, flight clock; -1 before", default=-1),
    mode=u8("flight mode", codes=Mode),
    locked=u8("1 once ranges are fused"),
    engine_cut=u8("1 once guidance has cut the engine for good"),
    sound=u8("1 while the estimate is finite and no variance is negative", default=1),
    spare=u8("zero", 4),
)


@kernel
def observe_flight(view, core):
    """Fill a FlightView after a tick of the flight software."""
    view.a_d_mps2 = core.guidance.a_d_mps2
    view.fused_t_ns = core.navigation.grid.trust.last_fused_t_ns
    view.mode = core.executive.mode
    view.locked = core.navigation.grid.trust.locked
    view.engine_cut = core.guidance.engine_cut
    view.sound = 1
    if int(core.navigation.ready) == 1 and not _sound(core.estimate, core.navigation.grid):
        view.sound = 0


@kernel
def _sound(estimate, grid):
    """True while the estimate is finite and no variance negative; a NaN compares false."""
    q = load4(estimate.q_LB)
    size = norm3(load3(estimate.r_BL_L_m)) + norm3(load3(estimate.v_BL_L_mps))
    size = size + norm3(load3(estimate.omega_BL_B_radps)) + norm3(load3(estimate.f_B_mps2))
    size = size + abs(q[0]) + abs(q[1]) + abs(q[2]) + abs(q[3])
    size = size + abs(float(estimate.altitude_lo_m)) + abs(float(estimate.sigma_v_down_mps))
    spread = 0.0
    positive = True
    for i in range(N_ALL):
        variance = float(grid.P[i, i])
        spread = spread + variance
        positive = positive and variance >= 0.0
    return positive and size < BOUND and spread < BOUND
