"""The shape of the brain: signed distances to its parts, on a coarse grid that is cheap to read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vbench.types import Array

#: Centre and half-axes in mm of the ellipsoids that make up each part of the right half.
_CEREBRUM = (
    ((31.0, -17.0, 22.0), (37.0, 86.0, 53.0)),
    ((44.0, -12.0, -20.0), (22.0, 40.0, 21.0)),
    ((22.0, 38.0, 0.0), (28.0, 32.0, 26.0)),
    ((28.0, -62.0, 6.0), (32.0, 40.0, 34.0)),
)
_REST = (
    ((0.0, -58.0, -36.0), (50.0, 33.0, 24.0)),  # cerebellum
    ((0.0, -24.0, -40.0), (15.0, 14.0, 32.0)),  # brain stem
    ((0.0, -2.0, -22.0), (34.0, 30.0, 19.0)),  # basal cisterns, carotid siphons
    ((0.0, -17.0, 24.0), (44.0, 86.0, 51.0)),  # the cleft
)
_VENTRICLES = (
    ((9.0, 6.0, 16.0), (6.0, 26.0, 7.0)),
    ((17.0, -34.0, 14.0), (7.0, 16.0, 8.0)),
    ((28.0, -26.0, -8.0), (4.0, 18.0, 5.0)),
    ((0.0, -16.0, 0.0), (2.5, 13.0, 9.0)),
)
_MARROW = (
    ((0.0, -8.0, -36.0), (9.0, 3.0, 9.0)),  # dorsum sellae and clivus
    ((11.0, 14.0, -24.0), (3.0, 5.0, 2.5)),  # anterior clinoid processes
)
#: Half the width of the cleft between the hemispheres, mm.
CLEFT = 1.5


def ellipsoid(points: Array, centre: npt.ArrayLike, axes: npt.ArrayLike) -> Array:
    """Approximate signed distance in mm to an ellipsoid, negative inside; exact near its surface.

    Args:
        points: ``(..., 3)`` in mm.
        centre: Its centre in mm.
        axes: Its half-axes in mm.
    """
    scaled = (points - np.asarray(centre, np.float32)) / np.asarray(axes, np.float32)
    near = np.sqrt((scaled**2).sum(-1)) + 1e-6
    steep = np.sqrt(((scaled / np.asarray(axes, np.float32)) ** 2).sum(-1)) + 1e-6
    distance: Array = near * (near - 1.0) / steep
    return distance


def _union(parts: list[Array], blend: float) -> Array:
    """Return the signed distance to a union with its creases filled over ``blend`` mm."""
    total = parts[0]
    for part in parts[1:]:
        h = np.clip(0.5 + 0.5 * (part - total) / blend, 0.0, 1.0)
        total = part + h * (total - part) - blend * h * (1.0 - h)
    return total


def cerebrum(points: Array) -> Array:
    """Signed distance in mm to the cerebrum, the cleft between its halves left out."""
    mirrored = np.concatenate([np.abs(points[..., :1]), points[..., 1:]], axis=-1)
    halves = _union([ellipsoid(mirrored, c, a) for c, a in _CEREBRUM], 6.0)
    return np.maximum(halves, CLEFT - mirrored[..., 0])


def envelope(points: Array) -> Array:
    """Signed distance in mm to all that a brain mask covers: smooth, without cleft."""
    mirrored = np.concatenate([np.abs(points[..., :1]), points[..., 1:]], axis=-1)
    parts = [ellipsoid(mirrored, c, a) for c, a in (*_CEREBRUM, *_REST)]
    return _union(parts, 14.0)


def parenchyma(points: Array) -> Array:
    """Signed distance in mm to brain tissue: cerebrum, cerebellum and brain stem."""
    parts = [cerebrum(points), *(ellipsoid(points, c, a) for c, a in _REST[:2])]
    return np.minimum.reduce(parts)


def ventricles(points: Array) -> Array:
    """Signed distance in mm to the lateral and third ventricles."""
    mirrored = np.concatenate([np.abs(points[..., :1]), points[..., 1:]], axis=-1)
    parts = [ellipsoid(mirrored, c, a) for c, a in _VENTRICLES]
    return _union(parts, 4.0)


def marrow(points: Array) -> Array:
    """Signed distance in mm to the fatty marrow of the skull base, amid the basal cisterns."""
    mirrored = np.concatenate([np.abs(points[..., :1]), points[..., 1:]], axis=-1)
    return np.minimum.reduce([ellipsoid(mirrored, c, a) for c, a in _MARROW])


@dataclass(frozen=True)
class Warp:
    """How one subject's head lies and how large it is: world = matrix @ template + shift.

    Attributes:
        matrix: ``(3, 3)``: scales and a small rotation.
        shift: ``(3,)`` in mm.
    """

    matrix: Array
    shift: Array

    def to_world(self, points: Array) -> Array:
        """Map template points ``(..., 3)`` to the subject's."""
        return points @ self.matrix.T + self.shift

    def to_template(self, points: Array) -> Array:
        """Map the subject's points ``(..., 3)`` to the template."""
        return (points - self.shift) @ np.linalg.inv(self.matrix).T


def draw_warp(rng: np.random.Generator) -> Warp:
    """Draw the size (sd 3 %), tilt (sd 3°) and place (sd 2 mm) of a head."""
    scale = np.exp(rng.normal(0.0, 0.03, 3))
    ax, ay, az = np.radians(rng.normal(0.0, 3.0, 3))
    rx = np.array([[1, 0, 0], [0, np.cos(ax), -np.sin(ax)], [0, np.sin(ax), np.cos(ax)]])
    ry = np.array([[np.cos(ay), 0, np.sin(ay)], [0, 1, 0], [-np.sin(ay), 0, np.cos(ay)]])
    rz = np.array([[np.cos(az), -np.sin(az), 0], [np.sin(az), np.cos(az), 0], [0, 0, 1]])
    return Warp(rz @ ry @ rx @ np.diag(scale), rng.normal(0.0, 2.0, 3))
