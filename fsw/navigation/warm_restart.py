"""Flying on after a restart of the flight computer: core is what is left, and it is enough.

The rings of the past are gone, so the past cannot be redone: the grid is taken up at the head,
the newest estimate there is, with the covariance as it stands. Modes, guidance, control and the
command to the engine stand in core and are not touched; an engine is never cut for a restart.

What the instrument gained while nobody listened is in its sums, which stand in core as they were;
the ring begins where the last sample ended, with the last force and rate as the increment before
it, should the sums have begun anew, too.
"""

from fsw.filter.buffers import GRID_NS, NEVER, clear_history, push_imu
from fsw.filter.checkpoints import save
from fsw.framework.kernel import kernel
from fsw.interface.verdicts import RangeVerdict
from fsw.mathlib.vectors import add3, load3, scale3, store3

# length of the increment that stands for the last force; any will do
STAND_IN_NS = 10_000_000


@kernel
def resume(state):
    """Make a state of which only core has survived fit to fly on."""
    nav = state.core.navigation
    clear_history(state.history)
    nav.intake.dirty_k = NEVER
    _give_up_what_waited(nav.intake.verdicts)
    nav.replaying = 0
    if int(nav.ready) == 1:
        _take_up_the_grid(nav)
    if int(nav.inertial.begun) == 1:
        _recall_last_force(nav, state.history)
    if int(nav.ready) == 1:
        save(nav.grid, state.history)


@kernel
def _give_up_what_waited(verdicts):
    """Ranges that waited in the ring for their grid point have lost it."""
    verdicts[RangeVerdict.TOO_OLD] = int(verdicts[RangeVerdict.TOO_OLD]) + int(
        verdicts[RangeVerdict.PENDING]
    )
    verdicts[RangeVerdict.PENDING] = 0


@kernel
def _take_up_the_grid(nav):
    """The grid goes on from the head, between two of its points; nothing older can be fused."""
    grid = nav.grid
    head_ns = int(nav.current.t_ns)
    grid.nominal = nav.current
    grid.k = head_ns // GRID_NS
    grid.free_fall_s = 0.0
    store3(grid.free_fall_dv_B_mps, (0.0, 0.0, 0.0))
    nav.computed_k = grid.k
    nav.intake.anchor_t_ns = head_ns


@kernel
def _recall_last_force(nav, history):
    """Begin the ring of increments with the last force and rate, biases put back."""
    dt = float(STAND_IN_NS) * 1e-9
    last_ns = int(nav.inertial.t_ns)
    force = add3(load3(nav.f_B_mps2), load3(nav.current.accel_bias_B_mps2))
    rate = add3(load3(nav.omega_B_radps), load3(nav.current.gyro_bias_B_radps))
    push_imu(history, last_ns - STAND_IN_NS, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0), 0)
    push_imu(history, last_ns, scale3(force, dt), scale3(rate, dt), 0)
    nav.grid.imu_next = history.imu_count
    nav.current_next = history.imu_count
