"""Says what MLflow should hold of each arm: metrics, tags, parameters, curves, nested trials.

Nothing here imports MLflow.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from vbench import ArmResult, TrialResult

#: Raised when runs are laid out differently, so that old ones are replaced.
LAYOUT = 2


@dataclass(frozen=True)
class Run:
    """One MLflow run.

    Attributes:
        name: Shown in the list.
        status: ``FINISHED``, ``FAILED`` or ``RUNNING``.
        start, end: Milliseconds since 1970; None when unknown.
        metrics: Final values.
        curves: By name, ``(step, value)`` pairs.
        params: What was set or tuned.
        tags: Searchable labels.
        children: Trials, nested.
    """

    name: str
    status: str
    start: int | None
    end: int | None
    metrics: Mapping[str, float] = field(default_factory=dict)
    curves: Mapping[str, list[tuple[int, float]]] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    children: tuple[Run, ...] = ()

    @property
    def digest(self) -> str:
        """Digest of all that is here: a run that has it already need not be written again."""
        text = json.dumps([LAYOUT, self], default=vars, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def arm_run(arm: ArmResult) -> Run:
    """Describe an arm's run; its trials are nested when it has several."""
    row = arm.row
    start, end = _milliseconds(arm.span)
    tags = {
        "arm": arm.name,
        "regime": row["regime"],
        "generator": row["generator"] or "",
        "n_subjects": "" if row["n_subjects"] is None else str(row["n_subjects"]),
        "segmenter": arm.segmenter,
        "status": row["status"],
        "seeds": ", ".join(map(str, arm.seeds)),
        "test_data": row["cohort"],
        "level": "arm",
        "mlflow.note.content": arm.markdown,
    }
    if arm.notes:
        tags["collapsed"] = arm.notes[0]
    if row.get("verdict"):
        tags["verdict"] = row["verdict"]
    if row["failure"]:
        tags["failure"] = f"{row['failure']['stage']}: {row['failure']['reason']}"
    several = Counter(trial.seed for trial in arm.trials)
    return Run(
        name=arm.name,
        status={"ok": "FINISHED", "failed": "FAILED", "pending": "RUNNING"}[row["status"]],
        start=start,
        end=end,
        metrics=dict(_metrics(row)),
        curves=arm.curves,
        params=_params(row),
        tags=tags,
        children=tuple(_trial(trial) for trial in arm.trials if several[trial.seed] > 1),
    )


def _metrics(row: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for name, entry in row["metrics"].items():
        if entry["mean"] is None:
            continue
        yield name, entry["mean"]
        if entry["sd"] is not None:
            yield f"{name}_sd", entry["sd"]
        if entry["ci95"] is not None:
            yield f"{name}_ci95_low", entry["ci95"][0]
            yield f"{name}_ci95_high", entry["ci95"][1]
        for reference in ("real", "scratch", "control"):
            against = row["versus"].get(reference, {}).get(name)
            if against is not None:
                if against["ratio"] is not None:
                    yield f"{name}_ratio_to_{reference}", against["ratio"]
                yield f"{name}_p_to_{reference}", against["p"]
        if entry.get("rank"):
            yield f"{name}_rank", entry["rank"]
        yield f"{name}_undefined", entry["n_undefined"]
    for family in ("fidelity", "privacy"):
        for name, entry in row[family].items():
            if isinstance(entry.get("value"), int | float):
                yield f"{family}_{name}", entry["value"]
    if row.get("worst_patient"):
        yield "worst_patient_risk", row["worst_patient"]["value"]
    for name, value in row["budget"].items():
        if value is not None:
            yield f"budget_{name}", value
    peaks = ("peak_memory_mb", "peak_gpu_memory_mb")
    for name in ("cases", "seeds_failed", "seconds", "cpu_seconds", *peaks):
        if row.get(name) is not None:
            yield name, row[name]


def _params(row: Mapping[str, Any]) -> dict[str, str]:
    """Return the chosen parameters; values that differ between seeds are listed by seed."""
    by_seed = row["best_params"]
    names = dict.fromkeys(name for params in by_seed.values() for name in params)
    out = {}
    for name in names:
        values = {seed: params.get(name) for seed, params in by_seed.items()}
        texts = {seed: _text(value) for seed, value in values.items()}
        same = len(set(texts.values())) == 1
        out[name] = (
            next(iter(texts.values()))
            if same
            else ", ".join(f"seed {seed}: {text}" for seed, text in texts.items())
        )
    return out


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _trial(trial: TrialResult) -> Run:
    start, end = _milliseconds(trial.span)
    return Run(
        name=f"seed {trial.seed} · trial {trial.number}",
        status={"ok": "FINISHED", "failed": "FAILED", "pruned": "KILLED"}[trial.status],
        start=start,
        end=end,
        metrics=trial.values,
        params={name: _text(value) for name, value in trial.params.items()},
        tags={
            "level": "trial",
            "seed": str(trial.seed),
            "status": trial.status,
            "chosen": str(trial.chosen).lower(),
        },
    )


def _milliseconds(span: tuple[float, float] | None) -> tuple[int | None, int | None]:
    return (None, None) if span is None else (int(span[0] * 1000), int(span[1] * 1000))


def safe_name(name: str) -> str:
    """Return a name that MLflow takes: letters, digits, ``_ - . / :`` and spaces."""
    return re.sub(r"[^\w\-./: ]", "_", name, flags=re.ASCII)[:250] or "_"
