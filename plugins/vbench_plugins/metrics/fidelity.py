"""Distances between the distributions of synthetic and real patches, in a feature space.

Vectors are taken in units of the real patches' standard deviation, feature by feature; both sets
are of equal size. Each value means little by itself: the audit prints that of other real patches
(the floor) and of noise (the ceiling) beside it.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from vbench import FidelityMetric, Params, Patches, Score, param
from vbench.features import embed
from vbench.interfaces import Count

Floats = npt.NDArray[np.float64]


class FidelityParams(Params):
    """What all scores in a feature space have."""

    patches: int = param(2000, "Patches of each set at most, drawn at random.", ge=2)


class FeatureScore(FidelityMetric):
    """Base: a score of two sets of feature vectors; fewer than two patches are not defined."""

    Params = FidelityParams
    higher_is_better = False
    classes: ClassVar[Count] = "any"
    channels: ClassVar[Count] = "any"

    def score(self, synthetic: Patches, real: Patches, *, features: Any, seed: int) -> Score:
        """Score one set of synthetic patches."""
        rng = np.random.default_rng(seed)
        n = min(len(synthetic), len(real), self.params.patches)
        first, second = (
            embed(patches, features)[np.sort(rng.permutation(len(patches))[:n])]
            for patches in (synthetic, real)
        )
        spread = second.std(axis=0)
        # A feature without spread among real patches still tells them from others.
        spread = np.where(spread > 0, spread, np.maximum(first.std(axis=0), 1e-12))
        value = self.compare(
            (first - second.mean(axis=0)) / spread, (second - second.mean(axis=0)) / spread, rng
        )
        return Score(float(value), defined=n > 1)

    @abstractmethod
    def compare(self, synthetic: Floats, real: Floats, rng: np.random.Generator) -> float:
        """Score vectors ``(n, d)`` of both sets; the real ones have mean 0 and deviation 1."""


class FrechetDistance(FeatureScore):
    """Fréchet distance: squared distance of means plus that of covariances, of both sets.

    |μ₁ − μ₂|² + tr(Σ₁ + Σ₂ − 2(Σ₁Σ₂)^½), in squared standard deviations of real patches; lower is
    better, 0 is equal. Biased upwards for few patches, so compare only with the floor.
    """

    name = "fid"
    paper = "Heusel 2017, arXiv:1706.08500"

    def compare(self, synthetic: Floats, real: Floats, rng: np.random.Generator) -> float:
        """Score vectors ``(n, d)`` of both sets."""
        first, second = (
            np.atleast_2d(np.cov(x, rowvar=False)) if len(x) > 1 else np.zeros((x.shape[1],) * 2)
            for x in (synthetic, real)
        )
        values, vectors = np.linalg.eigh(first)
        root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
        middle = np.linalg.eigvalsh(root @ second @ root)
        means = ((synthetic.mean(axis=0) - real.mean(axis=0)) ** 2).sum()
        cross = 2 * np.sqrt(np.clip(middle, 0, None)).sum()
        return float(max(0.0, means + np.trace(first) + np.trace(second) - cross))


class KernelDistance(FeatureScore):
    """Kernel inception distance: unbiased squared MMD with the kernel (x·y / d + 1)³.

    A pure number; lower is better, 0 on average for equal distributions (it may be negative).
    """

    name = "kid"
    paper = "Binkowski 2018, arXiv:1801.01401"

    def compare(self, synthetic: Floats, real: Floats, rng: np.random.Generator) -> float:
        """Score vectors ``(n, d)`` of both sets."""
        width = synthetic.shape[1]
        return _unbiased(*((x @ y.T / width + 1) ** 3 for x, y in _couples(synthetic, real)))


class MaximumMeanDiscrepancy(FeatureScore):
    """Unbiased squared MMD with Gaussian kernels of half, one and two median real distances.

    A pure number; lower is better, 0 on average for equal distributions (it may be negative).
    """

    name = "mmd"
    paper = "Gretton 2012, JMLR 13:723"

    def compare(self, synthetic: Floats, real: Floats, rng: np.random.Generator) -> float:
        """Score vectors ``(n, d)`` of both sets."""
        squared = [_squared_distances(x, y) for x, y in _couples(synthetic, real)]
        among = squared[1][np.triu_indices(len(real), 1)]
        median = float(np.median(among)) if among.size else 0.0
        median = median if median > 0 else 1.0
        kernels = (
            sum((np.exp(-s / (2 * f * f * median)) for f in (0.5, 1, 2)), np.zeros_like(s))
            for s in squared
        )
        return _unbiased(*(kernel / 3 for kernel in kernels))


class ClassifierTest(FeatureScore):
    """Classifier two-sample test: accuracy of telling synthetic from real patches, in [0, 1].

    Lower is better: 0.5 means that they cannot be told apart. A ridge classifier on the features
    and their squares, by five-fold cross-validation.
    """

    name = "c2st"
    paper = "Lopez-Paz 2017, arXiv:1610.06545"

    def compare(self, synthetic: Floats, real: Floats, rng: np.random.Generator) -> float:
        """Score vectors ``(n, d)`` of both sets."""
        x = np.clip(np.concatenate([synthetic, real]), -10, 10)
        x = np.hstack([x, x**2])
        side = np.repeat([1.0, -1.0], len(real))
        order = rng.permutation(len(x))
        fold = np.empty(len(x), int)
        for value in (1.0, -1.0):  # as many of either in every fold
            own = order[side[order] == value]
            fold[own] = np.arange(len(own)) % 5
        right = np.zeros(len(x), bool)
        for k in np.unique(fold):
            train, test = fold != k, fold == k
            if not train.any():
                return 0.5
            mean = x[train].mean(axis=0)
            deviation = x[train].std(axis=0) + 1e-9
            a, b = (x[train] - mean) / deviation, (x[test] - mean) / deviation
            gram = a.T @ a + 0.01 * len(a) * np.eye(a.shape[1])
            right[test] = np.sign(b @ np.linalg.solve(gram, a.T @ side[train])) == side[test]
        return float(right.mean())


def _couples(first: Floats, second: Floats) -> tuple[tuple[Floats, Floats], ...]:
    return (first, first), (second, second), (first, second)


def _squared_distances(x: Floats, y: Floats) -> Floats:
    lengths = (x**2).sum(axis=1)[:, None] + (y**2).sum(axis=1)
    return np.clip(lengths - 2 * x @ y.T, 0, None)


def _unbiased(within_first: Floats, within_second: Floats, between: Floats) -> float:
    """Return the unbiased squared MMD from three kernel matrices."""
    total = -2 * between.mean()
    for kernel in (within_first, within_second):
        n = len(kernel)
        total += (kernel.sum() - np.trace(kernel)) / max(1, n * (n - 1))
    return float(total)
