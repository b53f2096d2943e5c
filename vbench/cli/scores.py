"""Scores as ``vbench score`` and ``vbench predict`` give them: tables, JSON, CSV, pictures."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.table import Table

    from vbench.cli.terminal import Console
    from vbench.scoring.score import Case, Scores

#: Characters that a value takes in a table, with its mark, and those between two columns.
_VALUE, _GAP = 11, 2
#: Pictures that ``--overlays`` writes.
WORST = 5


def to_json(scores: Scores) -> dict[str, Any]:
    """Return what ``--json`` prints.

    ``missing``: subjects without a prediction. ``cases``: a list of ``{"subject", "class",
    "metric", "value", "status"}``; ``summary``: by metric ``{"mean", "sd", "ci95", "n",
    "n_undefined", "n_failed", "unit", "higher_is_better"}``. With ``--classes``, ``summary`` has
    one such table by class; with ``--class``, too, and that of the mean over classes under ``""``.
    """
    from dataclasses import asdict

    tables = {
        label: {name: asdict(s) for name, s in scores.summary(label).items()}
        for label in scores.labels
    }
    return {
        "metrics": [metric.id for metric in scores.metrics],
        "cases": [_row(case) for case in scores.cases],
        "missing": list(scores.missing),
        "summary": (
            tables[None]
            if list(tables) == [None]
            else {"" if label is None else str(label): table for label, table in tables.items()}
        ),
    }


def _row(case: Case) -> dict[str, Any]:
    return {
        "subject": case.subject,
        "class": case.label,
        "metric": case.metric,
        "value": case.value,
        "status": case.status,
    }


def to_csv(path: Path, scores: Scores) -> None:
    """Write all values, a row each; the file appears whole, or not at all."""
    from vbench.files import write_csv

    names = ("subject", "class", "metric", "value", "status")
    write_csv(path, [names, *(_row(case).values() for case in scores.cases)])


def to_overlays(
    folder: Path,
    pred: str,
    truth: str,
    scores: Scores,
    silent: bool,
    ignored: tuple[int, ...],
    classes: bool,
) -> None:
    """Write pictures of the worst subjects by the first metric, the worst first."""
    from dataclasses import replace

    import numpy as np

    from vbench.scoring.overlay import write_overlay
    from vbench.scoring.pairing import find_pairs

    first = scores.metrics[0]
    sign = -1 if first.higher_is_better is False else 1
    worth: dict[str, float] = {}
    for case in scores.cases:
        if case.metric == first.name and case.value is not None:
            worth[case.subject] = min(sign * case.value, worth.get(case.subject, float("inf")))
    values = bool(classes or ignored)
    pairs = {pair.subject: replace(pair, values=values) for pair in find_pairs(pred, truth)}
    for rank, subject in enumerate(sorted(worth, key=lambda s: worth[s])[:WORST], start=1):
        maps = pairs[subject].read()
        path = folder / f"{rank}-{subject}.png"
        counts = ~np.isin(maps.truth, ignored)
        found, wanted = maps.prediction * counts, maps.truth * counts
        if not classes:
            found, wanted = found > 0, wanted > 0
        write_overlay(path, found, wanted, maps.spacing, maps.affine)
        if not silent:
            click.echo(f"{path}: {first.name} {sign * worth[subject]:.4g}")


def show(scores: Scores) -> None:
    """Print a table of the subjects and one of the means, for each class."""
    from vbench.cli.terminal import Console

    console = Console(markup=False)  # names of files are no markup
    for label in scores.labels:
        title = f"class {label}" if label is not None else "all classes" if scores.classes else ""
        cases = [case for case in scores.cases if case.label == label]
        subjects = list(dict.fromkeys(case.subject for case in cases))
        if len(subjects) > 1:
            _show_subjects(console, cases, subjects, [m.name for m in scores.metrics], title)
        console.print(_summary_table(scores, label, title))
    if any(case.status == "undefined" for case in scores.cases):
        console.print(
            "* undefined: a mask is empty, or has none of what is measured; "
            "the value is the metric's rule",
            style="dim",
        )


def _show_subjects(
    console: Console, cases: list[Case], subjects: list[str], names: list[str], title: str
) -> None:
    """Print a row a subject, in several tables where the metrics do not fit beside each other."""
    found = {(case.subject, case.metric): case for case in cases}
    room = console.width - max(map(len, subjects))
    while names:
        # As many side by side as fit: a value must not be cut.
        ends = itertools.accumulate(max(len(name), _VALUE) + _GAP for name in names)
        count = max(1, sum(end <= room for end in ends))
        shown, names = names[:count], names[count:]
        table = _table(title, "subject", shown)
        for subject in subjects:
            cells = (found.get((subject, name)) for name in shown)
            table.add_row(subject, *("" if case is None else _value(case) for case in cells))
        console.print(table, "")


def _table(title: str, first: str, others: Sequence[str]) -> Table:
    """Return a table whose first column may be folded, and no other."""
    from rich.table import Table

    table = Table(title=title or None, title_justify="left", box=None, header_style="bold")
    table.add_column(first, overflow="fold")
    for name in others:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _summary_table(scores: Scores, label: int | str | None, title: str) -> Table:
    several = len({case.subject for case in scores.cases}) > 1
    columns = ["mean", "sd", "95 % interval", "n", "undefined"] if several else ["value"]
    table = _table(title, "metric", [*columns, "unit", "better"])
    single = {case.metric: _value(case) for case in scores.cases if case.label == label}
    ids = {metric.name: metric.id for metric in scores.metrics}
    for name, row in scores.summary(label).items():
        interval = "" if row.ci95 is None else f"{row.ci95[0]:.4g} … {row.ci95[1]:.4g}"
        if not row.n:
            continue  # it scores all classes at once, and none alone
        numbers = [_number(row.mean), _number(row.sd), interval, str(row.n), str(row.n_undefined)]
        better = {True: "higher", False: "lower", None: ""}[row.higher_is_better]
        table.add_row(ids[name], *(numbers if several else [single[name]]), row.unit, better)
    return table


def _value(case: Case) -> str:
    mark = {"ok": "", "undefined": " *", "failed": "failed"}[case.status]
    return mark if case.value is None else _number(case.value) + mark


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
