"""What is known of each arm of a finished run, as plain values: what a tracker logs.

A tracker reads this and needs to know neither the store nor how its records are linked.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from vbench.analysis.chosen import Chosen
from vbench.analysis.collapse import collapse_notes
from vbench.analysis.folder import Arm, Results
from vbench.analysis.remarks import remark_notes
from vbench.analysis.repeats import repeat_notes
from vbench.analysis.scores import arm_scores, segmentation_metrics
from vbench.analysis.wording import number, privacy_word, risk, span
from vbench.markdown import table
from vbench.records.job import JobRecord
from vbench.records.parts import Repetition
from vbench.records.training import FitGeneratorResult, FitSegmenterResult
from vbench.regimes import MAIN_REFERENCES


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

    seed: Repetition
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
    seeds: tuple[Repetition, ...]
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
        """What a reader should know: that its generator does not repeat, or collapsed; remarks."""
        return repeat_notes([self.row]) + collapse_notes([self.row]) + remark_notes([self.row])

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
        if row.get("verdict"):
            worst = f"; worst patient's risk {risk(row)}" if risk(row) else ""
            alarms = f" ({', '.join(row['alarms'])})" if row["alarms"] else ""
            lines += ["", f"Privacy: {privacy_word(row)}{alarms}{worst}"]
        lines += [line for note in self.notes for line in ("", f"⚠ {note}")]
        references = (name for name in MAIN_REFERENCES if name in row["versus"])
        reference = next(references, MAIN_REFERENCES[0])
        header = ["score", "mean", "sd", "95 % interval", "rank", "n", "undefined"]
        cells = []
        for name, entry in row["metrics"].items():
            against = row["versus"].get(reference, {}).get(name, {})
            values = [
                f"{name} {self._board['metrics'][name]['unit']}".strip(),
                number(entry["mean"]),
                number(entry["sd"]),
                span(entry["ci95"]),
                entry.get("rank", ""),
                entry["n"],
                entry["n_undefined"],
                f"{number(against.get('ratio'))} {span(against.get('ratio_ci95'))}".strip(),
            ]
            cells.append([str(value) for value in values])
        return "\n".join([*lines, "", *table([*header, f"/ {reference}"], cells)])

    @cached_property
    def scores(self) -> list[dict[str, Any]]:
        """A row per subject and seed: ``subject``, ``seed``, and each metric's value or None."""
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
            f"{stage} seed {chosen.seed}/{name}": points
            for chosen in self._chosen.values()
            for stage, fit in _fits(chosen)
            for name, points in _series(fit)
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
    def weights(self) -> dict[Repetition, Path]:
        """The file with the weights of the chosen trial, by seed; rules have none."""
        places = {
            seed: self._store / chosen.trial.key / "weights.safetensors"
            for seed, chosen in self._chosen.items()
        }
        return {seed: path for seed, path in places.items() if path.is_file()}

    @cached_property
    def places(self) -> dict[Repetition, dict[str, Path]]:
        """Where the chosen model, its predictions, and the generator and its patches lie, by seed.

        Only what is there: arms without a generator have neither of the last two.
        """
        found: dict[Repetition, dict[str, Path]] = {}
        for seed, chosen in self._chosen.items():
            places = {
                "model": self._store / chosen.trial.key / "weights.safetensors",
                "predictions": self._store / self._arm.evaluate[seed] / "predictions",
            }
            if chosen.generator is not None:
                places["generator"] = self._store / chosen.generator.key
            if chosen.samples is not None:
                places["patches"] = self._store / chosen.samples.key
            found[seed] = {name: path for name, path in places.items() if path.exists()}
        return found

    def write_figures(self, folder: str | Path) -> None:
        """Write its figures to a folder: scores, curves, samples and projections."""
        from vbench.figures.files import write_figures

        write_figures(Path(folder), self._store, self._results, self._arm, self._board)

    @cached_property
    def _chosen(self) -> dict[Repetition, Chosen]:
        return {chosen.seed: chosen for chosen in self._results.all_chosen(self._arm)}

    def _trial(self, seed: Repetition, number: int, key: str) -> TrialResult | None:
        record = self._results.records.get(key)
        if record is None:
            return None
        fit = record.result_as(FitSegmenterResult) if record.status == "ok" else None
        number = number if fit is None else fit.trial
        chosen = self._chosen.get(seed)
        values = {
            "validation_score": fit.score if fit else None,
            "threshold": fit.threshold if fit else None,
            "trial_seconds": record.seconds,
        }
        return TrialResult(
            seed=seed,
            number=number,
            status="failed" if fit is None else "pruned" if fit.pruned else "ok",
            chosen=chosen is not None and chosen.evaluated.trial == number,
            span=_span([record]),
            params=fit.params if fit else {},
            values={
                name: float(value)
                for name, value in values.items()
                if value is not None and math.isfinite(value)
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


def _fits(chosen: Chosen) -> Iterator[tuple[str, FitGeneratorResult | FitSegmenterResult]]:
    """Yield the training of the generator and of the trial, in the order of need."""
    if chosen.generator is not None:
        yield "generator", chosen.generator.result
    yield "segmenter", chosen.trial.result


def _series(
    fit: FitGeneratorResult | FitSegmenterResult,
) -> Iterator[tuple[str, list[tuple[int, float]]]]:
    """Yield each value of a training over its steps, and each of its validations."""
    validation = fit.validation if isinstance(fit, FitSegmenterResult) else ()
    for points, prefix in ((fit.curve, ""), ([dict(v) for v in validation], "validation ")):
        names = dict.fromkeys(name for point in points for name in point)
        for name in names:
            if name in ("step", "seconds"):
                continue
            series = [(int(p["step"]), float(p[name])) for p in points if _finite(p.get(name))]
            if series:
                yield prefix + name, series


def _span(records: list[JobRecord]) -> tuple[float, float] | None:
    spans = []
    for record in records:
        try:
            start = datetime.fromisoformat(record.started or "").timestamp()
        except ValueError:
            continue
        spans.append((start, start + record.seconds))
    return (min(s for s, _ in spans), max(e for _, e in spans)) if spans else None


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value
