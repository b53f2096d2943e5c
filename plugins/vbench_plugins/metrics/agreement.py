"""Do synthetic labels lie where the synthetic image has its vessels?"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from vbench import FidelityMetric, Params, Patches, Score, param
from vbench.interfaces import Count
from vbench.layout import image_channels, label_of

Floats = npt.NDArray[Any]
Bools = npt.NDArray[np.bool_]
#: Smoothing, in voxels, at which a voxel's features are taken.
_SCALES = (0.0, 1.0, 2.0)
#: Voxels that are expanded together.
_CHUNK = 1 << 15


class AgreementParams(Params):
    """Parameters."""

    patches: int = param(300, "Patches of each set at most, drawn at random.", ge=1)


class LabelAgreement(FidelityMetric):
    """Dice of what was fitted on real pairs, on synthetic pairs; higher is better.

    In [0, 1]. What was fitted is the segmenter whose features are compared, with its threshold;
    the floor is then its Dice on real pairs that it was fitted on. Without one, it is a ridge
    regression on intensity, slope and curvature at three scales and their products, with the
    threshold that is best on the real pairs: simple enough to be fitted in a second, and the
    floor says what it reaches on real pairs that it has not seen; it looks at the first channel. Of
    several classes all vessels are taken together. No vessel in either set: 0, not defined.
    """

    name = "label-agreement"
    classes: ClassVar[Count] = "any"
    channels: ClassVar[Count] = "any"
    version = 2
    higher_is_better = True
    Params = AgreementParams

    def score(self, synthetic: Patches, real: Patches, *, features: Any, seed: int) -> Score:
        """Score one set of synthetic patches."""
        rng = np.random.default_rng(seed)
        segment = getattr(features, "segment", None)
        if segment is not None:
            taken = _taken(synthetic, self.params.patches, rng)
            truth = label_of(taken) > 0.5
            return Score(_dice(segment(taken), truth), defined=bool(truth.any()))
        synthetic_sees, synthetic_truth = _voxels(synthetic, self.params.patches, rng)
        real_sees, real_truth = _voxels(real, self.params.patches, rng)
        if not synthetic_truth.any() or not real_truth.any():
            return Score(0.0, defined=False)
        mean, deviation = real_sees.mean(axis=0), real_sees.std(axis=0) + 1e-6
        real_sees = (real_sees - mean) / deviation
        model = _fit(real_sees, real_truth)
        response = _apply(real_sees, model)
        limits = np.quantile(response, np.linspace(0, 1, 129)[1:-1])
        limit = max(limits, key=lambda limit: _dice(response >= limit, real_truth))
        found = _apply((synthetic_sees - mean) / deviation, model) >= limit
        return Score(_dice(found, synthetic_truth))


def _taken(patches: Patches, most: int, rng: np.random.Generator) -> Floats:
    """Return at most ``most`` patches, drawn at random."""
    return patches.take(np.sort(rng.permutation(len(patches))[:most]))


def _voxels(patches: Patches, most: int, rng: np.random.Generator) -> tuple[Floats, Bools]:
    """Return what the classifier sees of every voxel, ``(voxels, columns)``, and the labels."""
    from scipy.ndimage import gaussian_filter

    taken = _taken(patches, most, rng)
    image = image_channels(taken)[:, 0]
    columns = []
    for scale in _SCALES:
        smooth = gaussian_filter(image, (0.0, *(scale,) * (image.ndim - 1)))
        axes = [axis for axis in range(1, image.ndim) if image.shape[axis] > 1]
        slopes = [np.gradient(smooth, axis=axis) for axis in axes]
        bends = [np.gradient(s, axis=axis) for s, axis in zip(slopes, axes, strict=True)]
        columns += [smooth, np.sqrt(sum(s**2 for s in slopes)), sum(bends)]
    return np.stack(columns, axis=-1).reshape(-1, len(columns)), label_of(taken).ravel() > 0.5


def _expand(seen: Floats) -> Floats:
    """Return a constant, the columns and all products of two."""
    first, second = np.triu_indices(seen.shape[1])
    products = seen[:, first] * seen[:, second]
    return np.hstack([np.ones((len(seen), 1), seen.dtype), seen, products])


def _fit(seen: Floats, truth: Bools) -> Floats:
    """Fit a ridge regression in which vessel and other voxels weigh the same."""
    share = float(truth.mean())
    weight = np.where(truth, 0.5 / share, 0.5 / max(1e-9, 1 - share)).astype(np.float32)
    gram: Floats = np.zeros(())
    moment: Floats = np.zeros(())
    for first in range(0, len(seen), _CHUNK):
        part = slice(first, first + _CHUNK)
        x = _expand(seen[part]).astype(np.float64)
        weighted = x * weight[part, None]
        gram = gram + weighted.T @ x
        moment = moment + weighted.T @ truth[part]
    return np.linalg.solve(gram + 1e-3 * len(seen) * np.eye(len(gram)), moment)


def _apply(seen: Floats, model: Floats) -> Floats:
    parts = range(0, len(seen), _CHUNK)
    return np.concatenate([_expand(seen[i : i + _CHUNK]) @ model for i in parts])


def _dice(first: Bools, second: Bools) -> float:
    total = np.count_nonzero(first) + np.count_nonzero(second)
    return 2 * np.count_nonzero(first & second) / total if total else 0.0
