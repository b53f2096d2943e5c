"""Stage ``synthesise``: sample labelled patches from one candidate of a generator."""

from __future__ import annotations

from math import prod
from typing import cast

import numpy as np

from vbench.engine.context import Context
from vbench.engine.stages.base import Lengths, Stage
from vbench.engine.stages.common import check_labelled_patches, fitted_generator
from vbench.errors import ContractError
from vbench.files import write_npy
from vbench.interfaces import Generator
from vbench.layout import image_of, label_of
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
        done = 0
        for drawn in generator.sample_many(n, seed=inputs.seed):
            count = len(drawn) if isinstance(drawn, np.ndarray) and drawn.ndim else 1
            check_labelled_patches(drawn, min(count, n - done), size, cls.name)
            end = done + count
            images[done:end], labels[done:end] = image_of(drawn), label_of(drawn)
            context.report(end, n, {})
            done = end
        if done != n:
            raise ContractError(f"{cls.name}.sample_many({n}) yielded {done} patches")
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
