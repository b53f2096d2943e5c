"""How numbers, intervals and significance are written, in the terminal and in the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vbench.analysis.collapse import SIGN as COLLAPSE_SIGN
from vbench.analysis.collapse import collapse_notes, lasting
from vbench.analysis.remarks import remark_notes
from vbench.analysis.repeats import SIGN as REPEAT_SIGN
from vbench.analysis.repeats import repeat_notes
from vbench.analysis.uncertainty import ALPHA
from vbench.analysis.unseen import unseen_notes
from vbench.data.pictures import UNMEASURED
from vbench.regimes import REFERENCES, named

Row = dict[str, Any]
#: Shown first when a benchmark has them.
HEADLINE = ("dsc", "hd95")


def headline(leaderboard: dict[str, Any]) -> list[str]:
    """Name the metrics that figures and pictures show: DSC and HD95, else the first."""
    names = list(leaderboard["metrics"])
    chosen = [name for name in HEADLINE if name in names]
    primary = leaderboard.get("primary")
    if primary and primary not in chosen:
        chosen.insert(0, primary)
    return chosen or names[:2]


def tabled(leaderboard: dict[str, Any]) -> list[str]:
    """Name the metrics that a table shows: all that the spec names, those of the headline first."""
    return list(dict.fromkeys([*headline(leaderboard), *leaderboard["metrics"]]))


def segmenters(rows: Sequence[Mapping[str, Any]]) -> list[str | None]:
    """Name the segmenters that rows differ in, rules left out; only None where there is one."""
    found = dict.fromkeys(row["segmenter"] for row in rows if named(row["regime"]).learns)
    return list(found) if len(found) > 1 else [None]


def targets(rows: Sequence[Mapping[str, Any]]) -> list[str | None]:
    """Name the targets that rows are tested on; only None where there is one."""
    found = dict.fromkeys(r["cohort"] for r in rows if named(r["regime"]).cohort == "target")
    return list(found) if len(found) > 1 else [None]


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


def pretrained_on(generator: str | None, *which: str | None) -> str:
    """Say what an arm of ``transfer`` was pre-trained on; without a generator that is real."""
    return with_segmenter(generator or "real patches (the ceiling)", *which)


def with_segmenter(text: str, *which: str | None) -> str:
    """Add which of several segmenters, and targets, it is; None: there is only one."""
    named = ", ".join(filter(None, which))
    return f"{text} ({named})" if named else text


def duration(seconds: float) -> str:
    """Write a time as ``12 s``, ``3 min`` or ``2.1 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def signs(row: Row, metric: str) -> str:
    """Return the signs of a mean, such as ``!``, ``*`` and ``≈``; :func:`legend` explains them."""
    out = REPEAT_SIGN if row.get("unrepeatable") else ""
    out += COLLAPSE_SIGN if lasting(row) else ""
    versus, entry = row["versus"], row["metrics"][metric]
    for name, reference in REFERENCES.items():
        p = versus.get(name, {}).get(metric, {}).get("p")
        out += reference.sign if p is not None and p < ALPHA else ""
    if entry.get("like_best") and entry.get("rank") != 1:
        out += "≈"
    return out


def lapses(row: Row, metric: str) -> str:
    """Return how many cases of a metric were undefined or failed, as :func:`lapses_of`."""
    return lapses_of(row["metrics"][metric])


def lapses_of(entry: Mapping[str, Any]) -> str:
    """Return how many cases were undefined (``u2``) or failed (``f1``); empty when none."""
    counts = (("u", entry["n_undefined"]), ("f", entry["n_failed"]))
    return " ".join(f"{sign}{count}" for sign, count in counts if count)


def has_verdicts(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether any of these arms shares synthetic patches, which privacy is judged for."""
    return any(row.get("verdict") for row in rows)


def privacy_word(row: Mapping[str, Any]) -> str:
    """Return an arm's verdict; — when it shares no synthetic patches."""
    word = row.get("verdict") or "—"
    return "ALARM" if word == "alarm" else word


def risk(row: Mapping[str, Any]) -> str:
    """Return the risk of the worst training patient with its interval; empty when not known."""
    worst = row.get("worst_patient")
    return f"{number(worst['value'], 2)} {span(worst['ci95'], 2)}".rstrip() if worst else ""


def _privacy(rows: Sequence[Row], compact: bool) -> list[str]:
    """Explain the columns about privacy."""
    if not has_verdicts(rows):
        return []
    text = "privacy of the synthetic patches: ALARM when any score of any seed raises one; no alarm"
    text += " (which is no proof) when every seed was judged and none did"
    words = {privacy_word(row) for row in rows}
    text += "; not judged: a seed has no privacy score" if "not judged" in words else ""
    if "not meaningful" in words:
        text += "; not meaningful: the patches of a seed are of no use, such as labels without a "
        text += "vessel or one image over and over, so that no alarm says nothing"
    text += "; — shares no synthetic patches" if "—" in words else ""
    lines = [text]
    if not compact and any(map(risk, rows)):
        lines.append("worst patient: how much was found of the training patient most at risk, 0 to "
                     "1 [95 % interval]; leaderboard.json and report.html say who")  # fmt: skip
    return lines


def legend(
    leaderboard: dict[str, Any], metrics: Sequence[str] | None = None, *, compact: bool = False
) -> list[str]:
    """Explain what the table shows, and the signs that occur in it."""
    rows = [row for row in leaderboard["rows"] if row["status"] == "ok"]
    chosen = list(metrics or tabled(leaderboard))
    pairs = [(row, name) for row in rows for name in chosen]
    shown = "".join(signs(row, name) + lapses(row, name) for row, name in pairs)
    folds = leaderboard.get("folds") or {}
    over = _over(rows, folds)
    lines = [
        "mean over cases (seeds × test subjects),"
        + ("" if compact else " ± sd between subjects,")
        + f" [95 % interval over {over}]; best in bold"
    ]
    test = f"(p < {ALPHA}, Holm-corrected over the table; intervals are not)"
    found = [reference for reference in REFERENCES.values() if reference.sign in shown]
    lines += [f"{ref.sign} differs from {ref.words} {test}" for ref in found]
    if "≈" in shown:
        lines.append(
            "≈ not told apart from the best: the 95 % interval of the difference includes 0"
        )
    lines += [ref.note for ref in found if ref.note]
    lines += [
        f"{n} folds of the {name} data: each subject is tested once, by networks that never saw "
        "it; intervals and signs come from how folds and subjects differ"
        for name, n in folds.items()
    ]
    lines += _few([row for row in rows if row["cohort"] not in folds])
    if "u" in shown:
        lines.append("u undefined cases, which count with the value that the metric's rule gives")
    if "f" in shown:
        lines.append("f failed cases, which have no value")
    lines += _privacy(rows, compact)
    if any("px" in leaderboard["metrics"][name]["unit"] for name in chosen):
        lines.append(
            f"px: {UNMEASURED}; pixel_size in the spec's data set (spacing, of TIFF stacks) gives "
            "it, in mm"
        )
    if any(row["metrics"][name].get("tied") for row, name in pairs):
        lines.append("= equal means share a rank")
    lines += repeat_notes(rows)
    lines += unseen_notes(leaderboard["rows"])
    return lines + collapse_notes(leaderboard["rows"]) + remark_notes(leaderboard["rows"])


def _over(rows: Sequence[Row], folds: Mapping[str, int]) -> str:
    """Say what intervals are over; by cohort, where that differs."""
    found: dict[str, list[str]] = {}
    for cohort in dict.fromkeys(row["cohort"] for row in rows):
        if cohort in folds:
            over = "folds and subjects"
        elif all(row["seeds"] == 1 for row in rows if row["cohort"] == cohort):
            over = "test subjects, for these networks"
        else:
            over = "new trainings and subjects"
        found.setdefault(over, []).append(cohort)
    if len(found) < 2:
        return next(iter(found), "new trainings and subjects")
    return "; ".join(f"{over} ({', '.join(where)} data)" for over, where in found.items())


def _few(rows: list[Row]) -> list[str]:
    """Say what cannot be shown with so few seeds or subjects."""
    lines = []
    seeds = min((row["seeds"] for row in rows), default=3)
    if seeds == 1:
        every = all(row["seeds"] == 1 for row in rows)
        some = "one seed" if every else "arms with one seed, and what is compared with them"
        lines.append(
            f"{some}: intervals and signs are about these trained networks, not about the methods;"
            " another training may differ by more"
        )
    elif seeds == 2:
        lines.append("two seeds hardly tell how much trainings differ: only large differences show")
    tested = [
        entry
        for row in rows
        for reference, family in row["versus"].items()
        if reference != "best"
        for entry in family.values()
    ]
    if tested and all(entry["p_smallest"] >= ALPHA for entry in tested):
        lines.append("fewer than two test subjects: no interval, and nothing can be significant")
    return lines


def p_value(p: float) -> str:
    """Write a p as ``p = 0.031``, or ``p < 0.001``."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"
