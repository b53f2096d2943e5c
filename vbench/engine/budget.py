"""The time budget of an arm's trials: none starts once those before it have used it up.

What a trial took stands in its record, so a run that is interrupted or repeated decides the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vbench.engine.store import Store


def used_up(store: Store, asking: Mapping[str, Any] | None) -> bool:
    """Whether the trials that this one sees have taken as long as all may.

    Args:
        store: Where their records are.
        asking: Describes the trial; ``seconds`` is the budget. None: the job is of no trial.
    """
    if asking is None or "seconds" not in asking:
        return False
    spent = sum(trial_seconds(store, key) for key in asking["previous"])
    return spent >= float(asking["seconds"])


def trial_seconds(store: Store, key: str) -> float:
    """Return what a trial took: its segmenter, and its generator where it has one of its own."""
    record = store.record(key)
    jobs = {key: record}
    for sample in map(store.record, record["inputs"]["synthetic"]):
        fit = store.record(sample["inputs"]["generator"])
        if fit["inputs"]["asking"]:
            jobs |= {sample["key"]: sample, fit["key"]: fit}
    return sum(float(job["seconds"]) for job in jobs.values())
