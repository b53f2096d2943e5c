"""Each check of a metric finds the fault that it is there for."""

from __future__ import annotations

import math

import numpy as np
import pytest

import vbench
from vbench.testing import (
    FidelityMetricSuite,
    PrivacyMetricSuite,
    SegmentationMetricSuite,
    run,
    suite_for,
)


class Overlap(vbench.SegmentationMetric):
    """Intersection over union."""

    name = "overlap"

    def score(self, pair):
        union = pair.n_prediction + pair.n_truth - pair.n_both
        return pair.n_both / union if union else vbench.Score(1.0, defined=False)


class CentreDistance(vbench.SegmentationMetric):
    """Distance of the centres of mass in mm."""

    name = "centre-distance"
    unit = "mm"
    higher_is_better = False

    def score(self, pair):
        if not (pair.n_prediction and pair.n_truth):
            return vbench.Score(pair.diagonal, defined=False)
        centres = [np.argwhere(m).mean(0) * pair.spacing for m in (pair.prediction, pair.truth)]
        return float(np.linalg.norm(centres[0] - centres[1]))


class MeanDistance(vbench.FidelityMetric):
    """Distance of the means of the features."""

    name = "mean-distance"
    higher_is_better = False

    def score(self, synthetic, real, *, features, seed):
        means = [features(p.take(np.arange(len(p)))).mean(0) for p in (synthetic, real)]
        return float(np.linalg.norm(means[0] - means[1]))


class Nearest(vbench.PrivacyMetric):
    """Mean distance to the nearest training patch."""

    name = "nearest"

    def score(self, synthetic, training, heldout, *, features, seed):
        own, theirs = (features(p.take(np.arange(len(p)))) for p in (synthetic, training))
        return float(np.linalg.norm(own[:, None] - theirs[None], axis=2).min(1).mean())


class TestOverlap(SegmentationMetricSuite):
    plugin = Overlap


class TestCentreDistance(SegmentationMetricSuite):
    plugin = CentreDistance


class TestMeanDistance(FidelityMetricSuite):
    plugin = MeanDistance


class TestNearest(PrivacyMetricSuite):
    plugin = Nearest


class Unversioned(Overlap):
    """Cannot be cited."""

    version = 0


class NaNWhenEmpty(Overlap):
    """Leaves it to the mean."""

    def score(self, pair):
        return pair.n_both / pair.n_truth if pair.n_truth else math.nan


class Text(Overlap):
    """Returns words."""

    def score(self, pair):
        return "good"


class Random(Overlap):
    """Draws from numpy's global state."""

    def score(self, pair):
        return float(np.random.random())  # noqa: NPY002


class UpsideDown(Overlap):
    """Says that less overlap is better."""

    higher_is_better = False


class InVoxels(CentreDistance):
    """Forgets the spacing."""

    def score(self, pair):
        return vbench.Score(float(pair.n_truth != pair.n_both), True)


class Erases(Overlap):
    """Clears the prediction when it is done."""

    def score(self, pair):
        value = super().score(pair)
        pair.prediction[...] = False
        return value


class Edge(Overlap):
    """Needs a mask to have some extent."""

    def score(self, pair):
        return 1 / (pair.n_truth - 1) if pair.n_truth else 0.0


class AnyFidelity(MeanDistance):
    """Finds noise as good as anything."""

    def score(self, synthetic, real, *, features, seed):
        return 1.0


class Relabels(MeanDistance):
    """Changes the patches' subjects."""

    def score(self, synthetic, real, *, features, seed):
        synthetic.subject_index += 1
        return super().score(synthetic, real, features=features, seed=seed)


class NeedsManyPatches(MeanDistance):
    """Divides by what few patches do not have."""

    def score(self, synthetic, real, *, features, seed):
        return math.inf if len(synthetic) < 10 else 0.0


class AnyPrivacy(Nearest):
    """Never alarmed."""

    def score(self, synthetic, training, heldout, *, features, seed):
        return 1.0


@pytest.mark.parametrize(
    ("cls", "check", "message"),
    [
        (Unversioned, "is-versioned", "version is 0"),
        (NaNWhenEmpty, "scores-every-case", "empty truth: nan; give a value by rule"),
        (Text, "scores-every-case", "str; expected a Score"),
        (Random, "repeats", "then"),
        (Random, "leaves-global-state-alone", "numpy.random"),
        (UpsideDown, "identical-is-best", "identical masks score 1.0"),
        (InVoxels, "millimetres-grow-with-spacing", "is the spacing used?"),
        (Erases, "leaves-masks-alone", "score changed a mask"),
        (Edge, "masks-of-one-voxel", "ZeroDivisionError"),
        (AnyFidelity, "noise-is-worse", "noise 1"),
        (Relabels, "leaves-patches-alone", "score changed a set"),
        (NeedsManyPatches, "scores-are-finite", "6 patches: the score is inf"),
        (AnyPrivacy, "copies-are-worse", "copies 1"),
    ],
)
def test_the_fault_is_found(cls, check, message):
    outcomes = list(run(suite_for(cls), only=[check]))
    assert outcomes
    for outcome in outcomes:
        assert outcome.status == "failed"
        assert message in outcome.message


def test_a_metric_without_a_direction_gets_no_verdict():
    class Descriptive(Overlap):
        """Describes."""

        higher_is_better = None

    for outcome in run(suite_for(Descriptive), only=["identical-is-best"]):
        assert outcome.status == "skipped"
        assert "descriptive" in outcome.message
