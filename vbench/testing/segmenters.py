"""The checks of a segmenter: what it predicts for volumes of any shape."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from vbench.features import offers_features
from vbench.interfaces import Segmenter
from vbench.testing import tables
from vbench.testing.fitted import FittedSuite
from vbench.testing.guards import digest
from vbench.testing.suite import Skip, expect
from vbench.testing.toys import ToyPatches, volume
from vbench.types import Array

#: Volumes larger than a patch, of odd extents, and thinner than a patch.
SHAPES = ((20, 18, 17), (23, 9, 5))


class SegmenterSuite(FittedSuite):
    """Every check of a segmenter; subclass it and set ``plugin``."""

    plugin: ClassVar[type[Segmenter]]

    def output(self, method: Any) -> Array:
        """Return the prediction of a small volume."""
        image, mask = volume(SHAPES[1])
        return np.asarray(method.predict(image, mask))

    def expect_answer(self, method: Any) -> None:
        """Hold the prediction of a small volume to the contract."""
        setup = method.setup
        for shape in SHAPES:
            image, mask = volume(shape, channels=setup.contrasts)
            found = method.predict(image, mask)
            wanted = shape if setup.classes == 1 else (setup.classes + 1, *shape)
            expect(
                np.shape(found) == wanted,
                f"a volume of {shape} gave a prediction of {np.shape(found)}; expected {wanted}",
            )
            expect(found.dtype == np.float32, f"predictions are {found.dtype}; expected float32")
            expect(
                np.isfinite(found).all() and found.min() >= 0 and found.max() <= 1 + 1e-4,
                "the prediction is not in [0, 1]",
            )
            if setup.classes > 1:
                total = found.sum(axis=0)[mask]
                expect(
                    np.allclose(total, 1, atol=1e-3),
                    f"background and classes add up to {total.min():g} to {total.max():g} in the "
                    "mask; expected 1",
                )
        if offers_features(self.plugin):
            patches = ToyPatches(setup.size, classes=setup.classes, channels=setup.contrasts).take(
                np.arange(3)
            )
            vectors = np.asarray(method.features(patches))
            expect(
                vectors.ndim == 2 and len(vectors) == 3 and bool(np.isfinite(vectors).all()),
                f"3 patches have features of shape {vectors.shape}",
            )

    def test_predicts_probabilities(self, ndim: int) -> None:
        """Predicts float32 in [0, 1] for volumes of any shape."""
        method = self.fitted(ndim).method
        for shape in SHAPES:
            image, mask = volume(shape)
            found = method.predict(image, mask)
            expect(
                isinstance(found, np.ndarray),
                f"predict returned {type(found).__name__}, not a numpy array",
            )
            expect(found.shape == shape, f"a volume of {shape} gave a prediction of {found.shape}")
            expect(found.dtype == np.float32, f"predictions are {found.dtype}; expected float32")
            expect(np.isfinite(found).all(), "the prediction holds NaN or infinity")
            expect(
                found.min() >= 0 and found.max() <= 1,
                f"the prediction spans {found.min():g} to {found.max():g}; expected [0, 1]",
            )

    def test_prediction_repeats(self, ndim: int) -> None:
        """Predicts the same volume the same way, whatever it predicted before."""
        method = self.fitted(ndim).method
        first = self.output(method)
        image, mask = volume(SHAPES[0], seed=3)
        method.predict(image, mask)
        fault = tables.array_difference(first, self.output(method), exact=True)
        expect(not fault, f"the second time, {fault}")

    def test_takes_memory_mapped_volumes(self, ndim: int) -> None:
        """Takes a read-only float16 memory map, as prepared volumes are, and leaves it alone."""
        method = self.fitted(ndim).method
        image, mask = volume(SHAPES[1])
        half = image.astype(np.float16)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "image.npy"
            np.save(path, half)
            found = method.predict(np.load(path, mmap_mode="r"), mask)
        expect(found.shape == image.shape, f"expected {image.shape}, got {found.shape}")
        expect(digest(half) == digest(image.astype(np.float16)), "the image changed")

    def test_leaves_volumes_alone(self, ndim: int) -> None:
        """Changes neither the image nor the mask that it predicts for."""
        image, mask = volume(SHAPES[1])
        before = digest(image), digest(mask)
        self.fitted(ndim).method.predict(image, mask)
        expect((digest(image), digest(mask)) == before, "predict changed its image or its mask")

    def test_empty_mask(self, ndim: int) -> None:
        """Predicts where the mask is empty, without an error."""
        image, mask = volume(SHAPES[1])
        found = self.fitted(ndim).method.predict(image, np.zeros_like(mask))
        expect(np.shape(found) == mask.shape, f"an empty mask gave shape {np.shape(found)}")

    def test_features(self, ndim: int) -> None:
        """Where it offers features: a finite vector a patch, whatever the other patches are."""
        if not offers_features(self.plugin):
            raise Skip("offers no features")
        method = self.fitted(ndim).method
        patches = ToyPatches(self.size(ndim)).take(np.arange(6))
        before = digest(patches)
        found = np.asarray(method.features(patches))
        expect(
            found.ndim == 2 and len(found) == 6, f"6 patches have features of shape {found.shape}"
        )
        expect(np.isfinite(found).all(), "features hold NaN or infinity")
        alone = np.asarray(method.features(patches[2:3]))
        expect(
            np.allclose(alone, found[2:3], rtol=1e-3, atol=1e-3),
            "the features of a patch change with the patches beside it",
        )
        expect(digest(patches) == before, "features changed the patches")

    def test_starts_from_given_weights(self, ndim: int) -> None:
        """Goes on from weights that were loaded before fit, as transfer needs."""
        first = self.fitted(ndim)
        if len(first.progress) == 1:
            raise Skip("fits in one step: there is nothing to start from")
        if not first.method.weights():
            raise Skip("has no weights")
        second = self.build(ndim)
        second.load_weights(first.method.weights())
        self.fit(second, ndim)
        expect(
            tables.difference(first.method.weights(), second.weights()),
            "fit after load_weights gives what a fit from scratch gives: the weights were dropped",
        )
