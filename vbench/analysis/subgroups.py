"""Scores by subgroup of the test subjects, such as by scanner: tables beside the leaderboard.

Whether groups differ is asked by Welch's analysis of variance (Welch 1951) of the subjects' scores,
each averaged over seeds: it takes groups of other sizes and spreads, and of two groups it is
Welch's t-test. Folds are drawn without regard to groups, so that it holds with them, too. A group
of fewer than :data:`SMALLEST` subjects is shown, and not tested: with 2 of 12 such a test would
find a difference where there is none in 10 of 100 benchmarks, with 5 in 6 (by simulation, of normal
scores; in up to 12 where scores are skewed and one group is eight times the other).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from vbench.analysis.folder import Arm, Results
from vbench.analysis.layout import Cell, Section, metric_title
from vbench.analysis.scores import arm_scores
from vbench.analysis.stats import Floats, holm, per_subject
from vbench.analysis.summary import summary
from vbench.analysis.uncertainty import ALPHA
from vbench.analysis.wording import headline, lapses_of, number, span
from vbench.files import csv_text
from vbench.usertext import counted

#: Subjects of a group that is tested, at least.
SMALLEST = 5
#: Scores by the radius of vessels, which tables show beside the headline where they were asked for.
BY_RADIUS = ("recall-below-1mm", "recall-1-2mm", "recall-above-2mm")


def groups_of(results: Results) -> dict[str, dict[str, dict[str, Any]]] | None:
    """Return the groups of each cohort by column: the test subjects of each, and those in none.

    Persons, where some have several subjects; a person may be in several groups. None where the
    spec names no column.
    """
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for cohort, columns in results.subgroups.items():
        found[cohort] = {}
        for column, value_of in columns.items():
            groups: dict[str, dict[str, None]] = {value: {} for value in sorted(_values(value_of))}
            for subject, value in value_of.items():
                groups[value][results.person(cohort, subject)] = None
            placed = {person for group in groups.values() for person in group}
            found[cohort][column] = {
                "groups": {value: list(group) for value, group in groups.items()},
                "unknown": [person for person in results.cohorts[cohort] if person not in placed],
            }
    return found or None


def subgroup_scores(
    results: Results, arm: Arm, metrics: Sequence[str], ranges: Mapping[str, tuple[float, float]]
) -> dict[str, dict[str, Any]]:
    """Return an arm's scores by column: ``groups`` by group and metric, ``gaps`` by metric.

    A person with subjects in several groups counts in each, by the mean of those subjects.
    """
    found: dict[str, dict[str, Any]] = {}
    for column, value_of in results.subgroups.get(arm.cohort, {}).items():
        groups: dict[str, dict[str, Any]] = {}
        values: dict[str, dict[str, Floats]] = {name: {} for name in metrics}
        persons: list[str] = []
        for value in sorted(_values(value_of)):
            only = {subject for subject, other in value_of.items() if other == value}
            own = {results.person(arm.cohort, subject) for subject in only}
            persons += own
            groups[value] = {}
            for name, table in arm_scores(results, arm, metrics, only=only).items():
                seen = table.of(np.array([subject in own for subject in table.subjects], bool))
                groups[value][name] = summary(seen, *ranges[name])
                of_subjects = per_subject(seen.values)
                values[name][value] = of_subjects[np.isfinite(of_subjects)]
        apart = len(set(persons)) == len(persons)
        found[column] = {
            "groups": groups,
            "gaps": {name: _gap(values[name], apart) for name in metrics},
        }
    return found


def correct(rows: Sequence[dict[str, Any]]) -> None:
    """Add ``p`` to each gap: Holm-corrected over the finished arms of a cohort."""
    families: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for row in rows:
        for column, found in (row["subgroups"] or {}).items():
            for metric, gap in found["gaps"].items():
                gap["p"] = None
                if gap["p_raw"] is not None and row["status"] == "ok":
                    families.setdefault((row["cohort"], column, metric), []).append(gap)
    for gaps in families.values():
        for gap, p in zip(gaps, holm([gap["p_raw"] for gap in gaps]), strict=True):
            gap["p"] = p


def welch(groups: Sequence[Floats]) -> float | None:
    """Return the p that groups of values have one mean (Welch 1951); None where one has no spread.

    Args:
        groups: Two or more, of at least two values.
    """
    from scipy.special import fdtrc

    k, n = len(groups), np.array([len(values) for values in groups])
    means = np.array([values.mean() for values in groups])
    spreads = np.array([values.var(ddof=1) for values in groups])
    if not (spreads > (1e-12 * np.abs(means).max()) ** 2).all():
        return None
    weights = n / spreads
    middle = (weights * means).sum() / weights.sum()
    between = (weights * (means - middle) ** 2).sum() / (k - 1)
    uneven = ((1 - weights / weights.sum()) ** 2 / (n - 1)).sum()
    statistic = between / (1 + 2 * (k - 2) / (k**2 - 1) * uneven)
    return float(fdtrc(k - 1, (k**2 - 1) / (3 * uneven), statistic))


def _gap(values: Mapping[str, Floats], apart: bool) -> dict[str, Any]:
    """Return how far the groups' means lie apart, and the p that they do not."""
    means = {value: float(found.mean()) for value, found in values.items() if found.size}
    tested = [value for value, found in values.items() if found.size >= SMALLEST]
    test = apart and len(tested) > 1
    low = min(means, key=lambda value: means[value], default=None)
    high = max(means, key=lambda value: means[value], default=None)
    return {
        "gap": means[high] - means[low] if len(means) > 1 and low and high else None,
        "lowest": low,
        "highest": high,
        "tested": tested if test else [],
        "p_raw": welch([values[value] for value in tested]) if test else None,
    }


def subgroup_sections(
    leaderboard: Mapping[str, Any],
    by: Sequence[str] | None = None,
    metrics: Sequence[str] | None = None,
) -> Iterator[Section]:
    """Lay the scores out by subgroup: a section for each cohort, column and metric.

    Args:
        leaderboard: Content of leaderboard.json.
        by: Columns; None: all.
        metrics: Which to show; None: the headline, and recall by radius where it was scored.
    """
    board = dict(leaderboard)
    chosen = list(metrics or (*headline(board), *(n for n in BY_RADIUS if n in board["metrics"])))
    for cohort, columns in (leaderboard.get("subgroups") or {}).items():
        rows = [
            row
            for row in leaderboard["rows"]
            if row["cohort"] == cohort and row["status"] == "ok" and row.get("subgroups")
        ]
        for column, about in columns.items():
            if rows and (by is None or column in by):
                for name in chosen:
                    yield _section(leaderboard, cohort, column, about, name, rows)


def _section(
    leaderboard: Mapping[str, Any],
    cohort: str,
    column: str,
    about: Mapping[str, Any],
    metric: str,
    rows: Sequence[Mapping[str, Any]],
) -> Section:
    sizes = {value: len(people) for value, people in about["groups"].items()}
    title = metric_title(metric, leaderboard["metrics"][metric])
    title += f" by {column}, {cohort} data: smallest group "
    title += counted(min(sizes.values()), "test subject")
    if about["unknown"]:
        title += f"; {len(about['unknown'])} without a value left out"
    lines = []
    for row in rows:
        found = row["subgroups"][column]
        cells = [Cell(row["arm"])]
        for value in sizes:
            entry = found["groups"][value][metric]
            parts = (number(entry["mean"]), span(entry["ci95"]), lapses_of(entry))
            cells.append(Cell(" ".join(filter(None, parts))))
        gap = found["gaps"][metric]
        cells.append(Cell(number(gap["gap"])))
        cells.append(Cell(_p(gap["p"]), best=gap["p"] is not None and gap["p"] < ALPHA))
        lines.append(tuple(cells))
    header = ("arm", *(f"{value} (n={size})" for value, size in sizes.items()), "gap", "p")
    return Section(title, header, tuple(lines))


def _p(p: float | None) -> str:
    return "–" if p is None else "< 0.001" if p < 0.001 else f"{p:.2g}"


def rules(leaderboard: Mapping[str, Any], by: Sequence[str] | None = None) -> list[str]:
    """Explain tables by subgroup, and say of which subjects no value is known."""
    lines = [
        "by subgroup: mean [95 % interval] over the test subjects of a group, n of them; gap: the "
        "highest mean less the lowest; p: that the groups do not differ (Welch's analysis of "
        "variance over subjects, Holm-corrected over the arms of the table)",
        f"groups of fewer than {SMALLEST} test subjects are shown and not tested (–); nobody drew "
        "the groups by lot: they may differ in much else",
    ]
    for cohort, columns in (leaderboard.get("subgroups") or {}).items():
        for column, about in columns.items():
            unknown = about["unknown"]
            if unknown and (by is None or column in by):
                some = ", ".join(unknown[:3]) + (" …" if len(unknown) > 3 else "")
                n = f"{len(unknown)} test subject" + ("s have" if len(unknown) > 1 else " has")
                lines.append(f"{column}, {cohort} data: {n} no value, in no group: {some}")
    return lines


def subgroups_csv(leaderboard: Mapping[str, Any], by: Sequence[str] | None = None) -> str:
    """Return a line per arm, column, group and metric, with all digits, for machines."""
    fields = ("mean", "sd", "sd_seeds", "median", "n", "n_undefined", "n_failed", "claim")
    head = ["arm", "cohort", "column", "group", "subjects", "metric"]
    rows: list[list[Any]] = [[*head, *fields, "ci95_low", "ci95_high", "gap", "p_raw", "p"]]
    for row in leaderboard["rows"]:
        for column, found in (row.get("subgroups") or {}).items():
            if by is not None and column not in by:
                continue
            about = leaderboard["subgroups"][row["cohort"]][column]
            for value, scores in found["groups"].items():
                for metric, entry in scores.items():
                    gap = found["gaps"][metric]
                    line = [row["arm"], row["cohort"], column, value, len(about["groups"][value])]
                    line += [metric, *(entry[name] for name in fields)]
                    line += entry["ci95"] or (None, None)
                    rows.append([*line, gap["gap"], gap["p_raw"], gap["p"]])
    return csv_text(rows)


def _values(value_of: Mapping[str, str]) -> set[str]:
    return set(value_of.values())
