"""What is known of each arm of a finished run, as plain values: what a tracker logs.

A tracker reads this and needs to know neither the store nor how its records hang together.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from vbench.analysis.collapse import collapse_notes
from vbench.analysis.folder import Arm, Record, Results
from vbench.analysis.scores import arm_scores, segmentation_metrics
from vbench.analysis.wording import number, span


@dataclass(frozen=True)
class TrialResult:
    """One hyper-parameter setting that was tried for an arm.

    Attributes:
        seed: Of which repetition.
        number: From 0, in the order in which they were tried.
        status: ``ok``, ``pruned`` or ``failed``.
        chosen: Whether the arm was scored with it.
        span: When it began and ended, seconds since 1970; None when unknown.
        params: What was set or tuned.
        values: ``validation_score``, ``threshold`` and ``trial_seconds``, those that are known.
    """

    seed: int
    number: int
    status: str
    chosen: bool
    span: tuple[float, float] | None
    params: Mapping[str, Any]
    values: Mapping[str, float]


@dataclass(frozen=True, repr=False)
class ArmResult:
    """One arm of a benchmark that was run.

    Attributes:
        name: Such as ``transfer/wgan-gp-sn/n5``.
        row: Its row of ``leaderboard.json``: regime, scores, intervals, costs, chosen parameters.
        segmenter: The segmenter's name.
        seeds: The repetitions, those that have not finished too.
    """

    name: str
    row: dict[str, Any]
    segmenter: str
    seeds: tuple[int, ...]
    _results: Results
    _arm: Arm
    _board: dict[str, Any]
    _store: Path

    def __repr__(self) -> str:
        return f"ArmResult({self.name!r}, {self.row['status']})"

    @cached_property
    def span(self) -> tuple[float, float] | None:
        """When its first job began and its last one ended, seconds since 1970; None: unknown."""
        trials = (key for keys in self._arm.trials.values() for key in keys)
        keys = [*self._arm.evaluate.values(), *trials]
        return _span([self._results.records[key] for key in keys if key in self._results.records])

    @property
    def notes(self) -> list[str]:
        """What a reader should know of it: that its generator collapsed, and when."""
        return collapse_notes([self.row])

    @property
    def markdown(self) -> str:
        """Its row as Markdown: status, failure, notes, and a table of the scores."""
        row = self.row
        lines = [f"**{self.name}** · {row['status']} · {row['seeds']} seeds, {row['cases']} cases"]
        if row["failure"]:
            failure = row["failure"]
            lines += [
                "",
                f"Failed in {failure['stage']}: {failure['reason']}: {failure['message']}",
            ]
        lines += [line for note in self.notes for line in ("", f"⚠ {note}")]
        reference = next((name for name in ("real", "scratch") if name in row["versus"]), "real")
        lines += ["", "| score | mean | sd | 95 % interval | rank | n | undefined"
                  f" | / {reference} |"]  # fmt: skip
        lines += ["| --- | --- | --- | --- | --- | --- | --- | --- |"]
        for name, entry in row["metrics"].items():
            against = row["versus"].get(reference, {}).get(name, {})
            cells = [
                f"{name} {self._board['metrics'][name]['unit']}".strip(),
                number(entry["mean"]),
                number(entry["sd"]),
                span(entry["ci95"]),
                entry.get("rank", ""),
                entry["n"],
                entry["n_undefined"],
                f"{number(against.get('ratio'))} {span(against.get('ratio_ci95'))}".strip(),
            ]
            lines.append("| " + " | ".join(map(str, cells)) + " |")
        return "\n".join(lines)

    @cached_property
    def scores(self) -> list[dict[str, Any]]:
        """A row a subject and seed: ``subject``, ``seed``, and each metric's value or None."""
        names = segmentation_metrics(self._results)
        tables = arm_scores(self._results, self._arm, names)
        first = next(iter(tables.values()), None)
        return [
            {"subject": subject, "seed": seed}
            | {name: _or_none(float(tables[name].values[row, column])) for name in names}
            for row, seed in enumerate(first.seeds if first else ())
            for column, subject in enumerate(first.subjects if first else ())
        ]

    @cached_property
    def curves(self) -> dict[str, list[tuple[int, float]]]:
        """Training curves of the chosen trials and the generator: ``(step, value)`` by name.

        Names are such as ``segmenter seed 0/loss``, ``segmenter seed 0/validation score`` and
        ``generator seed 0/critic_loss``.
        """
        return {
            f"{stage} seed {seed}/{name}": points
            for seed in self.seeds
            for stage, record in self._fits(seed)
            for name, points in _series(record["result"] or {})
        }

    @cached_property
    def trials(self) -> list[TrialResult]:
        """All trials that were done, seed by seed."""
        return [
            trial
            for seed, keys in self._arm.trials.items()
            for number, key in enumerate(keys)
            if (trial := self._trial(seed, number, key)) is not None
        ]

    @cached_property
    def weights(self) -> dict[int, Path]:
        """The file with the weights of the chosen trial by seed; of rules that learn none, none."""
        places = {}
        for seed, fits in self._arm.trials.items():
            for key in fits:
                path = self._store / key / "weights.safetensors"
                if self._is_chosen(seed, key) and path.is_file():
                    places[seed] = path
        return places

    def write_figures(self, folder: str | Path) -> None:
        """Write its figures to a folder: scores, curves, samples and projections."""
        from vbench.figures.files import write_figures

        write_figures(Path(folder), self._store, self._results, self._arm, self._board)

    def _chosen(self, seed: int) -> Any:
        return (self._results.result(self._arm.evaluate.get(seed)) or {}).get("trial")

    def _is_chosen(self, seed: int, key: str) -> bool:
        if self._results.result(self._arm.evaluate.get(seed)) is None:
            return False
        return (self._results.result(key) or {}).get("trial") == self._chosen(seed)

    def _fits(self, seed: int) -> Iterator[tuple[str, Record]]:
        """Yield the training of the generator and of the chosen trial, in the order of need."""
        if self._results.result(self._arm.evaluate[seed]) is None:
            return
        for key in self._results.closure([self._arm.evaluate[seed]]):
            record = self._results.records.get(key)
            if record is None or record["status"] != "ok":
                continue
            if record["stage"] == "fit-generator":
                yield "generator", record
            elif key in self._arm.trials.get(seed, ()) and self._is_chosen(seed, key):
                yield "segmenter", record

    def _trial(self, seed: int, number: int, key: str) -> TrialResult | None:
        record = self._results.records.get(key)
        if record is None:
            return None
        result = record["result"] or {}
        values = {
            "validation_score": result.get("score"),
            "threshold": result.get("threshold"),
            "trial_seconds": record.get("seconds"),
        }
        failed = record["status"] != "ok"
        number = result.get("trial", number)
        return TrialResult(
            seed=seed,
            number=number,
            status="failed" if failed else "pruned" if result.get("pruned") else "ok",
            chosen=number == self._chosen(seed),
            span=_span([record]),
            params=result.get("params") or {},
            values={
                name: float(value)
                for name, value in values.items()
                if value is not None and _finite(value)
            },
        )


def arms_of(results: Results, board: dict[str, Any], store: Path) -> tuple[ArmResult, ...]:
    """Return the arms of a benchmark, in the plan's order.

    Args:
        results: The benchmark.
        board: Its leaderboard.
        store: The store, for weights, samples and projections.
    """
    rows = {row["arm"]: row for row in board["rows"]}
    return tuple(
        ArmResult(arm.name, rows[arm.name], arm.segmenter, tuple(arm.evaluate), results, arm,
                  board, store)
        for arm in results.arms
    )  # fmt: skip


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


def _span(records: list[Record]) -> tuple[float, float] | None:
    spans = []
    for record in records:
        try:
            start = datetime.fromisoformat(record["started"]).timestamp()
        except (KeyError, TypeError, ValueError):
            continue
        spans.append((start, start + (record.get("seconds") or 0.0)))
    return (min(s for s, _ in spans), max(e for _, e in spans)) if spans else None


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value
