"""Stage ``synthesise``: sample labelled patches from one candidate of a generator."""

from __future__ import annotations

from math import prod
from typing import cast

import numpy as np

from vbench.engine.context import Context
from vbench.engine.stages.base import Lengths, Stage
from vbench.engine.stages.common import fitted_generator, sample_patches
from vbench.files import write_npy
from vbench.interfaces import Generator
from vbench.layout import image_of, images_shape, label_of
from vbench.records.training import FitGeneratorResult, SynthesiseInputs, SynthesiseResult
from vbench.testing.guards import other_random_state
from vbench.types import Array

#: Patches that are sampled a second time.
AGAIN = 4
#: By how much intensities, and in what share of voxels labels, may differ: another number of
#: patches at once, and half precision on disk, change the last digits.
NEAR, FLIPS = 0.02, 0.005


class Synthesise(Stage[SynthesiseInputs, SynthesiseResult]):
    """Samples patches; artifacts ``images.npy`` (float16) and ``labels.npy`` (uint8)."""

    name = "synthesise"
    version = 1
    gpu = True
    seconds = 5.0

    def run(self, context: Context, inputs: SynthesiseInputs) -> SynthesiseResult:
        """Sample ``n`` patches."""
        cls = cast(type[Generator], context.plugin("generator", inputs.plugin).cls)
        if context.store.result(inputs.generator, FitGeneratorResult).skipped:
            return SynthesiseResult(skipped=True, n=0, checkpoint=inputs.checkpoint)
        size, n = inputs.size, inputs.n
        generator = fitted_generator(
            context.store, cls, inputs.generator, inputs.checkpoint, context.device
        )
        images = np.empty(images_shape(n, size, generator.setup.contrasts), np.float16)
        labels = np.empty((n, *size), np.uint8)
        sample_patches(
            generator, n, inputs.seed, images, labels, lambda done, of: context.report(done, of, {})
        )
        repeats = repeated(generator, n, inputs.seed, images, labels)
        write_npy(context.folder / "images.npy", images)
        write_npy(context.folder / "labels.npy", labels)
        context.cost.steps = n
        return SynthesiseResult(
            n=n,
            checkpoint=inputs.checkpoint,
            vessel_fraction=float((labels > 0).mean()),
            empty_share=float((labels.reshape(n, -1).max(axis=1) == 0).mean()),
            repeats=repeats,
        )

    def amount(
        self, inputs: SynthesiseInputs, lengths: Lengths, result: SynthesiseResult | None = None
    ) -> float:
        """Return the voxels that are sampled."""
        return float(inputs.n * prod(inputs.size))

    def complete(self, result: SynthesiseResult) -> bool:
        """Whether it sampled anything."""
        return not result.skipped


def repeated(generator: Generator, n: int, seed: int, images: Array, labels: Array) -> bool:
    """Whether the first patches come again for the same seed, under another global random state.

    A few are enough where samples are independent; of a generator that hands them out otherwise,
    the first lot is asked for again.
    """
    with other_random_state(seed ^ 1):
        if type(generator).sample_many is Generator.sample_many:
            again = generator.sample(min(n, AGAIN), seed=seed)
        else:
            again = next(iter(generator.sample_many(n, seed=seed)))
    count = len(again)
    near = np.abs(image_of(again) - images[:count].astype(np.float32)).max(initial=0) <= NEAR
    flips = (label_of(again) != labels[:count]).mean()
    return bool(near and flips <= FLIPS)


STAGE = Synthesise()
