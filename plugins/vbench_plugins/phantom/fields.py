"""Smooth random fields, and a coarse grid on which smooth things are computed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vbench.types import Array
from vbench_plugins.phantom.render import Grid

#: Step of the coarse grid, mm.
COARSE = 2.0


def rise(field: Array, width: float) -> Array:
    """Rise from 0 to 1 over ``width`` around 0."""
    return np.clip(field * np.float32(1 / width) + np.float32(0.5), 0, 1)


@dataclass(frozen=True)
class Waves:
    """A smooth random field, mean 0, sd 1: a sum of plane waves, the same on any grid.

    Attributes:
        vectors: ``(n, 3)``, radians per mm.
        phases: ``(n,)``, radians.
    """

    vectors: Array
    phases: Array

    def __call__(self, grid: Grid) -> Array:
        """Return the field on a grid, float32 ``(X, Y, Z)``."""
        x, y, z = (
            np.exp(1j * np.outer(self.vectors[:, k], axis)).astype(np.complex64)
            for k, axis in enumerate(grid.axes())
        )
        z *= np.exp(1j * self.phases).astype(np.complex64)[:, None]
        total = np.zeros(grid.shape, np.float32)
        for wave in range(len(self.phases)):
            plane = np.multiply.outer(x[wave], y[wave])
            total += np.multiply.outer(plane.real, z[wave].real)
            total -= np.multiply.outer(plane.imag, z[wave].imag)
        return total * np.float32(np.sqrt(2.0 / len(self.phases)))


def draw_waves(rng: np.random.Generator, count: int, wavelength: tuple[float, float]) -> Waves:
    """Draw a field of ``count`` waves with lengths in this range, mm, in random directions."""
    direction = rng.normal(size=(count, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    number = 2 * np.pi / rng.uniform(*wavelength, count)
    return Waves(direction * number[:, None], rng.uniform(0, 2 * np.pi, count))


@dataclass(frozen=True)
class Coarse:
    """A coarse grid that covers a fine one.

    Attributes:
        grid: The coarse grid.
        target: The fine one.
    """

    grid: Grid
    target: Grid

    @property
    def points(self) -> Array:
        """The places of the coarse grid's nodes, float32 ``(X, Y, Z, 3)``, mm."""
        return np.stack(np.meshgrid(*self.grid.axes(), indexing="ij"), axis=-1).astype(np.float32)

    def fine(self, field: Array) -> Array:
        """Interpolate a field of the coarse grid linearly to the fine one, float32."""
        axes = self.target.axes()
        # The first axis last: whole planes are copied when the array is largest.
        for axis in (2, 1, 0):
            at = (axes[axis] - self.grid.origin[axis]) / COARSE
            base = np.clip(at.astype(int), 0, self.grid.shape[axis] - 2)
            weight = (at - base).astype(np.float32)
            weight = weight.reshape([-1 if a == axis else 1 for a in range(3)])
            low, high = field.take(base, axis), field.take(base + 1, axis)
            high -= low
            high *= weight
            low += high
            field = low
        return field


def coarse(target: Grid) -> Coarse:
    """Lay a coarse grid over a fine one."""
    extent = [(n - 1) * s for n, s in zip(target.shape, target.spacing, strict=True)]
    shape = tuple(int(np.ceil(e / COARSE)) + 2 for e in extent)
    return Coarse(Grid((shape[0], shape[1], shape[2]), (COARSE,) * 3, target.origin), target)
