"""The summary in words: each sentence stands on numbers of the leaderboard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vbench.analysis.collapse import collapse_notes
from vbench.analysis.controls import explained, more_than_training
from vbench.analysis.layout import short_name
from vbench.analysis.wording import ALPHA, duration, number, span

Board = Mapping[str, Any]
Row = Mapping[str, Any]


def summary(board: Board) -> list[str]:
    """Return the sentences of the summary."""
    primary = board["primary"]
    if primary is None:
        return ["No score was recorded."]
    rows = [row for row in board["rows"] if row["status"] == "ok"]
    return [
        *_source(board, rows, primary),
        *_bar(board, rows, primary),
        *_transfer(board, rows, primary),
        *_lapses(board, rows),
        *(f"{note}." for note in collapse_notes(board["rows"])),
        *_privacy(board, rows),
        *_caution(rows),
    ]


def _score(row: Row, board: Board, metric: str) -> str:
    entry = row["metrics"][metric]
    unit = board["metrics"][metric]["unit"]
    interval = f" {span(entry['ci95'])}" if entry["ci95"] else ""
    return f"{short_name(metric)} {number(entry['mean'])}{f' {unit}' if unit else ''}{interval}"


def _source(board: Board, rows: list[Row], primary: str) -> Iterator[str]:
    real = next((row for row in rows if row["regime"] == "real"), None)
    synthetic = next((row for row in rows if row["regime"] == "synthetic"), None)
    if real:
        n = len(board["cohorts"][real["cohort"]])
        yield (
            f"Trained on real patches, the segmenter reaches {_score(real, board, primary)} on "
            f"{n} test subject{'s' if n > 1 else ''}, over {real['seeds']} "
            f"seed{'s' if real['seeds'] > 1 else ''}."
        )
    if not synthetic:
        return
    score = _score(synthetic, board, primary)
    text = f"The best of the synthetic arms, {synthetic['arm']}, reaches {score}"
    against = synthetic["versus"].get("real", {}).get(primary)
    if against and against["ratio"] is not None:
        text += f": {number(against['ratio'], 3)} {span(against['ratio_ci95'], 3)} of real"
        text += f", {_verdict(against)}"
    yield text + "."
    mixed = next((row for row in rows if row["regime"] == "mixed"), None)
    against = mixed and mixed["versus"].get("real", {}).get(primary)
    if mixed and against:
        yield (
            f"Real and synthetic patches together ({mixed['arm']}) reach "
            f"{_score(mixed, board, primary)}: {against['difference']:+.3f} "
            f"{span(against['ci95'], 3)} to real alone, {_verdict(against)}."
        )


def _verdict(against: Mapping[str, Any]) -> str:
    """Say what test and interval say, and where they part company."""
    ci = against["ci95"]
    if against["p"] < ALPHA:
        return f"a significant difference (p = {against['p']:.2g})"
    if ci is not None and not ci[0] <= 0 <= ci[1]:
        p = f"(p = {against['p']:.2g})"
        return f"a difference by its interval, though not by the corrected test {p}"
    return f"no difference that could be shown (p = {against['p']:.2g})"


def _bar(board: Board, rows: list[Row], primary: str) -> Iterator[str]:
    """Say what needs no training at all, and which arms do not clear that bar."""
    bar = next((row for row in rows if row["regime"] == "baseline"), None)
    if bar is None or board["metrics"][primary]["higher_is_better"] is None:
        return
    group = [row for row in rows if row["cohort"] == bar["cohort"] and row is not bar]
    below = [row["arm"] for row in group if row["metrics"][primary]["rank"] is not None
             and row["metrics"][primary]["rank"] > bar["metrics"][primary]["rank"]]  # fmt: skip
    words = f"not cleared by {', '.join(below)}" if below else "which every other arm clears"
    yield f"The bar is {bar['arm']} with {_score(bar, board, primary)}, {words}."


def _transfer(board: Board, rows: list[Row], primary: str) -> Iterator[str]:
    for curve in board["transfer"]:
        if curve["metric"] != primary:
            continue
        n = curve["n"][0]
        patients = f"{n} patient{'s' if n > 1 else ''}"
        yield (
            f"With {patients} of the second data set, the segmenter that was pre-trained on "
            f"{curve['generator']} is better in {short_name(primary)} by {_two_gains(curve, 0)}."
        )
        if len(curve["n"]) > 1:
            yield (
                f"With {curve['n'][-1]} it is better by {_two_gains(curve, -1)}. On average over "
                f"the range: {curve['area']:+.3f} {span(curve['area_ci95'], 3)} to scratch with as "
                f"many steps on these patients. {_worth(curve)}"
            )


def _two_gains(curve: Mapping[str, Any], at: int) -> str:
    """Say what the gain is over equal training on the patients, and over equal training in all."""
    gain, ci, entry = curve["gain"][at], curve["gain_ci95"][at], curve["control"][at]
    text = f"{gain:+.3f} {span(ci, 3)} than scratch with as many steps on these patients"
    if entry is None:
        return f"{text}; {explained(entry)}"
    return (
        f"{text}, and by {entry['gain']:+.3f} {span(entry['ci95'], 3)} than scratch with as many "
        f"steps in all ({entry['arm']}), {explained(entry)}"
    )


def _worth(curve: Mapping[str, Any]) -> str:
    worth, low_high = curve["worth"][0], curve["worth_ci95"][0]
    n, last = curve["n"][0], curve["n"][-1]
    if worth is None and curve["gain"][0] <= 0:
        return "From scratch does as well with no more patients."
    if worth is None:
        text = f"At n = {n} no measured number of patients (up to {last}) makes up for it."
    else:
        low, high = (number(bound, 1) if bound is not None else "open" for bound in low_high)
        text = (
            f"At n = {n} that is worth {number(worth, 1)} patients [{low}, {high}]: so many more "
            "are needed from scratch to score as well, with as many steps on them."
        )
    return text if more_than_training(curve["control"][0]) else f"{text} {_NOT_PRETRAINING}"


#: Said of a gain that is not shown, or not tested, against equal training.
_NOT_PRETRAINING = "That counts the longer training, and cannot be put down to pre-training."


def _lapses(board: Board, rows: list[Row]) -> Iterator[str]:
    total = len(board["rows"])
    for status, words in (("failed", "failed"), ("pending", "have not run yet")):
        names = [row["arm"] for row in board["rows"] if row["status"] == status]
        if names:
            yield f"{len(names)} of {total} arms {words}: {', '.join(names)}."
    undefined = sum(e["n_undefined"] for row in rows for e in row["metrics"].values())
    if undefined:
        yield (
            f"{undefined} score{'s were' if undefined > 1 else ' was'} undefined, such as a "
            "distance to an empty prediction; the value that the metric's rule gives counts in the "
            "means."
        )


def _privacy(board: Board, rows: list[Row]) -> Iterator[str]:
    audited = [row for row in rows if row["privacy"]]
    if not audited:
        return
    alarmed = [
        row["arm"] for row in audited if any(alarm(entry) for entry in row["privacy"].values())
    ]
    if alarmed:
        yield f"Privacy alarms: {', '.join(alarmed)}; see the privacy panel."
    else:
        yield f"No privacy alarm in {len(audited)} audited arms; that is no proof of privacy."


def alarm(entry: Mapping[str, Any]) -> bool:
    """Whether an audit raised an alarm: its own flag."""
    return bool(entry.get("alarm"))


def _caution(rows: list[Row]) -> Iterator[str]:
    if rows and all(row["seeds"] == 1 for row in rows):
        yield (
            "There is one seed: the intervals leave out how much another training run would differ."
        )
    if rows:
        longest = max(rows, key=lambda row: row["seconds"])
        yield f"The most costly arm is {longest['arm']}: {duration(longest['seconds'])} in all."
