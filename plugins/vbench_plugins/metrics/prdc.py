"""Precision, recall, density and coverage of synthetic patches, by nearest neighbours.

Real patches and their k-th nearest real neighbours span balls in feature space (and so do the
synthetic ones): what lies in them, and what is covered by them?
"""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
import numpy.typing as npt

from vbench import param
from vbench_plugins.metrics.fidelity import FeatureScore, FidelityParams, Floats

Bools = npt.NDArray[np.bool_]


class BallParams(FidelityParams):
    """Parameters of all four."""

    neighbours: int = param(5, "Which neighbour's distance is a ball's radius.", ge=1)


class BallScore(FeatureScore):
    """Base: a share or count of patches in each other's balls; higher is better."""

    Params = BallParams
    higher_is_better = True
    paper = "Naeem 2020, arXiv:2002.09797"

    def compare(self, synthetic: Floats, real: Floats, rng: np.random.Generator) -> float:
        """Score vectors ``(n, d)`` of both sets."""
        from scipy.spatial.distance import cdist

        k = min(self.params.neighbours, len(real) - 1)
        between = cdist(real, synthetic)
        real_radius, synthetic_radius = (
            np.partition(cdist(x, x), k, axis=1)[:, k] for x in (real, synthetic)
        )
        inside = between <= real_radius[:, None]
        return float(self.count(inside, between <= synthetic_radius, max(1, k)))

    @abstractmethod
    def count(self, in_real: Bools, in_synthetic: Bools, k: int) -> float:
        """Score who lies in whose ball.

        Args:
            in_real: ``(real, synthetic)``: whether the synthetic patch is in the real one's ball.
            in_synthetic: ``(real, synthetic)``: the other way round.
            k: The neighbour that gives the radius.
        """


class Precision(BallScore):
    """Share of synthetic patches that lie in the ball of some real patch, in [0, 1].

    Higher is better: they look like real ones.
    """

    name = "prdc-precision"

    def count(self, in_real: Bools, in_synthetic: Bools, k: int) -> float:
        """Score who lies in whose ball."""
        return float(in_real.any(axis=0).mean())


class Recall(BallScore):
    """Share of real patches that lie in the ball of some synthetic patch, in [0, 1].

    Higher is better: the variety of real ones is reached. Far outliers have large balls, so noise
    may reach all: read it beside ``prdc-coverage``.
    """

    name = "prdc-recall"

    def count(self, in_real: Bools, in_synthetic: Bools, k: int) -> float:
        """Score who lies in whose ball."""
        return float(in_synthetic.any(axis=1).mean())


class Density(BallScore):
    """Mean number of real balls that a synthetic patch lies in, divided by k; about 1 when equal.

    Higher is better (above 1: they gather where real patches are dense).
    """

    name = "prdc-density"

    def count(self, in_real: Bools, in_synthetic: Bools, k: int) -> float:
        """Score who lies in whose ball."""
        return float(in_real.sum(axis=0).mean() / k)


class Coverage(BallScore):
    """Share of real patches whose ball holds a synthetic patch, in [0, 1]; higher is better."""

    name = "prdc-coverage"

    def count(self, in_real: Bools, in_synthetic: Bools, k: int) -> float:
        """Score who lies in whose ball."""
        return float(in_real.any(axis=1).mean())
