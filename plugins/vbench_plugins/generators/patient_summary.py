"""A patient in a few bounded numbers, and their mean over patients with differential privacy.

What can be learnt of a dozen patients at a small epsilon is a handful of numbers, since the noise
grows with the root of how many there are. These describe what images look like and how much vessel
they show. Each is brought to [0, 1] by limits that are fixed here, without looking at any patient,
and cut there; a patient's share of the sum is therefore bounded, whatever the scan.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from vbench.layout import image_of, label_of
from vbench.types import Array, Patches

Floats = npt.NDArray[np.float64]

#: What is measured, and the limits between which it is told. Brightness runs from 0 to 1; of what
#: may be small the root is told, since noise of one size would drown it.
LIMITS: Mapping[str, tuple[float, float]] = {
    "background, root of the 10th percentile of brightness": (0.0, 0.8),
    "background, root of the median": (0.0, 0.8),
    "background, root of the 90th percentile": (0.0, 0.8),
    "vessel, root of the 10th percentile of brightness": (0.2, 1.0),
    "vessel, root of the median": (0.2, 1.0),
    "vessel, root of the 90th percentile": (0.2, 1.0),
    "vessel, root of the share of voxels": (0.0, 0.6),
    "vessel, share of voxels at its border": (0.2, 1.0),
    "outside of the mask, root of the share of voxels": (0.0, 0.8),
    "root of the deviation of the noise": (0.0, 0.3),
}
#: Intensity up to which a voxel lies outside of the mask.
_OUTSIDE = -0.995
#: How much of a patient's share of the sum counts patients, in units of the largest deviation of
#: one number from its middle.
_COUNT = 1.5
#: Patches that are read at once.
_CHUNK = 256


def summary(patches: Array) -> Floats:
    """Describe one patient's patches: each of :data:`LIMITS` in [0, 1], the middle where unknown.

    Args:
        patches: ``(n, channels, *size)``.
    """
    image = np.clip(np.nan_to_num(image_of(patches), nan=-1.0), -1, 1)
    vessel = label_of(patches) > 0.5
    inside = image > _OUTSIDE
    background, blood = image[inside & ~vessel], image[inside & vessel]
    found = [
        *np.sqrt(_quantiles((background + 1) / 2)),
        *np.sqrt(_quantiles((blood + 1) / 2)),
        np.sqrt(vessel.mean()),
        _border(vessel),
        np.sqrt(1 - inside.mean()),
        np.sqrt(_noise(image, inside & ~vessel)),
    ]
    low, high = np.array(list(LIMITS.values())).T
    share: Floats = (np.array(found, np.float64) - low) / (high - low)
    return np.clip(np.nan_to_num(share, nan=0.5), 0, 1)


def _quantiles(values: Array) -> Array:
    if not values.size:
        return np.full(3, np.nan)
    return np.quantile(values, (0.1, 0.5, 0.9))


def _border(vessel: Array) -> float:
    """Return which share of the vessel voxels touches others across a face, within the patch."""
    deep = vessel.copy()
    for axis in range(1, vessel.ndim):
        for shift in (-1, 1):
            beside = np.roll(vessel, shift, axis)
            edge = [slice(None)] * vessel.ndim
            edge[axis] = slice(None, 1) if shift == 1 else slice(-1, None)
            beside[tuple(edge)] = True
            deep &= beside
    return float(1 - deep.sum() / vessel.sum()) if vessel.any() else float("nan")


def _noise(image: Array, where: Array) -> float:
    """Return the deviation of the noise: half of neighbours' differences are below 0.954 of it."""
    steps = np.abs(np.diff(image, axis=1))[where[:, 1:] & where[:, :-1]]
    return float(np.median(steps) / 0.954) if steps.size else float("nan")


def share_of(patches: Array) -> Floats:
    """Return what one patient adds to the sum: at most :func:`longest` long, a count at its end."""
    share = np.append(summary(patches) - 0.5, _COUNT / 2)
    # Rounding must not make it longer than it may be.
    return share / max(1.0, float(np.linalg.norm(share)) / longest())


def longest() -> float:
    """Return how long :func:`share_of` can be, whatever the patient."""
    return float(np.sqrt(len(LIMITS) + _COUNT**2) / 2)


def private_mean(patches: Patches, noise: float, rng: np.random.Generator) -> Floats:
    """Return the mean of the patients' summaries, with differential privacy for each patient.

    The sum over patients, and their number beside it, come out of one Gaussian mechanism: nothing
    else is asked of them.

    Args:
        patches: Of all patients.
        noise: Deviation of the noise, in units of :func:`longest`.
        rng: Draws the noise.

    Returns:
        In [0, 1], as :func:`summary`.
    """
    owner = np.asarray(patches.subject_index)
    total = np.zeros(len(LIMITS) + 1)
    for person in np.unique(owner):
        total += share_of(_read(patches, np.flatnonzero(owner == person)))
    total += noise * longest() * rng.standard_normal(len(total))
    people = max(1.0, total[-1] / (_COUNT / 2))
    mean = np.clip(total[:-1] / people + 0.5, 0, 1)
    for first in (0, 3):  # percentiles rise
        mean[first : first + 3] = np.sort(mean[first : first + 3])
    return mean


def _read(patches: Patches, index: npt.NDArray[np.intp]) -> Array:
    parts = [patches.take(index[at : at + _CHUNK]) for at in range(0, len(index), _CHUNK)]
    return np.concatenate(parts)
