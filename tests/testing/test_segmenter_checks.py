"""Each check of a segmenter finds the fault that it is there for."""

from __future__ import annotations

import numpy as np
import pytest

import vbench
from vbench.testing import SegmenterSuite, run, suite_for


class Logistic(vbench.Segmenter):
    """One weight and a bias for the intensity, by gradient descent."""

    name = "logistic"

    def __init__(self, params, setup):
        super().__init__(params, setup)
        self.table = np.zeros(2)

    def fit(self, patches, *, seed):
        for step in range(3):
            drawn = patches.draw(8, np.random.default_rng([seed, step]))
            image, label = drawn[:, 0], drawn[:, 1]
            error = 1 / (1 + np.exp(-self.table[0] * image - self.table[1])) - label
            self.table = self.table - 0.5 * np.array([(error * image).mean(), error.mean()])
            yield vbench.Progress(step + 1, 3)

    def predict(self, image, mask):
        logit = self.table[0] * np.asarray(image, np.float32) + self.table[1]
        return np.where(mask, 1 / (1 + np.exp(-logit)), 0).astype(np.float32)

    def weights(self):
        return {"table": self.table.copy()}

    def load_weights(self, weights):
        self.table = np.array(weights["table"])


class TestLogistic(SegmenterSuite):
    plugin = Logistic


class Logits(Logistic):
    """Forgets the sigmoid."""

    def predict(self, image, mask):
        return np.where(mask, np.asarray(image, np.float32) * 3, 0).astype(np.float32)


class Everywhere(Logistic):
    """Ignores the mask, which it may: vbench applies it."""

    def predict(self, image, mask):
        return super().predict(image, np.ones_like(mask))


class TestEverywhere(SegmenterSuite):
    plugin = Everywhere


class Cropped(Logistic):
    """Predicts whole blocks of four only."""

    def predict(self, image, mask):
        return super().predict(image, mask)[tuple(slice(n // 4 * 4) for n in image.shape)]


class Remembers(Logistic):
    """Lets one volume weigh on the next."""

    def predict(self, image, mask):
        found = super().predict(image, mask)
        self.table = self.table * 0.9
        return found


class InPlace(Logistic):
    """Writes into the image."""

    def predict(self, image, mask):
        image[~mask] = 0
        return super().predict(image, mask)


class NeedsVoxels(Logistic):
    """Cannot do without a mask."""

    def predict(self, image, mask):
        image[mask].max()
        return super().predict(image, mask)


class DropsWeights(Logistic):
    """Always starts from scratch."""

    def fit(self, patches, *, seed):
        self.table = np.zeros(2)
        yield from super().fit(patches, seed=seed)


@pytest.mark.parametrize(
    ("cls", "check", "message"),
    [
        (Logits, "predicts-probabilities", "expected [0, 1]"),
        (Cropped, "predicts-probabilities", "a volume of (20, 18, 17) gave"),
        (Remembers, "prediction-repeats", "the second time"),
        (InPlace, "leaves-volumes-alone", "predict changed its image"),
        (InPlace, "takes-memory-mapped-volumes", "read-only"),
        (NeedsVoxels, "empty-mask", "zero-size array"),
        (DropsWeights, "starts-from-given-weights", "the weights were dropped"),
    ],
)
def test_the_fault_is_found(cls, check, message):
    outcomes = list(run(suite_for(cls), only=[check]))
    assert {outcome.case for outcome in outcomes} == {"2D", "3D"}
    for outcome in outcomes:
        assert outcome.status == "failed"
        assert message in outcome.message
