"""Rotations and the filter's algebra written out with NumPy, apart from the flight kernels."""

import math

import numpy as np


def about(axis, angle_rad):
    """Unit quaternion of a rotation, from the definition."""
    s = math.sin(0.5 * angle_rad)
    return (math.cos(0.5 * angle_rad), axis[0] * s, axis[1] * s, axis[2] * s)


def cross_matrix(a):
    """The matrix [a x]."""
    return np.array([[0.0, -a[2], a[1]], [a[2], 0.0, -a[0]], [-a[1], a[0], 0.0]])


def matrix_about(axis, angle_rad):
    """Matrix of a rotation, by Rodrigues' formula."""
    K = cross_matrix(axis)
    return np.eye(3) + math.sin(angle_rad) * K + (1.0 - math.cos(angle_rad)) * K @ K


def matrix_of(q):
    """Matrix of a unit quaternion, as the homogeneous form w^2 + vv' + ... has it."""
    w, v = q[0], np.array(q[1:])
    return (w * w - v @ v) * np.eye(3) + 2.0 * np.outer(v, v) + 2.0 * w * cross_matrix(v)


def vector_of(R):
    """Rotation vector of a matrix, for less than half a turn."""
    s = 0.5 * np.array([R[2, 1] - R[1, 2], R[0, 2] - R[2, 0], R[1, 0] - R[0, 1]])
    sine = float(np.linalg.norm(s))
    if sine == 0.0:
        return s
    return s / sine * math.atan2(sine, 0.5 * (float(np.trace(R)) - 1.0))


def turned(q, phi_I_rad):
    """Quaternion of exp(phi) q: phi is a rotation vector in the frame q leads to."""
    angle = float(np.linalg.norm(phi_I_rad))
    if angle == 0.0:
        return tuple(float(part) for part in q)
    p = about(np.asarray(phi_I_rad) / angle, angle)
    a, u = p[0], np.array(p[1:])
    b, v = q[0], np.array(q[1:])
    w, vector = a * b - u @ v, a * v + b * u + np.cross(u, v)
    return (float(w), *(float(part) for part in vector))


def inertial_to_fixed(omega_radps, t_ns):
    """Columns are the inertial axes in Moon-fixed components: the Moon turns eastwards."""
    angle = omega_radps * t_ns * 1e-9
    s, c = math.sin(angle), math.cos(angle)
    return np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])


def local_to_fixed(latitude_deg, longitude_deg):
    """Columns are east, north and up in Moon-fixed components."""
    sa, ca = math.sin(math.radians(latitude_deg)), math.cos(math.radians(latitude_deg))
    so, co = math.sin(math.radians(longitude_deg)), math.cos(math.radians(longitude_deg))
    return np.array([[-so, -sa * co, ca * co], [co, -sa * so, ca * so], [0.0, ca, sa]])


def joseph_update(P, H, R, gain):
    """P after a scalar update with any gain."""
    A = np.eye(len(P)) - np.outer(gain, H)
    return A @ P @ A.T + R * np.outer(gain, gain)


def schmidt_gain(P, H, R, states):
    """The gain that corrects the first `states` and considers the rest."""
    gain = P @ H / (H @ P @ H + R)
    gain[states:] = 0.0
    return gain


def vertical_gain(P, H, R, up, rate_doubt_mps):
    """The gain that corrects height, terrain (15), and the descent rate while it is in doubt."""
    best = P @ H / (H @ P @ H + R)
    gain = np.zeros(len(P))
    gain[0:3] = up * (up @ best[0:3])
    if up @ P[3:6, 3:6] @ up > rate_doubt_mps**2:
        gain[3:6] = up * (up @ best[3:6])
    gain[15] = best[15]
    return gain


def random_covariance(rng, sigmas):
    """A covariance with these standard deviations and correlations of any size."""
    n = len(sigmas)
    A = rng.standard_normal((n, n + 3))
    P = A @ A.T
    scale = np.asarray(sigmas) / np.sqrt(np.diag(P))
    return P * np.outer(scale, scale)
