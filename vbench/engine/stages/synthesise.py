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
from vbench.records.stages import FitGeneratorResult, SynthesiseInputs, SynthesiseResult


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
        images = np.empty((n, *size), np.float16)
        labels = np.empty((n, *size), np.uint8)
        sample_patches(
            generator, n, inputs.seed, images, labels, lambda done, of: context.report(done, of, {})
        )
        write_npy(context.folder / "images.npy", images)
        write_npy(context.folder / "labels.npy", labels)
        context.cost.steps = n
        return SynthesiseResult(
            n=n,
            checkpoint=inputs.checkpoint,
            vessel_fraction=float(labels.mean()),
            empty_share=float((labels.reshape(n, -1).max(axis=1) == 0).mean()),
        )

    def amount(
        self, inputs: SynthesiseInputs, lengths: Lengths, result: SynthesiseResult | None = None
    ) -> float:
        """Return the voxels that are sampled."""
        return float(inputs.n * prod(inputs.size))

    def complete(self, result: SynthesiseResult) -> bool:
        """Whether it sampled anything."""
        return not result.skipped


STAGE = Synthesise()
