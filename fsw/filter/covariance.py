"""Covariance of the navigation error, with consider parameters (Schmidt).

Error state, 16 numbers: position, velocity and attitude error in inertial components
(q_true = exp(theta_I) q), gyroscope bias, accelerometer bias, terrain height. Six more are
considered but never estimated: the accelerometer's response to thrust (misalignment x, y and
scale z) and the gyroscope's response to pitch rate (about y_B, the axis about which the
descent turns). They are constants of the hardware that a descent cannot tell from attitude
error, yet make up half of its velocity error: leaving them out makes the filter overconfident,
and white noise in their place has the wrong growth. Their own covariance never changes.
Schmidt 1966; Carpenter and D'Souza, NASA/TP-2018-219822, chapter on consider states.

The transition over one grid step has the blocks
    r' = r + dt v + dt/2 (dt G r + u)       u  = theta x dv_I - R (dt_f b_a + dv_z c_a)
    v' = v + dt G r + u                     th' = theta - R (dt b_g + dth_y c_g)
and leaves the rest alone, so P -> Phi P Phi' touches nine rows and nine columns.
"""

from typing import NamedTuple

from fsw.framework.kernel import kernel
from fsw.mathlib.vectors import add3, add_scaled3, cross3, scale3, sub3

R0, V0, TH0, BG0, BA0, HT, CA0, CG0 = 0, 3, 6, 9, 12, 15, 16, 19
N_STATES = 16
N_ALL = 22


class Step(NamedTuple):
    """One grid step, as the covariance sees it.

    dt_s: its length; forced_s: its part under force. dv_z_B_mps: delta-v along the thrust axis;
    dtheta_y_B_rad: pitch turned, body axes. tide_ps2, up_I: gravity gradient as in
    fsw.models.gravity. dv_I_mps: delta-v of specific force, inertial components.
    """

    dt_s: float
    forced_s: float
    dv_z_B_mps: float
    dtheta_y_B_rad: float
    tide_ps2: float
    up_I: tuple[float, float, float]
    dv_I_mps: tuple[float, float, float]


class Column(NamedTuple):
    """One column of P by its parts; the terrain's part drives no other."""

    r: tuple[float, float, float]
    v: tuple[float, float, float]
    theta: tuple[float, float, float]
    gyro_bias: tuple[float, float, float]
    accel_bias: tuple[float, float, float]
    accel_consider: tuple[float, float, float]
    gyro_consider: tuple[float, float, float]


@kernel
def _transition(p, step, R_IB):
    """One column of P through Phi: its new (r, v, theta) parts."""
    dt = step.dt_s
    up = step.up_I
    along = 3.0 * (up[0] * p.r[0] + up[1] * p.r[1] + up[2] * p.r[2])
    tidal = scale3(add_scaled3(scale3(p.r, -1.0), up, along), step.tide_ps2 * dt)
    sensed = add3(scale3(p.accel_bias, step.forced_s), scale3(p.accel_consider, step.dv_z_B_mps))
    u = add3(tidal, sub3(cross3(p.theta, step.dv_I_mps), _rotate(R_IB, sensed)))
    drift = add3(scale3(p.gyro_bias, dt), scale3(p.gyro_consider, step.dtheta_y_B_rad))
    return (
        add_scaled3(add_scaled3(p.r, p.v, dt), u, 0.5 * dt),
        add3(p.v, u),
        sub3(p.theta, _rotate(R_IB, drift)),
    )


@kernel
def _rotate(R, v):
    """Matrix, as nine numbers by rows, times vector."""
    return (
        R[0] * v[0] + R[1] * v[1] + R[2] * v[2],
        R[3] * v[0] + R[4] * v[1] + R[5] * v[2],
        R[6] * v[0] + R[7] * v[1] + R[8] * v[2],
    )


@kernel
def _matrix(q):
    """Rotation matrix of a unit quaternion, by rows."""
    w, x, y, z = q[0], q[1], q[2], q[3]
    return (
        1.0 - 2.0 * (y * y + z * z),
        2.0 * (x * y - w * z),
        2.0 * (x * z + w * y),
        2.0 * (x * y + w * z),
        1.0 - 2.0 * (x * x + z * z),
        2.0 * (y * z - w * x),
        2.0 * (x * z - w * y),
        2.0 * (y * z + w * x),
        1.0 - 2.0 * (x * x + y * y),
    )


@kernel
def propagate(P, q_IB, step):
    """P -> Phi P Phi' over one grid step, process noise apart."""
    R_IB = _matrix(q_IB)
    for j in range(N_ALL):
        column = Column(
            (P[0, j], P[1, j], P[2, j]),
            (P[3, j], P[4, j], P[5, j]),
            (P[6, j], P[7, j], P[8, j]),
            (P[9, j], P[10, j], P[11, j]),
            (P[12, j], P[13, j], P[14, j]),
            (P[16, j], P[17, j], P[18, j]),
            (P[19, j], P[20, j], P[21, j]),
        )
        r, v, th = _transition(column, step, R_IB)
        for i in range(3):
            P[R0 + i, j] = r[i]
            P[V0 + i, j] = v[i]
            P[TH0 + i, j] = th[i]
    for i in range(9):
        row = Column(
            (P[i, 0], P[i, 1], P[i, 2]),
            (P[i, 3], P[i, 4], P[i, 5]),
            (P[i, 6], P[i, 7], P[i, 8]),
            (P[i, 9], P[i, 10], P[i, 11]),
            (P[i, 12], P[i, 13], P[i, 14]),
            (P[i, 16], P[i, 17], P[i, 18]),
            (P[i, 19], P[i, 20], P[i, 21]),
        )
        r, v, th = _transition(row, step, R_IB)
        for j in range(3):
            P[i, R0 + j] = r[j]
            P[i, V0 + j] = v[j]
            P[i, TH0 + j] = th[j]
    for i in range(9):
        for j in range(i + 1, N_ALL):
            P[j, i] = P[i, j]


@kernel
def add_noise(P, first, variance):
    """Add a variance to three consecutive diagonal elements."""
    for i in range(3):
        P[first + i, first + i] += variance


@kernel
def project(PHt, P, H):
    """PHt = P H' and the scalar H P H', for a row H that sees no bias: r, v, theta, terrain."""
    for i in range(N_ALL):
        total = P[i, HT] * H[HT]
        for j in range(BG0):
            total += P[i, j] * H[j]
        PHt[i] = total
    HPHt = H[HT] * PHt[HT]
    for j in range(BG0):
        HPHt += H[j] * PHt[j]
    return HPHt


@kernel
def fuse(P, dx, PHt, S, innovation):
    """Scalar update: moves the error estimate dx and P; considered parameters stay.

    The gain on the states is optimal, so that the Joseph form collapses to the short one.
    """
    for i in range(N_STATES):
        gain = PHt[i] / S
        dx[i] += gain * innovation
        for j in range(i, N_ALL):
            P[i, j] -= gain * PHt[j]
            P[j, i] = P[i, j]


@kernel
def variance_along(P, first, up):
    """Variance of three consecutive states along a unit vector."""
    total = 0.0
    for i in range(3):
        for j in range(3):
            total += up[i] * up[j] * P[first + i, first + j]
    return total


@kernel
def fuse_vertical(grid, history, S, innovation, up, rate_doubt_mps):
    """Scalar update of height and terrain, and of the descent rate while it is uncertain.

    S: variance of the innovation; history.PHt: P H'. A range observes attitude and horizontal
    motion through correlations alone, and a false range would corrupt them, with nothing on board
    to correct them again. So those states are considered, like the hardware's constants: the gain
    is restricted to the vertical, and P follows the Joseph form, which holds for any gain. The
    same goes for the descent rate while inertial navigation knows it better than rate_doubt_mps:
    a range that drifts would make it wrong where it matters most, at touchdown.
    """
    P = grid.P
    dx = history.dx
    PHt = history.PHt
    K = history.K
    for i in range(N_STATES):
        K[i] = 0.0
    rise = (up[0] * PHt[R0] + up[1] * PHt[R0 + 1] + up[2] * PHt[R0 + 2]) / S
    climb = 0.0
    if variance_along(P, V0, up) > rate_doubt_mps * rate_doubt_mps:
        climb = (up[0] * PHt[V0] + up[1] * PHt[V0 + 1] + up[2] * PHt[V0 + 2]) / S
    for i in range(3):
        K[R0 + i] = up[i] * rise
        K[V0 + i] = up[i] * climb
    K[HT] = PHt[HT] / S
    for i in range(N_STATES):
        dx[i] += K[i] * innovation
        for j in range(i, N_STATES):
            P[i, j] += K[i] * K[j] * S - K[i] * PHt[j] - PHt[i] * K[j]
            P[j, i] = P[i, j]
        for j in range(N_STATES, N_ALL):
            P[i, j] -= K[i] * PHt[j]
            P[j, i] = P[i, j]
