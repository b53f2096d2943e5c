"""The time budget of an arm's trials: none starts once those before it have used it up.

What a trial took is in its record, so a run that is interrupted or repeated decides the same.
"""

from __future__ import annotations

from vbench.engine.store import Store
from vbench.records.parts import TrialSpec
from vbench.records.training import FitGeneratorInputs, FitSegmenterInputs, SynthesiseInputs


def used_up(store: Store, spec: TrialSpec | None) -> bool:
    """Whether the trials that this one sees have taken as long as all may.

    Args:
        store: Where their records are.
        spec: Describes the trial; ``seconds`` is the budget. None: the job belongs to no trial.
    """
    if spec is None or spec.seconds is None:
        return False
    return sum(trial_seconds(store, key) for key in spec.previous) >= spec.seconds


def trial_seconds(store: Store, key: str) -> float:
    """Return what a trial took: its segmenter, and the generator if it has its own."""
    record = store.record(key)
    jobs = {key: record}
    for sample in map(store.record, record.inputs_as(FitSegmenterInputs).synthetic):
        fit = store.record(sample.inputs_as(SynthesiseInputs).generator)
        if fit.inputs_as(FitGeneratorInputs).trial_spec:
            jobs |= {sample.key: sample, fit.key: fit}
    return sum(job.seconds for job in jobs.values())
