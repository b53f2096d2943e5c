"""Masks to score: tubes like vessels, noise, and shapes that tools get wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Case:
    """A pair to score.

    Attributes:
        name: What it is.
        prediction: One mask.
        truth: The other.
        spacing: Voxel edge lengths in mm.
    """

    name: str
    prediction: Mask
    truth: Mask
    spacing: tuple[float, ...]


def tubes(
    shape: tuple[int, ...], rng: np.random.Generator, n: int = 3, radius: float = 1.5
) -> Mask:
    """Draw smooth random tubes."""
    grid = np.stack(np.meshgrid(*(np.arange(s) for s in shape), indexing="ij"), -1)
    mask = np.zeros(shape, bool)
    for _ in range(n):
        place = rng.uniform(0, 1, len(shape)) * (np.array(shape) - 1)
        heading = rng.normal(size=len(shape))
        for _ in range(2 * max(shape)):
            heading += 0.2 * rng.normal(size=len(shape))
            place = place + heading / np.linalg.norm(heading)
            low = np.clip(np.floor(place - radius), 0, shape).astype(int)
            high = np.clip(np.ceil(place + radius) + 1, 0, shape).astype(int)
            near = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
            mask[near] |= ((grid[near] - place) ** 2).sum(-1) <= radius**2
    return mask


def straight(
    radius: float,
    direction: npt.ArrayLike,
    spacing: tuple[float, ...],
    rng: np.random.Generator,
    length: float,
) -> tuple[Mask, npt.NDArray[np.float64]]:
    """Draw a straight tube with flat ends, its middle anywhere within a voxel.

    Returns:
        The mask, and how far along the tube each voxel is, from the middle.
    """
    steps, heading = np.asarray(spacing, float), np.asarray(direction, float)
    heading = heading / np.linalg.norm(heading)
    count = np.ceil((np.abs(heading) * length + 2 * radius) / steps).astype(int) + 3
    middle = (count - 1) * steps / 2 + rng.uniform(-0.5, 0.5, len(steps)) * steps
    grid = np.stack(np.meshgrid(*map(np.arange, count), indexing="ij"), -1) * steps - middle
    along = grid @ heading
    away = np.linalg.norm(grid - along[..., None] * heading, axis=-1)
    return (away <= radius) & (np.abs(along) <= length / 2), along


def random_cases(n: int, seed: int) -> Iterator[Case]:
    """Yield pairs of tubes and of noise, 2D and 3D, anisotropic; neither mask is empty.

    Most are in Fortran order, as files give them.
    """
    rng = np.random.default_rng(seed)
    for number in range(n):
        ndim = 3 if number % 3 else 2
        shape = tuple(int(s) for s in rng.integers(2, 15, size=ndim))
        spacing = tuple(float(s) for s in rng.uniform(0.2, 2.5, size=ndim))
        if number % 2:
            radius = rng.uniform(0.6, 2.5)
            prediction = tubes(shape, rng, int(rng.integers(1, 3)), radius)
            truth = tubes(shape, rng, int(rng.integers(1, 3)), radius)
            if number % 4 == 1:  # alike, as a good segmentation is
                prediction = truth ^ (rng.random(shape) < 0.02)
        else:
            prediction = rng.random(shape) < rng.uniform(0.01, 0.99)
            truth = rng.random(shape) < rng.uniform(0.01, 0.99)
        for mask in (prediction, truth):
            if not mask.any():
                mask[tuple(s // 2 for s in shape)] = True
        if number % 5 < 3:  # as nibabel reads them
            prediction, truth = np.asfortranarray(prediction), np.asfortranarray(truth)
        yield Case(f"random {number}", prediction, truth, spacing)


def adversarial_cases() -> Iterator[Case]:
    """Yield pairs that tools get wrong; neither mask is empty."""
    spacing = (0.4, 0.7, 1.3)
    shape = (9, 8, 7)
    empty = np.zeros(shape, bool)

    def box(low: tuple[int, ...], high: tuple[int, ...]) -> Mask:
        mask = empty.copy()
        mask[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = True
        return mask

    full = ~empty
    first, last, middle = (
        box((0, 0, 0), (1, 1, 1)),
        box((8, 7, 6), (9, 8, 7)),
        box((4, 4, 3), (5, 5, 4)),
    )
    inner, outer = box((3, 3, 2), (6, 6, 5)), box((1, 1, 1), (8, 7, 6))
    hollow = outer & ~inner
    edge = box((0, 0, 0), (9, 2, 7))
    pairs = {
        "opposite corners": (first, last),
        "single voxel, same": (middle, middle),
        "single voxel and everything": (middle, full),
        "everything twice": (full, full),
        "one inside of the other": (inner, outer),
        "the other inside of the one": (outer, inner),
        "hollow and solid": (hollow, outer),
        "a core and its shell": (inner, hollow),
        "touching the border": (edge, outer),
        "a face apart": (box((0, 0, 0), (4, 8, 7)), box((4, 0, 0), (9, 8, 7))),
        "complement": (inner, ~inner),
        "checkerboard": (np.indices(shape).sum(0) % 2 == 0, np.indices(shape).sum(0) % 2 == 1),
    }
    for name, (prediction, truth) in pairs.items():
        yield Case(name, prediction, truth, spacing)
    for name in ("one inside of the other", "touching the border", "opposite corners"):
        prediction, truth = pairs[name]
        yield Case(f"{name}, 2D", prediction.any(2), truth.any(2), spacing[:2])
    thin = np.zeros((1, 1, 12), bool)
    ends = thin.copy()
    thin[..., 2:5], ends[..., -1] = True, True
    yield Case("a single line of voxels", thin, ends, spacing)


@st.composite
def pairs(draw: st.DrawFn) -> Case:
    """Draw a pair, 2D or 3D, anisotropic: anything, vessels, or a mask and what is near to it.

    Neither mask is empty. Hypothesis makes a failing pair as small as it can.
    """
    ndim = draw(st.sampled_from((2, 3)))
    spacing = tuple(draw(st.floats(0.2, 3)) for _ in range(ndim))
    kind = draw(st.sampled_from(("any", "vessels", "eroded", "dilated", "moved", "speckled")))
    if kind == "any":
        # One slice is scored in 2D here and in 3D by other tools: tests of slices hold that.
        shape = tuple(draw(st.integers(2 if ndim == 3 else 1, 6)) for _ in range(ndim))
        prediction, truth = (draw(hnp.arrays(np.bool_, shape)) for _ in range(2))
    else:
        shape = tuple(draw(st.integers(3, 20)) for _ in range(ndim))
        rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        axis = draw(st.integers(0, ndim - 1))
        truth = tubes(shape, rng, draw(st.integers(1, 3)), draw(st.floats(0.6, 3)))
        prediction = {
            "vessels": lambda: tubes(shape, rng, 2, 1.5),
            "eroded": lambda: ndimage.binary_erosion(truth),
            "dilated": lambda: ndimage.binary_dilation(truth),
            "moved": lambda: np.roll(truth, draw(st.integers(1, 4)), axis),
            "speckled": lambda: truth ^ (rng.random(shape) < 0.03),
        }[kind]()
    for mask in (prediction, truth):
        if not mask.any():
            mask[tuple(draw(st.integers(0, n - 1)) for n in shape)] = True
    if draw(st.booleans()):
        prediction, truth = np.asfortranarray(prediction), np.asfortranarray(truth)
    return Case(kind, prediction, truth, spacing)
