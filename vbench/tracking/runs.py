"""Says what MLflow should hold of each arm: metrics, tags, parameters, curves, nested trials.

Nothing here imports MLflow.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from vbench.analysis.collapse import collapse_notes
from vbench.analysis.folder import Arm, Results
from vbench.analysis.wording import number, span
from vbench.markdown import table

#: Counted up when runs are laid out differently, so that old ones are replaced.
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


def arm_run(results: Results, arm: Arm, leaderboard: Mapping[str, Any]) -> Run:
    """Describe an arm's run; its trials are nested when it has several."""
    row = next(row for row in leaderboard["rows"] if row["arm"] == arm.name)
    records = [
        results.records[key]
        for key in (*arm.evaluate.values(), *(k for keys in arm.trials.values() for k in keys))
        if key in results.records
    ]
    start, end = _times(records)
    tags = {
        "arm": arm.name,
        "regime": arm.regime,
        "generator": arm.generator or "",
        "n_subjects": "" if arm.n_subjects is None else str(arm.n_subjects),
        "segmenter": arm.segmenter,
        "status": row["status"],
        "seeds": ", ".join(map(str, arm.evaluate)),
        "test_data": arm.cohort,
        "level": "arm",
        "mlflow.note.content": description(row, leaderboard),
    }
    if row["collapsed"]:
        tags["collapsed"] = collapse_notes([row])[0]
    if row["failure"]:
        tags["failure"] = f"{row['failure']['stage']}: {row['failure']['reason']}"
    return Run(
        name=arm.name,
        status={"ok": "FINISHED", "failed": "FAILED", "pending": "RUNNING"}[row["status"]],
        start=start,
        end=end,
        metrics=dict(_metrics(row)),
        curves=dict(_curves(results, arm)),
        params=_params(row),
        tags=tags,
        children=tuple(_trials(results, arm)),
    )


def description(row: Mapping[str, Any], leaderboard: Mapping[str, Any]) -> str:
    """Return the leaderboard row as Markdown, the run's description."""
    lines = [f"**{row['arm']}** · {row['status']} · {row['seeds']} seeds, {row['cases']} cases", ""]
    if row["failure"]:
        failure = row["failure"]
        lines += [f"Failed in {failure['stage']}: {failure['reason']}: {failure['message']}", ""]
    lines += [line for note in collapse_notes([dict(row)]) for line in (f"⚠ {note}", "")]
    reference = next((name for name in ("real", "scratch") if name in row["versus"]), "real")
    header = ["score", "mean", "sd", "95 % interval", "rank", "n", "undefined", f"/ {reference}"]
    rows = []
    for name, entry in row["metrics"].items():
        against = row["versus"].get(reference, {}).get(name, {})
        unit = leaderboard["metrics"][name]["unit"]
        cells = [
            f"{name} {unit}".strip(),
            number(entry["mean"]),
            number(entry["sd"]),
            span(entry["ci95"]),
            entry.get("rank", ""),
            entry["n"],
            entry["n_undefined"],
            f"{number(against.get('ratio'))} {span(against.get('ratio_ci95'))}".strip(),
        ]
        rows.append([str(cell) for cell in cells])
    return "\n".join([*lines, *table(header, rows)])


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
    for name, value in row["budget"].items():
        if value is not None:
            yield f"budget_{name}", value
    for name in ("cases", "seeds_failed", "seconds", "cpu_seconds", "peak_memory_mb"):
        if row[name] is not None:
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


def _curves(results: Results, arm: Arm) -> Iterator[tuple[str, list[tuple[int, float]]]]:
    """Yield the curves of the chosen trial and of the generator, seed by seed."""
    for seed, key in arm.evaluate.items():
        result = results.result(key)
        if result is None:
            continue
        for stage, record in _fits(results, arm, seed, result.get("trial")):
            for name, points in _series(record["result"] or {}):
                yield f"{stage} seed {seed}/{name}", points


def _fits(
    results: Results, arm: Arm, seed: int, trial: Any
) -> Iterator[tuple[str, dict[str, Any]]]:
    for key in results.closure([arm.evaluate[seed]]):
        record = results.records.get(key)
        if record is None or record["status"] != "ok":
            continue
        if record["stage"] == "fit-generator":
            yield "generator", record
        elif key in arm.trials.get(seed, ()) and (record["result"] or {}).get("trial") == trial:
            yield "segmenter", record


def _series(result: Mapping[str, Any]) -> Iterator[tuple[str, list[tuple[int, float]]]]:
    for source, prefix in (("curve", ""), ("validation", "validation ")):
        points = result.get(source) or []
        names = dict.fromkeys(name for point in points for name in point)
        for name in names:
            if name in ("step", "seconds"):
                continue
            series = [(int(p["step"]), float(p[name])) for p in points if _finite(p.get(name))]
            if series:
                yield prefix + name, series


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _trials(results: Results, arm: Arm) -> Iterator[Run]:
    for seed, keys in arm.trials.items():
        chosen = (results.result(arm.evaluate.get(seed)) or {}).get("trial")
        for number_, key in enumerate(keys):
            record = results.records.get(key)
            if len(keys) < 2 or record is None:
                continue
            result = record["result"] or {}
            start, end = _times([record])
            trial = result.get("trial", number_)
            failed = record["status"] != "ok"
            state = "failed" if failed else "pruned" if result.get("pruned") else "ok"
            yield Run(
                name=f"seed {seed} · trial {trial}",
                status="FAILED" if failed else "KILLED" if state == "pruned" else "FINISHED",
                start=start,
                end=end,
                metrics={
                    name: float(value or 0.0)
                    for name, value in (
                        ("validation_score", result.get("score")),
                        ("threshold", result.get("threshold")),
                        ("trial_seconds", record.get("seconds")),
                    )
                    if _finite(value)
                },
                params={name: _text(v) for name, v in (result.get("params") or {}).items()},
                tags={
                    "level": "trial",
                    "seed": str(seed),
                    "status": state,
                    "chosen": str(trial == chosen).lower(),
                },
            )


def _times(records: list[dict[str, Any]]) -> tuple[int | None, int | None]:
    spans = []
    for record in records:
        try:
            start = datetime.fromisoformat(record["started"]).timestamp()
        except (KeyError, TypeError, ValueError):
            continue
        spans.append((start, start + (record.get("seconds") or 0.0)))
    if not spans:
        return None, None
    return int(min(s for s, _ in spans) * 1000), int(max(e for _, e in spans) * 1000)


def safe_name(name: str) -> str:
    """Return a name that MLflow takes: letters, digits, ``_ - . / :`` and spaces."""
    return re.sub(r"[^\w\-./: ]", "_", name, flags=re.ASCII)[:250] or "_"
