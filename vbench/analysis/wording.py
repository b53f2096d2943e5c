"""How numbers, intervals and significance are written, in the terminal and in the report alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vbench.analysis.collapse import collapse_notes

Row = dict[str, Any]
#: Shown first when a benchmark has them.
HEADLINE = ("dsc", "hd95")
#: A corrected p below this is marked.
ALPHA = 0.05


def headline(leaderboard: dict[str, Any]) -> list[str]:
    """Name the metrics that a table shows unless asked for others: DSC and 95HD, else the first."""
    names = list(leaderboard["metrics"])
    chosen = [name for name in HEADLINE if name in names]
    primary = leaderboard.get("primary")
    if primary and primary not in chosen:
        chosen.insert(0, primary)
    return chosen or names[:2]


def number(value: float | None, decimals: int | None = None) -> str:
    """Write a number: 3 decimals below 1, 2 below 10, fewer above; – when there is none."""
    if value is None:
        return "–"
    if decimals is None:
        size = abs(value)
        decimals = 3 if size < 1 else 2 if size < 10 else 1 if size < 100 else 0
    return f"{round(value, decimals) + 0.0:.{decimals}f}"  # + 0.0: no minus zero


def span(ci: Sequence[float | None] | None, decimals: int | None = None) -> str:
    """Write an interval as ``[low, high]``; empty when there is none."""
    return "" if ci is None else f"[{number(ci[0], decimals)}, {number(ci[1], decimals)}]"


def duration(seconds: float) -> str:
    """Write a time as ``12 s``, ``3 min`` or ``2.1 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def signs(row: Row, metric: str) -> str:
    """Return the signs of a mean: ``*``, ``†``, ``‡`` and ``≈``, which :func:`legend` explains."""
    out = ""
    versus, entry = row["versus"], row["metrics"][metric]
    for reference, sign in (("real", "*"), ("scratch", "†"), ("control", "‡")):
        p = versus.get(reference, {}).get(metric, {}).get("p")
        out += sign if p is not None and p < ALPHA else ""
    if entry.get("like_best") and entry.get("rank") != 1:
        out += "≈"
    return out


def lapses(row: Row, metric: str) -> str:
    """Return how many cases were undefined (``u2``) or failed (``f1``); empty when none."""
    entry = row["metrics"][metric]
    counts = (("u", entry["n_undefined"]), ("f", entry["n_failed"]))
    return " ".join(f"{sign}{count}" for sign, count in counts if count)


def legend(
    leaderboard: dict[str, Any], metrics: Sequence[str] | None = None, *, compact: bool = False
) -> list[str]:
    """Explain what the table shows, and the signs that occur in it."""
    rows = [row for row in leaderboard["rows"] if row["status"] == "ok"]
    chosen = list(metrics or headline(leaderboard))
    pairs = [(row, name) for row in rows for name in chosen]
    shown = "".join(signs(row, name) + lapses(row, name) for row, name in pairs)
    lines = [
        "mean over cases (seeds × test subjects),"
        + ("" if compact else " ± sd between subjects,")
        + " [95 % interval over seeds and subjects]; best in bold"
    ]
    test = f"(paired permutation test over subjects, Holm-corrected, p < {ALPHA})"
    meanings = {
        "*": f"* differs from real {test}",
        "†": f"† differs from scratch on as many patients {test}",
        "‡": f"‡ differs from scratch with as many steps in all {test}",
        "≈": "≈ level with the best: the 95 % interval of the difference includes 0",
    }
    lines += [text for sign, text in meanings.items() if sign in shown]
    if "†" in shown:
        lines.append("† without ‡: longer training may explain the difference, or was not tested")
    if rows and all(row["seeds"] == 1 for row in rows):
        lines.append("one seed: intervals leave out how much another training run would differ")
    smallest = _smallest_p(rows)
    if smallest is not None and smallest >= ALPHA:
        lines.append(
            f"so few test subjects cannot give a corrected p below {min(smallest, 1):.2g}: no test"
            " can be significant; read the intervals"
        )
    if "u" in shown:
        lines.append("u undefined cases, which count with the value that the metric's rule gives")
    if "f" in shown:
        lines.append("f failed cases, which have no value")
    if any(row["metrics"][name].get("tied") for row, name in pairs):
        lines.append("= equal means share a rank")
    return lines + collapse_notes(leaderboard["rows"])


def _smallest_p(rows: list[Row]) -> float | None:
    found = [
        entry["p_smallest"] * entry["comparisons"]
        for row in rows
        for reference, family in row["versus"].items()
        if reference != "best"
        for entry in family.values()
    ]
    return min(found, default=None)
