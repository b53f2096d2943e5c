"""Shows a leaderboard in the terminal, as Markdown, as LaTeX and as CSV."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vbench import latex as tex
from vbench.analysis.budgets import BUDGET_LEGEND, FIELDS
from vbench.analysis.classes import RULE, class_sections
from vbench.analysis.layout import Section, has_budgets, sections
from vbench.analysis.subgroups import rules, subgroup_sections
from vbench.analysis.wording import legend
from vbench.files import csv_text
from vbench.markdown import escape
from vbench.markdown import table as rows_of
from vbench.regimes import REFERENCES

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

#: Terminals narrower than this get the compact table.
WIDE = 118
#: Terminals narrower than this get no column of budgets, which is wide.
ROOM, COLUMN = 100, 22
#: Of the summary of a metric, what CSV has.
SUMMARY = ("mean", "sd", "sd_seeds", "median", "ci95", "n", "n_undefined", "n_failed", "claim")
#: Characters that are left to the arms' names, however narrow the terminal is.
NARROWEST = 12


@dataclass(frozen=True)
class TerminalTable:
    """The leaderboard for ``rich``: best in bold, signs explained below, fitted to the width.

    Attributes:
        leaderboard: Content of leaderboard.json.
        metrics: Which to show; all that the spec names when None.
        classes: Whether to show a table of each class, too.
        by: Columns of subgroups to show tables of, too.
    """

    leaderboard: dict[str, Any]
    metrics: Sequence[str] | None = None
    classes: bool = False
    by: Sequence[str] = ()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield a table per section, then the legend."""
        from rich.text import Text

        budget = options.max_width >= ROOM and has_budgets(self.leaderboard)
        wide = options.max_width >= WIDE + (COLUMN if budget else 0)
        gap = 3 if wide else 2
        state = "" if self.leaderboard["finished"] else " (unfinished)"
        shown = list(sections(self.leaderboard, self.metrics, compact=not wide, budget=budget))
        shown += _further(self.leaderboard, self.metrics, self.classes, self.by)
        for section in shown:
            title = f"{self.leaderboard['benchmark']}{state} · {section.title}"
            yield Text(title, style="bold")
            for columns in parts(section, options.max_width, gap):
                yield _rich(section, columns, gap)
        notes = legend(self.leaderboard, self.metrics, compact=not wide)
        notes += _rules(self.leaderboard, self.classes, self.by)
        notes += [BUDGET_LEGEND] if budget else []
        if not wide and any(row["status"] == "ok" for row in self.leaderboard["rows"]):
            notes.append(_left_out(self.leaderboard, self.metrics, shown))
        for note in notes:
            yield Text(note, style="dim")


def _left_out(
    leaderboard: dict[str, Any], metrics: Sequence[str] | None, shown: Sequence[Section]
) -> str:
    """Say what a narrow terminal is not shown, and what shows it."""
    budget = has_budgets(leaderboard)
    full = sections(leaderboard, metrics, budget=budget)
    pairs = zip(full, shown, strict=False)  # further tables are the same at any width
    missing = dict.fromkeys(t for a, b in pairs for t in a.header if t not in b.header)
    rows = [row for row in leaderboard["rows"] if row["status"] == "ok"]
    parts = ["± sd", *(["intervals of ratios"] if any(row["versus"] for row in rows) else [])]
    what = ", ".join([*parts, *missing])
    columns = WIDE + (COLUMN if budget else 0)
    return (
        f"left out here: {what}; a terminal of {columns} columns shows them, and so does "
        "vbench leaderboard --format md"
    )


def _further(
    leaderboard: dict[str, Any],
    metrics: Sequence[str] | None,
    classes: bool,
    by: Sequence[str],
) -> list[Section]:
    """Return the tables beside the leaderboard: by class, by subgroup."""
    shown = list(class_sections(leaderboard, metrics)) if classes else []
    return [*shown, *(subgroup_sections(leaderboard, by, metrics or None) if by else ())]


def _rules(leaderboard: dict[str, Any], classes: bool, by: Sequence[str]) -> list[str]:
    """Return what is said below them."""
    return [*([RULE] if classes else []), *(rules(leaderboard, by) if by else [])]


def parts(section: Section, width: int, gap: int) -> list[list[int]]:
    """Divide the columns of a section among tables that fit a width, each with the arms' names.

    No column is narrowed for that, so no interval is broken in two; but where an arm's name leaves
    no room for any other column, the names are broken.

    Args:
        section: What is to be shown.
        width: Characters that there are.
        gap: Characters between two columns.

    Returns:
        The columns of each table, by number.
    """
    width -= 2  # the edges
    needs = [
        max(map(len, (name, *(line[i].text for line in section.lines))))
        for i, name in enumerate(section.header)
    ]
    needs = [min(n, 40) if section.header[i] == "reason" else n for i, n in enumerate(needs)]
    arm = section.header.index("arm")
    first = [i for i in range(len(needs)) if i <= arm]
    others = max(needs[arm + 1 :], default=0) + sum(needs[i] + gap for i in first if i != arm)
    needs[arm] = min(needs[arm], max(NARROWEST, width - others - 2 * gap))
    out, room = [[*first]], width - sum(needs[i] + gap for i in first)
    for i in range(arm + 1, len(needs)):
        if needs[i] > room and len(out[-1]) > (len(first) if len(out) == 1 else 1):
            out.append([arm])
            room = width - needs[arm] - gap
        out[-1].append(i)
        room -= needs[i] + gap
    return out


def _rich(section: Section, columns: Sequence[int], gap: int) -> RenderableType:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, gap - 1, 0, 0))
    for i in columns:
        name = section.header[i]
        table.add_column(
            Text(name),
            justify="right" if name in ("", "time", "seeds") else "left",
            no_wrap=name not in ("arm", "reason"),
            overflow="fold",
        )
    for line in section.lines:
        cells = (line[i] for i in columns)
        table.add_row(*(Text(cell.text, style="bold" if cell.best else "") for cell in cells))
    return table


def render_table(
    leaderboard: dict[str, Any],
    metrics: Sequence[str] | None = None,
    *,
    classes: bool = False,
    by: Sequence[str] = (),
) -> RenderableType:
    """Return the leaderboard for ``rich``."""
    return TerminalTable(leaderboard, metrics or None, classes, by)


def markdown(
    leaderboard: dict[str, Any],
    metrics: Sequence[str] | None = None,
    *,
    classes: bool = False,
    by: Sequence[str] = (),
) -> str:
    """Return the leaderboard as Markdown tables."""
    out = [f"## {escape(leaderboard['benchmark'])}", ""]
    budget = has_budgets(leaderboard)
    shown = list(sections(leaderboard, metrics, budget=budget))
    shown += _further(leaderboard, metrics, classes, by)
    for section in shown:
        rows = [
            [f"**{escape(cell.text)}**" if cell.best else escape(cell.text) for cell in line]
            for line in section.lines
        ]
        out += [f"### {section.title}", "", *rows_of(section.header, rows), ""]
    notes = [*legend(leaderboard), *([BUDGET_LEGEND] if budget else [])]
    notes += _rules(leaderboard, classes, by)
    return "\n".join([*out, *(f"- {escape(line)}" for line in notes), ""])


def latex(
    leaderboard: dict[str, Any],
    metrics: Sequence[str] | None = None,
    *,
    classes: bool = False,
    by: Sequence[str] = (),
) -> str:
    """Return the leaderboard as LaTeX tables, which need the package booktabs."""
    out = ["% needs \\usepackage{booktabs}"]
    said = [*legend(leaderboard, metrics), *_rules(leaderboard, classes, by)]
    notes = [tex.escape(note) for note in said]
    name = tex.escape(leaderboard["benchmark"])
    shown = [*sections(leaderboard, metrics), *_further(leaderboard, metrics, classes, by)]
    for section in shown:
        header = [tex.escape(cell) for cell in section.header]
        rows = [
            [rf"\textbf{{{tex.escape(c.text)}}}" if c.best else tex.escape(c.text) for c in line]
            for line in section.lines
        ]
        out += tex.table(header, rows, f"{name}, {tex.escape(section.title)}", notes)
        notes = []  # once, below the first table
    return "\n".join([*out, ""])


def to_csv(leaderboard: dict[str, Any]) -> str:
    """Return a line per arm and metric, audits' too, with all digits, for machines."""
    ranks = ("rank", "average_rank", "win_rate")
    against = ("difference", "ci95", "ratio", "ratio_ci95", "effect", "p_raw", "p", "claim")
    head = ["arm", "regime", "generator", "n_subjects", "cohort", "status", "seeds", "seconds"]
    first, *rest = REFERENCES
    references = (first, "best", *rest)
    columns = [*head, "metric", *_wide(SUMMARY), *ranks]
    columns += [f"{ref}_{name}" for ref in references for name in ("arm", *_wide(against))]
    columns += [f"budget_{name}" for name in FIELDS]
    columns += ["verdict", *_wide(("worst_patient_risk", "worst_patient_risk_ci95"))]
    rows: list[list[Any]] = [columns]
    for row in leaderboard["rows"]:
        for metric, entry in row["metrics"].items():
            line = [row[name] for name in head] + [metric]
            line += _values(entry, SUMMARY) + [entry.get(name) for name in ranks]
            for reference in references:
                other = row["versus"].get(reference, {}).get(metric, {})
                line += [other.get("arm"), *_values(other, against)]
            line += [row["budget"][name] for name in FIELDS]
            worst = row.get("worst_patient") or {}
            line += [row.get("verdict"), *_values(worst, ("value", "ci95"))]
            rows.append(line)
        for metric, entry in {**row["fidelity"], **row["privacy"]}.items():
            # Over seeds, of the arm's synthetic patches; other columns are empty.
            known = {"metric": metric, "mean": entry.get("value"), "sd_seeds": entry.get("sd")}
            known |= {name: entry.get(name) for name in ("n", "n_undefined")}
            known |= {name: row[name] for name in head} | {"verdict": row.get("verdict")}
            rows.append([known.get(name) for name in columns])
    return csv_text(rows)


def classes_csv(leaderboard: dict[str, Any]) -> str:
    """Return a line per arm, class and metric, with all digits, for machines."""
    head = ["arm", "cohort"]
    rows: list[list[Any]] = [[*head, "class", "metric", *_wide(SUMMARY)]]
    for row in leaderboard["rows"]:
        for label, of in (row.get("classes") or {}).items():
            for metric, entry in of.items():
                rows.append(
                    [*(row[name] for name in head), label, metric, *_values(entry, SUMMARY)]
                )
    return csv_text(rows)


def _wide(names: Sequence[str]) -> list[str]:
    return [
        wide
        for name in names
        for wide in ((f"{name}_low", f"{name}_high") if name.endswith("ci95") else (name,))
    ]


def _values(entry: dict[str, Any], names: Sequence[str]) -> list[Any]:
    out: list[Any] = []
    for name in names:
        value = entry.get(name)
        out += (value or [None, None]) if name.endswith("ci95") else [value]
    return out
