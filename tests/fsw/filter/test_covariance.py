"""Law: the block-wise covariance against dense algebra and against the strapdown itself.

The transition matrix that `propagate` never writes down is taken out of it column by column,
and compared with finite differences of the strapdown: perturb the state at the start, move it
by the same increments, look at what became of the perturbation.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsw.filter.buffers import HISTORY
from fsw.filter.covariance import (
    N_ALL,
    N_STATES,
    Step,
    add_noise,
    fuse,
    fuse_vertical,
    project,
    propagate,
    variance_along,
)
from fsw.filter.grid_filter import GRID
from fsw.filter.strapdown import NOMINAL, strapdown
from fsw.models.gravity import tidal_tensor_scale
from fsw.models.onboard import MOON_BELIEF
from tests.fsw.byhand import (
    about,
    joseph_update,
    matrix_of,
    random_covariance,
    schmidt_gain,
    turned,
    vector_of,
    vertical_gain,
)

MOON = MOON_BELIEF.new()
DT_S, INCREMENTS = 0.1, 10
R, V, TH, BG, BA, HT, CA, CG = (
    slice(0, 3),
    slice(3, 6),
    slice(6, 9),
    slice(9, 12),
    slice(12, 15),
    slice(15, 16),
    slice(16, 19),
    slice(19, 22),
)
# of second order in the step where the block stands beside a larger one
LEFT_OUT = [(V, V), (V, BG), (R, BG), (V, CG), (R, CG)]
SIGMAS = np.concatenate(
    [
        np.full(3, 200.0),
        np.full(3, 2.0),
        np.full(3, 1e-2),
        np.full(3, 1e-3),
        np.full(3, 1e-2),
        [50.0],
        np.full(6, 1e-2),
    ]
)


class Flight:
    """One grid step: an attitude, increments that turn and push, and the errors they carry."""

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        axis = rng.standard_normal(3)
        self.q = about(axis / np.linalg.norm(axis), rng.uniform(-3.0, 3.0))
        up = rng.standard_normal(3)
        self.r = 1.75e6 * up / np.linalg.norm(up)
        self.v = rng.uniform(-800.0, 800.0, 3)
        self.dv = np.array([0.002, -0.003, 0.04]) + 0.002 * rng.standard_normal(3)
        self.dtheta = np.array([1e-4, 4e-4, -2e-4]) * rng.uniform(0.5, 1.0)

    def move(self, error):
        """State after the step, begun with this error; biases and considered ones act on it."""
        state = NOMINAL.new()
        state.r_BM_I_m = self.r + error[R]
        state.v_BM_I_mps = self.v + error[V]
        state.q_IB = turned(self.q, error[TH])
        dt = DT_S / INCREMENTS
        dv = self.dv - error[BA] * dt - error[CA] * self.dv[2]
        dtheta = self.dtheta - error[BG] * dt - error[CG] * self.dtheta[1]
        dv_I = np.zeros(3)
        for n in range(INCREMENTS):
            end_ns = round((n + 1) * dt * 1e9)
            dv_I += strapdown(state, MOON, end_ns, as_tuple(dv), as_tuple(dtheta))
        return state, dv_I

    def transition(self):
        """Rows r, v, theta of the transition matrix, by central differences of the strapdown."""
        columns = []
        for j in range(N_ALL):
            error = np.zeros(N_ALL)
            error[j] = 0.1 * SIGMAS[j]
            plus, minus = self.move(error)[0], self.move(-error)[0]
            turn = matrix_of(plus.q_IB) @ matrix_of(minus.q_IB).T
            columns.append(
                np.concatenate(
                    [
                        plus.r_BM_I_m - minus.r_BM_I_m,
                        plus.v_BM_I_mps - minus.v_BM_I_mps,
                        vector_of(turn),
                    ]
                )
                / (2.0 * error[j])
            )
        return np.array(columns).T

    def step(self):
        """The step, as `propagate` takes it."""
        _, dv_I = self.move(np.zeros(N_ALL))
        tide, up = tidal_tensor_scale(MOON, as_tuple(self.r))
        pitch = INCREMENTS * self.dtheta[1]
        along = INCREMENTS * self.dv[2]
        dv_I = as_tuple(dv_I)
        return Step(DT_S, DT_S, float(along), float(pitch), float(tide), as_tuple(up), dv_I)


def as_tuple(a):
    return tuple(float(part) for part in a)


def dense_transition(q, step):
    """All of Phi, taken out of `propagate`: a covariance of one unit vector becomes a column."""
    columns = []
    for j in range(N_ALL):
        P = np.zeros((N_ALL, N_ALL))
        P[j, j] = 1.0
        propagate(P, q, step)
        columns.append(P[:, j] / np.sqrt(P[j, j]))
    return np.array(columns).T


@pytest.mark.parametrize("seed", range(4))
def test_errors_grow_as_in_the_strapdown(seed):
    flight = Flight(seed)
    phi = dense_transition(flight.q, flight.step())[:9]
    found = flight.transition()
    # the unit part is exact in both; what is left is compared block by block
    phi[:, :9] -= np.eye(9)
    found[:, :9] -= np.eye(9)
    for row in (R, V, TH):
        for column in (R, V, TH, BG, BA, CA, CG):
            if (row, column) not in LEFT_OUT:
                size = np.abs(found[row, column]).max()
                error = np.abs(phi[row, column] - found[row, column]).max()
                assert error <= 0.02 * size + 1e-10, (row, column)


@pytest.mark.parametrize("seed", range(4))
def test_what_the_transition_leaves_out_is_small(seed):
    flight = Flight(seed)
    found = flight.transition()
    push = INCREMENTS * np.abs(flight.dv).max()
    for j, gain in ((BG, DT_S), (CG, INCREMENTS * flight.dtheta[1])):
        assert np.abs(found[V, j]).max() < push * gain
        assert np.abs(found[R, j]).max() < push * gain * DT_S
    assert np.abs(found[V, V] - np.eye(3)).max() < 2e-8
    assert np.abs(found[:, HT]).max() == 0.0


@pytest.mark.parametrize("seed", range(4))
def test_every_state_but_position_velocity_and_attitude_is_unchanged(seed):
    flight = Flight(seed)
    assert np.array_equal(dense_transition(flight.q, flight.step())[9:], np.eye(N_ALL)[9:])


@given(st.integers(0, 2**32))
@settings(max_examples=40)
def test_propagation_is_phi_p_phi_transposed(seed):
    rng = np.random.default_rng(seed)
    flight = Flight(seed)
    P = random_covariance(rng, SIGMAS)
    phi = dense_transition(flight.q, flight.step())
    expected = phi @ P @ phi.T
    propagate(P, flight.q, flight.step())
    scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    assert np.abs((P - expected) / scale).max() < 1e-12
    assert np.array_equal(P, P.T)


def test_under_no_force_accelerometer_errors_do_not_grow_into_velocity():
    flight = Flight(0)
    step = flight.step()._replace(forced_s=0.0, dv_z_B_mps=0.0, dv_I_mps=(0.0, 0.0, 0.0))
    phi = dense_transition(flight.q, step)
    assert np.array_equal(phi[R, BA], np.zeros((3, 3)))
    assert np.array_equal(phi[V, BA], np.zeros((3, 3)))
    assert np.abs(phi[TH, BG]).max() > 0.01


# --- the scalar update -------------------------------------------------------------------


def random_row(rng):
    """A row of the measurement: position, velocity, attitude and terrain."""
    H = np.zeros(N_ALL)
    H[:9] = rng.standard_normal(9) / SIGMAS[:9]
    H[HT] = rng.standard_normal(1) / SIGMAS[HT]
    return H


@given(st.integers(0, 2**32), st.floats(1e-4, 1e2))
@settings(max_examples=60)
def test_an_update_is_that_of_schmidt_and_kalman(seed, noise):
    rng = np.random.default_rng(seed)
    P = random_covariance(rng, SIGMAS)
    H = random_row(rng)
    gain = schmidt_gain(P, H, noise, N_STATES)
    expected = joseph_update(P, H, noise, gain)
    considered = P[N_STATES:, N_STATES:].copy()
    PHt, dx = np.zeros(N_ALL), rng.standard_normal(N_STATES)
    before, innovation = dx.copy(), 3.0
    HPHt = project(PHt, P, H)
    assert HPHt == pytest.approx(H @ P @ H, rel=1e-10)
    assert np.allclose(PHt, P @ H, rtol=1e-9, atol=1e-12)
    fuse(P, dx, PHt, HPHt + noise, innovation)
    scale = np.outer(SIGMAS, SIGMAS)
    assert np.abs((P - expected) / scale).max() < 1e-10
    assert np.allclose((dx - before) / SIGMAS[:N_STATES], 3.0 * gain[:N_STATES] / SIGMAS[:N_STATES])
    assert np.array_equal(P, P.T)
    assert np.array_equal(P[N_STATES:, N_STATES:], considered)


def direction(rng):
    up = rng.standard_normal(3)
    return up / np.linalg.norm(up)


@given(st.integers(0, 2**32), st.floats(1e-4, 1e2), st.sampled_from([0.0, 1e3]))
@settings(max_examples=60)
def test_a_vertical_update_moves_height_and_terrain_and_an_uncertain_rate(seed, noise, doubt_mps):
    rng = np.random.default_rng(seed)
    P = random_covariance(rng, SIGMAS)
    H, up = random_row(rng), direction(rng)
    gain = vertical_gain(P, H, noise, up, doubt_mps)
    assert variance_along(P, 3, as_tuple(up)) == pytest.approx(up @ P[V, V] @ up)
    expected = joseph_update(P, H, noise, gain)
    considered = P[N_STATES:, N_STATES:].copy()
    grid, history = GRID.new(P=P), HISTORY.new(K=rng.standard_normal(N_STATES))
    P, dx = grid.P, history.dx
    S = project(history.PHt, P, H) + noise
    fuse_vertical(grid, history, S, 3.0, as_tuple(up), doubt_mps)
    assert np.abs((P - expected) / np.outer(SIGMAS, SIGMAS)).max() < 1e-10
    assert np.allclose(dx / SIGMAS[:N_STATES], 3.0 * gain[:N_STATES] / SIGMAS[:N_STATES])
    assert np.any(dx[V] != 0.0) == (doubt_mps == 0.0)
    assert np.array_equal(P, P.T)
    assert np.array_equal(P[N_STATES:, N_STATES:], considered)


def test_the_descent_rate_is_uncertain_from_its_limit_on():
    P, up = np.diag(SIGMAS**2), np.array([0.0, 0.6, 0.8])
    P[V, V] = np.diag([9.0, 0.04, 0.04])  # across it is poorly known, which does not count
    assert variance_along(P, 3, as_tuple(up)) == pytest.approx(0.04)
    P[R, V] = P[V, R] = np.eye(3)
    H = np.zeros(N_ALL)
    H[R] = up
    for doubt_mps, moved in ((0.19, True), (0.21, False)):
        grid, history = GRID.new(P=P), HISTORY.new()
        S = project(history.PHt, P, H) + 1.0
        fuse_vertical(grid, history, S, 1.0, as_tuple(up), doubt_mps)
        assert np.any(history.dx[V] != 0.0) == moved


@pytest.mark.parametrize("seed", range(4))
def test_hundreds_of_steps_keep_the_covariance_a_covariance(seed):
    rng = np.random.default_rng(seed)
    grid, history = GRID.new(P=random_covariance(rng, SIGMAS)), HISTORY.new()
    P = grid.P
    considered = P[N_STATES:, N_STATES:].copy()
    for n in range(400):
        flight = Flight(1000 * seed + n % 7)
        propagate(P, flight.q, flight.step())
        add_noise(P, 3, 1e-10)
        add_noise(P, 6, 1e-14)
        H = random_row(rng)
        S = project(history.PHt, P, H) + 10.0 ** rng.uniform(-4.0, 2.0)
        if seed % 2:
            fuse(P, history.dx, history.PHt, S, 0.0)
        else:
            fuse_vertical(grid, history, S, 0.0, as_tuple(direction(rng)), 0.3)
    assert np.array_equal(P, P.T)
    assert np.array_equal(P[N_STATES:, N_STATES:], considered)
    correlation = P / np.sqrt(np.outer(np.diag(P), np.diag(P)))
    assert np.linalg.eigvalsh(correlation).min() > -1e-9
    assert np.all(np.diag(P) > 0.0)
    assert seed % 2 == 0 or np.all(np.diag(P)[:9] < SIGMAS[:9] ** 2)


def test_noise_enters_three_diagonal_elements_and_nothing_else():
    P = np.zeros((N_ALL, N_ALL))
    add_noise(P, 3, 0.25)
    assert np.array_equal(P, np.diag([0.0] * 3 + [0.25] * 3 + [0.0] * 16))
