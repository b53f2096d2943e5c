"""The kit finds plugins that say they take several classes or channels, and do not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import pytest

import vbench
from vbench.testing import GeneratorSuite, SegmenterSuite
from vbench.testing.run import run

CHECK = "takes-several-classes-and-channels"


class Even(vbench.Segmenter):
    """Says the same of every voxel."""

    name = "even"
    classes = "any"
    channels = "any"

    def fit(self, patches: Any, *, seed: int) -> Iterator[vbench.Progress]:
        yield vbench.Progress(1, 1)

    def predict(self, image: Any, mask: Any) -> Any:
        outputs = self.setup.classes + 1
        if outputs == 2:
            return np.full(mask.shape, 0.5, np.float32)
        return np.full((outputs, *mask.shape), 1 / outputs, np.float32)

    def weights(self) -> dict[str, Any]:
        return {}

    def load_weights(self, weights: dict[str, Any]) -> None:
        pass


class OneMap(Even):
    """Forgets that there are several classes."""

    def predict(self, image: Any, mask: Any) -> Any:
        return np.full(mask.shape, 0.5, np.float32)


class NoSum(Even):
    """Gives each class a probability of its own."""

    def predict(self, image: Any, mask: Any) -> Any:
        return super().predict(image, mask) * np.float32(1 if self.setup.classes == 1 else 0.5)


class LikeImage(Even):
    """Forgets that there are several channels."""

    def predict(self, image: Any, mask: Any) -> Any:
        found = np.zeros(np.shape(image), np.float32)
        return found if self.setup.classes == 1 else super().predict(image, mask)


class Refusing(Even):
    """Refuses what it says that it takes."""

    @classmethod
    def check(cls, params: Any, setup: vbench.Setup) -> None:
        if setup.classes > 1:
            raise ValueError("one class only")


class Single(Even):
    """Says that it takes one of each."""

    classes = 1
    channels = 1


def outcomes(plugin: type, base: type = SegmenterSuite) -> list[Any]:
    suite = type("Suite", (base,), {"plugin": plugin})
    return list(run(suite, only=[CHECK]))


def test_a_sound_segmenter_passes() -> None:
    assert {each.status for each in outcomes(Even)} == {"passed"}


@pytest.mark.parametrize(
    ("plugin", "finding"),
    [
        (
            OneMap,
            "with classes = 3 and channels = 1: a volume of (20, 18, 17) gave a",
        ),
        (NoSum, "with classes = 3 and channels = 1: background and classes add up to 0.5"),
        (LikeImage, "with classes = 1 and channels = 2: a volume of"),
        (Refusing, "with classes = 3 and channels = 1, check() refuses: one class only"),
    ],
)
def test_what_a_segmenter_does_not_keep_is_found(plugin: type, finding: str) -> None:
    for each in outcomes(plugin):
        assert each.status == "failed"
        assert each.message.startswith(finding)


def test_who_takes_one_of_each_is_not_asked() -> None:
    assert {each.status for each in outcomes(Single)} == {"skipped"}


class Again(vbench.Generator):
    """Hands out its first patches, with labels of one class when it is told so."""

    name = "again"
    classes = "any"
    tiny: ClassVar[dict[str, Any]] = {}
    index = 1.0

    def fit(self, patches: Any, *, seed: int) -> Iterator[vbench.Progress]:
        self.kept = patches.take(np.arange(4))
        yield vbench.Progress(1, 1)

    def sample(self, n: int, *, seed: int) -> Any:
        found = np.resize(self.kept, (n, *self.kept.shape[1:]))
        vbench.label_of(found)[...] *= np.float32(self.index)
        return found

    def weights(self) -> dict[str, Any]:
        return {"kept": self.kept}

    def load_weights(self, weights: dict[str, Any]) -> None:
        self.kept = np.asarray(weights["kept"])


class Half(Again):
    """Makes fractions of indices."""

    index = 0.5


def test_labels_of_a_generator_are_indices() -> None:
    assert {each.status for each in outcomes(Again, GeneratorSuite)} == {"passed"}
    for each in outcomes(Half, GeneratorSuite):
        assert each.status == "failed"
        assert "expected the index of a class, 0 to 3" in each.message
