"""How long the trainings of transfer and scratch are, so that arms can be compared fairly.

Two comparisons stand side by side. ``scratch`` takes as many optimiser steps on the target's
patches as fine-tuning does; the control takes as many as pre-training and fine-tuning together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from vbench.interfaces import Fitted, length_param
from vbench.registry import Registry
from vbench.spec.check import build_params
from vbench.spec.model import PluginUse, Spec
from vbench.spec.space import tunable


def remarks(spec: Spec, registry: Registry) -> list[str]:
    """Say what a sound spec leaves untested, one line each."""
    missing = Lengths(spec, registry, source_volumes=1).missing_control()
    if missing is None:
        return []
    return [
        f"transfer has no control with equal total steps ({missing}): whether longer training "
        "alone gives its gain is not tested"
    ]


class Lengths:
    """Knows the segmenter's optimiser steps in each regime, and sets them."""

    def __init__(self, spec: Spec, registry: Registry, source_volumes: int) -> None:
        """Look at the spec.

        Args:
            spec: The spec.
            registry: The plugins.
            source_volumes: Training volumes of the source.
        """
        self._spec = spec
        self._cls = cast(type[Fitted], registry.get("segmenter", spec.segmenter.plugin).cls)
        real = spec.patches.per_subject * source_volumes
        self._synthetic = spec.patches.synthetic or real

    def pretraining(self) -> int | None:
        """Return the steps on synthetic patches; None when they are not known."""
        return self._steps(self._spec.segmenter, self._synthetic)

    def fine_tuning(self, volumes: int) -> int | None:
        """Return the steps on so many target volumes after pre-training; None when not known."""
        return self._steps(self.transfer(), volumes * self._spec.patches.per_subject)

    def transfer(self) -> PluginUse:
        """Return the segmenter as it is fine-tuned."""
        table = self._spec.regimes.transfer
        return self._with(table.params if table else {})

    def scratch(self, volumes: int) -> PluginUse:
        """Return the segmenter of ``scratch``: fine-tuning's length, unless the spec names one."""
        table = self._spec.regimes.scratch
        named = table.params if table else {}
        use = self._with(named)
        wanted = self.fine_tuning(volumes) if self._spec.regimes.transfer else None
        own = self._steps(use, volumes * self._spec.patches.per_subject)
        if wanted is None or wanted == own:
            return use
        settings = self._cls.settings_for(wanted)
        return use if settings.keys() & named.keys() else self._with({**named, **settings})

    def control(self, volumes: int) -> PluginUse | None:
        """Return the segmenter that trains from scratch for equal total steps; None without it."""
        if self.missing_control() is not None:
            return None
        first, then = self.pretraining(), self.fine_tuning(volumes)
        assert first is not None
        assert then is not None
        table = self._spec.regimes.scratch
        settings = self._cls.settings_for(first + then)
        return self._with({**(table.params if table else {}), **settings})

    def missing_control(self) -> str | None:
        """Say why transfer has no control; None when it has one, or when there is no transfer."""
        table, use = self._spec.regimes.transfer, self._spec.segmenter
        if table is None:
            return None
        if table.control == "none":
            return 'regimes.transfer.control = "none"'
        if self.pretraining() is None or self.fine_tuning(table.subjects[0]) is None:
            return f"segmenter '{use.plugin}' does not say which parameter is its training's length"
        if not self._cls.settings_for(1):
            return f"the training length of segmenter '{use.plugin}' cannot be set"
        if self._tuned(use) or self._tuned(self.transfer()):
            return "the length of training is tuned; name it in segmenter.params"
        return None

    def _tuned(self, use: PluginUse) -> bool:
        if self._spec.tune.trials == 1:
            return False
        axes = tunable(self._cls.Params, use.params, self._spec.tune.parameters, "segmenter")
        return f"segmenter.{length_param(self._cls.Params)}" in axes

    def _steps(self, use: PluginUse, patches: int) -> int | None:
        params = build_params(self._cls.Params, use.params, "segmenter.params")
        return self._cls.training_steps(params, patches)

    def _with(self, params: Mapping[str, Any]) -> PluginUse:
        use = self._spec.segmenter
        return use.model_copy(update={"params": {**use.params, **params}})
