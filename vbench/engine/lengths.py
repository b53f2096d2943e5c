"""How long the spec's segmenter trains, and how its length is set; regimes need both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from vbench.errors import SpecError
from vbench.interfaces import Fitted, length_param
from vbench.regimes import REGIMES, Regime
from vbench.registry import Registry
from vbench.spec.check import build_params
from vbench.spec.model import PluginUse, Spec
from vbench.spec.space import tunable, without_ranges

T = TypeVar("T")


def remarks(spec: Spec, registry: Registry) -> list[str]:
    """Say what a sound spec leaves untested, one line each."""
    lines: dict[str, None] = {}
    for use in spec.networks:
        training = SegmenterTraining(spec, registry, use, source_volumes=1)
        for regime in REGIMES.values():
            lines |= dict.fromkeys(regime.remarks(training))
    return list(lines)


class SegmenterTraining:
    """One of the spec's segmenters, as :class:`vbench.regimes.planner.Training` describes it."""

    def __init__(
        self,
        spec: Spec,
        registry: Registry,
        segmenter: PluginUse,
        source_volumes: int,
        steps: int | None = None,
    ) -> None:
        """Read what the spec says.

        Args:
            spec: The spec.
            registry: The plugins.
            segmenter: The segmenter.
            source_volumes: Training volumes of the source.
            steps: How long the segmenter trains; None: as the spec says.

        Raises:
            SpecError: When the length of training is given and cannot be set.
        """
        self.spec = spec
        self.segmenter = segmenter
        self._real = self.real_patches(source_volumes)
        self._cls = cast(type[Fitted], registry.get("segmenter", segmenter.plugin).cls)
        if steps is not None:
            settings = self.settings_for(steps)
            if not settings:
                raise SpecError(
                    f"compare.steps: the training length of segmenter '{segmenter.plugin}' "
                    "cannot be set; leave compare.steps out, or name another segmenter"
                )
            self.segmenter = segmenter.having(settings)

    def other_lengths(self) -> list[int]:
        """Return the training lengths that arms are repeated with, less the spec's own."""
        own = self.steps(self.segmenter, self._real)
        return [steps for steps in self.spec.compare.steps if steps != own]

    def synthetic_patches(self, dose: float | None = None) -> int:
        """Return how many patches a generator makes, at a dose."""
        return self.spec.patches.synthetic_patches(self._real, dose)

    def table(self, regime: Regime[T]) -> T | None:
        """Return the regime's table of the spec; None when it is off."""
        return self.spec.regimes.table(regime)

    def real_patches(self, volumes: int) -> int:
        """Return how many patches are drawn from this many volumes."""
        return self.spec.patches.per_subject * volumes

    def steps(self, segmenter: PluginUse, patches: int) -> int | None:
        """Return its optimiser steps on this many patches; None when they are not known."""
        named = without_ranges(self._cls.Params, segmenter.params)
        params = build_params(self._cls.Params, named, "segmenter.params")
        return self._cls.training_steps(params, patches)

    def settings_for(self, steps: int) -> Mapping[str, Any]:
        """Return the parameters that make a training this long; empty when it cannot be set."""
        return self._cls.settings_for(steps)

    def tunes_length(self, segmenter: PluginUse) -> bool:
        """Whether the length of training is tuned."""
        tune = self.spec.tune
        if tune.trials == 1:
            return False
        axes = tunable(self._cls.Params, segmenter.params, tune.parameters, "segmenter")
        return f"segmenter.{length_param(self._cls.Params)}" in axes
