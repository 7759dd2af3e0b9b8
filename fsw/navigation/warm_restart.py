"""Warm restart: the flight computer restarts in flight and continues from core alone.

The ring buffers are lost, so the past cannot be redone: the grid continues from the output
predictor's state, the newest estimate, with the covariance as it stands. Modes, guidance, control
and the engine command are in core and are not touched; an engine is never cut for a restart.

The delta-v of the outage is in the instrument's integrals, whose last values are in core. The ring
begins where the last sample ended, with the last force and rate as the increment before it, in
case the instrument has restarted too.
"""

from fsw.filter.buffers import GRID_NS, NEVER, clear_history, push_imu
from fsw.filter.checkpoints import save
from fsw.framework.kernel import kernel
from fsw.interface.verdicts import RangeVerdict
from fsw.mathlib.vectors import add3, load3, scale3, store3

# length of the increment that represents the last force and rate; any length serves
STAND_IN_NS = 10_000_000


@kernel
def resume(state):
    """Rebuild what is not in core, of which alone the values survived."""
    nav = state.core.navigation
    clear_history(state.history)
    nav.intake.dirty_k = NEVER
    _close_pending(nav.intake.verdicts)
    nav.replaying = 0
    if int(nav.ready) == 1:
        _anchor_at_current(nav)
    if int(nav.inertial.begun) == 1:
        _push_last_force(nav, state.history)
    if int(nav.ready) == 1:
        save(state.history, nav.grid)


@kernel
def _close_pending(verdicts):
    """Ranges that waited in the ring for their grid point are lost: too old."""
    verdicts[RangeVerdict.TOO_OLD] = int(verdicts[RangeVerdict.TOO_OLD]) + int(
        verdicts[RangeVerdict.PENDING]
    )
    verdicts[RangeVerdict.PENDING] = 0


@kernel
def _anchor_at_current(nav):
    """Continue the grid from the present state, between two points; older ranges are refused."""
    grid = nav.grid
    current_ns = int(nav.current.t_ns)
    grid.nominal = nav.current
    grid.k = current_ns // GRID_NS
    grid.free_fall_s = 0.0
    store3(grid.free_fall_dv_B_mps, (0.0, 0.0, 0.0))
    nav.computed_k = grid.k
    nav.intake.anchor_t_ns = current_ns


@kernel
def _push_last_force(nav, history):
    """Begin the ring of increments with the last force and rate, biases put back."""
    dt = float(STAND_IN_NS) * 1e-9
    last_ns = int(nav.inertial.t_ns)
    force = add3(load3(nav.f_B_mps2), load3(nav.current.accel_bias_B_mps2))
    rate = add3(load3(nav.omega_B_radps), load3(nav.current.gyro_bias_B_radps))
    push_imu(history, last_ns - STAND_IN_NS, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0), 0)
    push_imu(history, last_ns, scale3(force, dt), scale3(rate, dt), 0)
    nav.grid.imu_next = history.imu_count
    nav.current_next = history.imu_count
