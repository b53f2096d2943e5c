"""The checks of a generator: what it samples, and from what that follows."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from vbench.interfaces import Generator
from vbench.layout import image_of, label_of, patches_shape
from vbench.testing import tables
from vbench.testing.fitted import FittedSuite
from vbench.testing.fitting import SEED
from vbench.testing.suite import Skip, expect
from vbench.testing.toys import NoisePatches, ToyPatches
from vbench.types import Array, Weights

#: Rounding that a larger batch may cause, in image intensity.
COMPANIONS = 1e-3
#: Numbers that a generator may keep and still say that it learns a summary only.
SUMMARY = 64


class GeneratorSuite(FittedSuite):
    """Every check of a generator; subclass it and set ``plugin``."""

    plugin: ClassVar[type[Generator]]

    def output(self, method: Any) -> Array:
        """Return four samples."""
        return np.asarray(method.sample(4, seed=7))

    def expect_answer(self, method: Any) -> None:
        """Hold a few samples to the contract."""
        setup = method.setup
        samples, wanted = method.sample(4, seed=1), patches_shape(4, setup.size, setup.contrasts)
        expect(
            np.shape(samples) == wanted,
            f"sample(4) returned shape {np.shape(samples)}; expected {wanted}",
        )
        expect(samples.dtype == np.float32, f"samples are {samples.dtype}; expected float32")
        image, label = image_of(samples), label_of(samples)
        expect(np.isfinite(samples).all() and abs(image).max() <= 1, "the image is not in [-1, 1]")
        expect(
            np.isin(label, range(setup.classes + 1)).all(),
            f"the label holds {np.unique(label)[:6]}; expected the index of a class, 0 to "
            f"{setup.classes}",
        )

    def test_samples_are_labelled_patches(self, ndim: int) -> None:
        """Samples float32 (n, channels, *size): image in [-1, 1], label 0 or 1."""
        method, size = self.fitted(ndim).method, self.size(ndim)
        for n in (1, 4):
            samples = method.sample(n, seed=1)
            expect(
                isinstance(samples, np.ndarray),
                f"sample({n}) returned {type(samples).__name__}, not a numpy array",
            )
            expect(
                samples.shape == patches_shape(n, size),
                f"sample({n}) returned shape {samples.shape}; expected {patches_shape(n, size)}",
            )
            expect(samples.dtype == np.float32, f"samples are {samples.dtype}; expected float32")
            image, label = image_of(samples), label_of(samples)
            expect(np.isfinite(samples).all(), "samples hold NaN or infinity")
            expect(
                image.min() >= -1 and image.max() <= 1,
                f"the image channel spans {image.min():g} to {image.max():g}; expected [-1, 1]",
            )
            expect(
                np.isin(label, (0, 1)).all(),
                f"the label channel holds {np.unique(label)[:4]}; expected 0 and 1 only",
            )

    def test_samples_follow_the_seed(self, ndim: int) -> None:
        """Samples the same for the same seed, and others for another."""
        method = self.fitted(ndim).method
        first, again, other = (method.sample(4, seed=s) for s in (1, 1, 2))
        fault = tables.array_difference(first, again, exact=True)
        expect(not fault, f"sample(4, seed=1) twice: {fault}")
        expect(not np.array_equal(first, other), "seeds 1 and 2 give the same samples")

    def test_samples_have_no_companions(self, ndim: int) -> None:
        """Samples each patch from its own index: sample(67) begins with what sample(3) returns."""
        method = self.fitted(ndim).method
        few, many = method.sample(3, seed=1), method.sample(67, seed=1)[:3]
        expect(few.shape == many.shape, f"shapes {few.shape} and {many.shape}")
        gap = float(np.abs(image_of(few) - image_of(many)).max())
        flips = float((label_of(few) != label_of(many)).mean())
        expect(
            gap <= COMPANIONS and flips <= 0.002,
            f"the first 3 of 67 differ from 3 alone: image by {gap:.3g}, label in {flips:.1%} of "
            "voxels; draw noise for each index, and sample in evaluation mode",
        )

    def test_many_samples_are_as_many(self, ndim: int) -> None:
        """Samples as many as are asked for, in pieces, the same for the same seed."""
        method, size = self.fitted(ndim).method, self.size(ndim)
        first, again = (
            np.concatenate([np.zeros(patches_shape(0, size)), *method.sample_many(9, seed=3)])
            for _ in range(2)
        )
        expect(len(first) == 9, f"sample_many(9) yielded {len(first)} patches")
        fault = tables.array_difference(first, again, exact=True)
        expect(not fault, f"sample_many(9, seed=3) twice: {fault}")

    def test_membership_scores_survive_a_file(self, ndim: int) -> None:
        """Scores patches by how much they look learnt, the same from weights read back."""
        method, size = self.fitted(ndim).method, self.size(ndim)
        patches = ToyPatches(size).take(np.arange(3))
        scores = method.membership_scores(patches.copy())
        if scores is None:
            raise Skip("membership_scores() is None: nothing of it can be attacked from within")
        expect(
            np.shape(scores) == (3,) and bool(np.isfinite(scores).all()),
            f"membership_scores of 3 patches returned {scores!r}; expected 3 finite numbers",
        )
        second = self.restored(method, tables.through_file(method.weights()))
        again = second.membership_scores(patches.copy())
        fault = tables.array_difference(np.asarray(scores), np.asarray(again))
        expect(not fault, f"after load_weights the membership scores are others: {fault}")

    def test_longer_trainings_begin_alike(self, ndim: int) -> None:
        """Trains as many steps as ``shared_steps`` says just as a longer training would."""
        params, length = self.settings(), self.plugin.settings_for(1)
        if not length:
            raise Skip("settings_for() is empty: its length cannot be set")
        steps = 4 * (self.plugin.training_steps(params, len(self.patches(ndim))) or 1)
        states: list[tuple[int, Weights]] = []
        for times in (1, 2):
            longer = self.plugin.settings_for(times * steps)
            method = self.plugin(params.model_copy(update=dict(longer)), self.build(ndim).setup)
            shared = self.plugin.shared_steps(method.params)
            expect(
                isinstance(shared, int) and 0 <= shared <= times * steps,
                f"shared_steps() says {shared!r} of {times * steps} steps",
            )
            if not shared:
                raise Skip("shared_steps() is 0: a longer training starts anew")
            states.append(self._state_at(method, states[0][0] if states else shared, ndim))
        fault = tables.difference(states[0][1], states[1][1], exact=True)
        expect(
            not fault,
            f"shared_steps() says {states[0][0]} of {steps} steps, after which a training of "
            f"{2 * steps} has another state: {fault}",
        )

    def _state_at(self, method: Any, step: int, ndim: int) -> tuple[int, Weights]:
        """Return a step, and the state of a fit after it."""
        for progress in method.fit(self.patches(ndim), seed=SEED):
            if progress.step == step:
                state = method.state()
                expect(state is not None, "shared_steps() is not 0, and state() is None")
                return step, tables.copy(state)
        raise AssertionError(f"shared_steps() says {step}: no report is of that step")

    def test_samples_differ(self, ndim: int) -> None:
        """Samples patches that are not all one and the same."""
        samples = self.fitted(ndim).method.sample(6, seed=1)
        expect((samples != samples[:1]).any(), "all samples are the same patch")

    def test_learns_no_more_than_it_says(self, ndim: int) -> None:
        """Keeps what ``learns`` says: anything, a few numbers, or nothing of what it was shown."""
        kept = self.fitted(ndim).method.weights()
        if self.plugin.learns == "summary":
            numbers = sum(int(np.prod(np.shape(value))) for value in kept.values())
            expect(
                numbers <= SUMMARY,
                f"learns = 'summary', and weights() holds {numbers} numbers; at most {SUMMARY} "
                "are a summary",
            )
        if self.plugin.learns == "nothing":
            other = self.build(ndim)
            self.fit(other, ndim, patches=NoisePatches(self.size(ndim)))
            fault = tables.array_difference(
                self.output(self.fitted(ndim).method), self.output(other), exact=True
            )
            expect(not fault, f"learns = 'nothing', but fitted on other patches: {fault}")
