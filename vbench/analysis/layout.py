"""Lays a leaderboard out as sections of cells, for every way of showing it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vbench.analysis.budgets import budget_text
from vbench.analysis.wording import (
    Row,
    duration,
    has_verdicts,
    lapses,
    number,
    privacy_word,
    risk,
    signs,
    span,
    tabled,
)
from vbench.regimes import EXTRA_REFERENCES, MAIN_REFERENCES
from vbench.usertext import counted

#: Characters of a failure's message that a table shows; leaderboard.json has all of them.
LONGEST = 120


@dataclass(frozen=True)
class Cell:
    """Text of a cell, and whether it is the best of its column."""

    text: str
    best: bool = False


@dataclass(frozen=True)
class Section:
    """The arms that are scored on the same test subjects, or the failed ones.

    Attributes:
        title: What is common to them.
        header: Column titles.
        lines: The cells of each arm.
    """

    title: str
    header: tuple[str, ...]
    lines: tuple[tuple[Cell, ...], ...]


def sections(
    leaderboard: dict[str, Any],
    metrics: Sequence[str] | None = None,
    *,
    compact: bool = False,
    budget: bool = False,
) -> Iterator[Section]:
    """Lay the leaderboard out: a section per cohort, then the arms that failed or are pending.

    Args:
        leaderboard: Content of leaderboard.json.
        metrics: Which to show; all that the spec names when None or empty.
        compact: Leave out standard deviations, the interval of the ratio, the worst patient,
            pruned trials, and time.
        budget: Show what each arm was trained with.
    """
    chosen = list(metrics or tabled(leaderboard))
    primary = str(leaderboard.get("primary"))
    first = primary if primary in chosen else chosen[0]
    rows = leaderboard["rows"]
    info = leaderboard["metrics"]
    for cohort, subjects in leaderboard["cohorts"].items():
        group = [row for row in rows if row["cohort"] == cohort and row["status"] == "ok"]
        if not group:
            continue
        reference = _reference(group, chosen)
        seeds = {row["seeds"] for row in group}
        header = ["", "arm", *(metric_title(name, info[name]) for name in chosen)]
        privacy = ["privacy"] if has_verdicts(group) else []
        privacy += ["worst patient"] if not compact and any(map(risk, group)) else []
        at = 3 + chosen.index(first)
        header[at:at] = privacy
        references = [reference] if reference else []
        references += [
            name
            for name in EXTRA_REFERENCES
            if not compact and any(row["versus"].get(name, {}).get(first) for row in group)
        ]
        header += [f"/ {name}" for name in references]
        header += ["seeds"] if len(seeds) > 1 else []
        pruned = not compact and any(row["trials"]["pruned"] for row in group)
        header += ["pruned"] if pruned else []
        header += [] if compact else ["time"]
        header += ["budget"] if budget else []
        lines = [
            _line(row, chosen, first, references, compact, len(seeds) > 1, pruned, privacy)
            for row in group
        ]
        if budget:
            lines = [
                (*line, Cell(budget_text(row["budget"])))
                for line, row in zip(lines, group, strict=True)
            ]
        title = f"{cohort} data: {counted(len(subjects), 'test subject')}"
        title += f" × {counted(seeds.pop(), 'seed')}" if len(seeds) == 1 else ""
        folds = (leaderboard.get("folds") or {}).get(cohort)
        title += f", {folds} folds" if folds else ""
        yield Section(title, tuple(header), tuple(lines))
    if not metrics:
        yield from _audited([row for row in rows if row["status"] == "ok"])
    rest = [row for row in rows if row["status"] != "ok"]
    if rest:
        cells = tuple(
            (
                Cell(row["status"]),
                Cell(row["arm"]),
                Cell(_reason(row)),
                Cell(duration(row["seconds"])),
            )
            for row in rest
        )
        yield Section("not ranked", ("", "arm", "reason", "time"), cells)


def _audited(rows: Sequence[Row]) -> Iterator[Section]:
    """Lay out what audits found of the arms' synthetic patches, by score."""
    families = ("fidelity", "privacy")
    names = list(dict.fromkeys(name for row in rows for part in families for name in row[part]))
    lines = []
    for row in rows:
        entries = {**row["fidelity"], **row["privacy"]}
        if entries:
            lines.append((Cell(row["arm"]), *(Cell(_audit(entries.get(name))) for name in names)))
    if lines:
        yield Section("synthetic patches", ("arm", *names), tuple(lines))


def _audit(entry: Mapping[str, Any] | None) -> str:
    """Write one score of an audit, over seeds."""
    if entry is None:
        return ""
    spread = "" if entry.get("sd") is None else f"± {number(entry['sd'])}"
    undefined = f"u{entry['n_undefined']}" if entry.get("n_undefined") else ""
    alarm = "ALARM" if entry.get("alarm") else ""
    return " ".join(filter(None, [number(entry.get("value")), spread, alarm, undefined]))


def has_budgets(leaderboard: dict[str, Any]) -> bool:
    """Whether any record says what it was trained with; those of earlier versions do not."""
    return any(row["budget"]["steps"] is not None for row in leaderboard["rows"])


def _reference(group: list[Row], chosen: Sequence[str]) -> str | None:
    for name in MAIN_REFERENCES:
        if any(metric in row["versus"].get(name, {}) for row in group for metric in chosen):
            return name
    return None


def short_name(metric: str) -> str:
    """Return a metric's usual name in the field."""
    return {"dsc": "DSC", "hd95": "HD95"}.get(metric, metric)


def metric_title(metric: str, info: Mapping[str, Any]) -> str:
    """Name a metric above its scores, with its unit and the direction that is better."""
    arrow = {True: " ↑", False: " ↓", None: ""}[info["higher_is_better"]]
    return short_name(metric) + (f" {info['unit']}" if info["unit"] else "") + arrow


def _line(
    row: Row,
    chosen: Sequence[str],
    first: str,
    references: Sequence[str],
    compact: bool,
    seeds: bool,
    pruned: bool,
    privacy: Sequence[str],
) -> tuple[Cell, ...]:
    entry = row["metrics"][first]
    rank = f"{entry['rank']}{'=' if entry['tied'] else ''}" if entry.get("rank") else ""
    cells = [Cell(rank), Cell(row["arm"])]
    for name in chosen:
        score = row["metrics"][name]
        parts = [number(score["mean"]) + signs(row, name)]
        if score["sd"] is not None and not compact:
            parts.append(f"± {number(score['sd'])}")
        parts += [span(score["ci95"]), lapses(row, name)]
        text = " ".join(part for part in parts if part)
        cells.append(Cell(text, best=score.get("rank") == 1))
        if name == first:
            cells += [Cell(text) for text in (privacy_word(row), risk(row))[: len(privacy)]]
    for reference in references:
        against = row["versus"].get(reference, {}).get(first)
        parts = [] if against is None else [number(against["ratio"], 3)]
        if against is not None and not compact:
            parts.append(span(against["ratio_ci95"], 3))
        cells.append(Cell(" ".join(parts).strip()))
    if seeds:
        cells.append(Cell(str(row["seeds"])))
    if pruned:
        cells.append(Cell(f"{row['trials']['pruned']} of {row['trials']['planned']} trials"))
    return *cells, *([] if compact else [Cell(duration(row["seconds"]))])


def _reason(row: Row) -> str:
    failure = row["failure"]
    if failure is None:
        return "has not run yet"
    seeds = f"{row['seeds_failed']} of {row['seeds_failed'] + row['seeds']} seeds; "
    message = failure["message"].partition("\n")[0]
    if len(message) > LONGEST:
        message = message[:LONGEST] + " …"
    text = f"{failure['stage']}: {failure['reason']}: {message}"
    return (seeds if row["seeds"] else "") + text
