"""Stage ``audit``: how real a generator's patches look, and what they give away.

Held-out patches come from the test subjects only: the validation subjects chose the candidate.
Nothing is selected by these scores.
"""

from __future__ import annotations

from typing import Any

from vbench.audit.features import Features, extractor
from vbench.engine.context import Context
from vbench.engine.stages.base import Stage
from vbench.engine.stages.common import (
    chosen,
    chosen_samples,
    contents,
    fitted_segmenter,
    metric_of,
    real_patches,
    samples_of,
    segmenter_of,
)
from vbench.engine.store import Store
from vbench.errors import DivergedError
from vbench.files import as_json
from vbench.interfaces import Segmenter
from vbench.records.judging import AuditInputs, AuditResult
from vbench.records.training import FitSegmenterResult
from vbench.types import Patches


class Audit(Stage[AuditInputs, AuditResult]):
    """Scores the candidate that the generator's synthetic arm selected."""

    name = "audit"
    version = 2
    seconds = 5.0

    def run(self, context: Context, inputs: AuditInputs) -> AuditResult:
        """Compare synthetic patches with those that trained the generator, and with unseen ones."""
        from vbench.audit import audit_patches

        _, index, samples = chosen_samples(context.store, inputs.trials, inputs.higher_is_better)

        def real(name: str, keys: tuple[str, ...]) -> Patches:
            groups = (inputs.groups or {}).get(name)
            return real_patches(context.store, keys, inputs.patches, groups)

        families: dict[str, Any] = {
            family: [metric_of(context, setting) for setting in inputs.metrics[family]]
            for family in ("fidelity", "privacy")
        }
        train = real("train", inputs.train)
        scores = audit_patches(
            samples_of(context.store, samples, train),
            train,
            real("heldout", inputs.heldout),
            **families,
            seed=inputs.seed,
            features=_features(context, inputs),
        )
        return AuditResult.model_validate({"checkpoint": index, **as_json(scores)})


STAGE = Audit()


def _features(context: Context, inputs: AuditInputs) -> Features:
    lent = inputs.features
    cls = segmenter_of(context, lent.plugin) if lent is not None else None
    return features_of(context.store, inputs, cls, context.device)


def features_of(
    store: Store, inputs: AuditInputs, segmenter: type[Segmenter] | None, device: str = "cpu"
) -> Features:
    """Return what the segmenter of the real arm has learnt; the filter bank where there is none.

    Args:
        store: Where its weights are.
        inputs: Of the audit.
        segmenter: The one that lends its features; None: none does.
        device: Where to compute.
    """
    lent = inputs.features
    classes = len(contents(store, inputs.train[0])[0])
    if lent is None or segmenter is None:
        return extractor(classes=classes)
    try:
        trial = chosen(store, lent.trials, inputs.higher_is_better)
    except DivergedError:  # the real arm says so; the generator's audit need not fail with it
        return extractor(classes=classes)
    fitted = fitted_segmenter(store, trial.key, segmenter, inputs.patches.size, device)
    threshold = store.result(trial.key, FitSegmenterResult).threshold
    return extractor(fitted, threshold)
