"""The summary in words: each sentence rests on numbers of the leaderboard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from vbench.analysis.ceiling import reached
from vbench.analysis.collapse import collapse_notes
from vbench.analysis.controls import explained, more_than_training
from vbench.analysis.dose import best_dose, trained_on
from vbench.analysis.layout import short_name
from vbench.analysis.remarks import remark_notes
from vbench.analysis.repeats import repeat_notes
from vbench.analysis.uncertainty import ALPHA
from vbench.analysis.unseen import unseen_notes
from vbench.analysis.wording import duration, number, p_value, pretrained_on, risk, segmenters, span
from vbench.usertext import counted

Board = Mapping[str, Any]
Row = Mapping[str, Any]


def summary(board: Board, *, named: bool = False, people: bool = True) -> list[str]:
    """Return the sentences of the summary.

    Args:
        board: Content of leaderboard.json.
        named: Whether the training patient who is most at risk is named: only in-house.
        people: Whether training patients are people; False where a procedure makes them up.
    """
    primary = board["primary"]
    if primary is None:
        return ["No score was recorded."]
    rows = [row for row in board["rows"] if row["status"] == "ok"]
    return [
        *_source(board, [row for row in rows if row.get("steps") is None], primary),
        *_bar(board, rows, primary),
        *_transfer(board, primary),
        *_dose(board, primary),
        *_steps(board, primary),
        *_lapses(board, rows),
        *(f"{note[0].upper()}{note[1:]}." for note in unseen_notes(board["rows"])),
        *(f"{note}." for note in repeat_notes(board["rows"])),
        *(f"{note}." for note in collapse_notes(board["rows"]) + remark_notes(board["rows"])),
        *_privacy(board, rows, named, people),
        *_caution(board, rows),
    ]


def _score(row: Row, board: Board, metric: str) -> str:
    entry = row["metrics"][metric]
    unit = board["metrics"][metric]["unit"]
    interval = f" {span(entry['ci95'])}" if entry["ci95"] else ""
    score = f"{short_name(metric)} {number(entry['mean'])}{f' {unit}' if unit else ''}{interval}"
    return f"{score} ({_basis(board, metric, row)})"


def _basis(board: Board, metric: str, *rows: Row) -> str:
    """Say what a number rests on: subjects, seeds, and the cases without a measured value."""
    cohort = rows[0]["cohort"]
    subjects, folds = len(board["cohorts"][cohort]), (board.get("folds") or {}).get(cohort)
    seeds = sorted({row["seeds"] for row in rows})
    parts = [counted(subjects, "test subject"), " and ".join(map(str, seeds))]
    parts[1] += " seed" if seeds == [1] else " seeds"
    parts += [f"{folds} folds"] if folds else []
    for what in ("undefined", "failed"):
        cases = sum(row["metrics"][metric][f"n_{what}"] for row in rows)
        parts += [f"{counted(cases, 'case')} {what}"] if cases else []
    return ", ".join(parts)


def _source(board: Board, rows: list[Row], primary: str) -> Iterator[str]:
    for segmenter in segmenters(rows):
        own = [row for row in rows if segmenter in (None, row["segmenter"])]
        yield from _on_source(board, own, primary, segmenter)


def _on_source(board: Board, rows: list[Row], primary: str, segmenter: str | None) -> Iterator[str]:
    real = next((row for row in rows if row["regime"] == "real"), None)
    synthetic = next((row for row in rows if row["regime"] == "synthetic"), None)
    if real:
        name = segmenter or "the segmenter"
        yield f"Trained on real patches, {name} reaches {_score(real, board, primary)}."
    if not synthetic:
        return
    score = _score(synthetic, board, primary)
    whose = "its" if segmenter else "the"
    text = f"The best of {whose} synthetic arms, {synthetic['arm']}, reaches {score}"
    against = synthetic["versus"].get("real", {}).get(primary)
    if against and against["ratio"] is not None:
        text += f": {number(against['ratio'], 3)} {span(against['ratio_ci95'], 3)}".rstrip()
        text += f" of real, {verdict(against)}"
    yield text + "."
    mixed = next((row for row in rows if row["regime"] == "mixed"), None)
    against = mixed and mixed["versus"].get("real", {}).get(primary)
    if mixed and against:
        yield (
            f"Real and synthetic patches together ({mixed['arm']}) reach "
            f"{_score(mixed, board, primary)}: {_change(against['difference'], against['ci95'])} "
            f"compared with real patches only, {verdict(against)}."
        )


def _change(difference: float, ci: Any) -> str:
    return f"{difference:+.3f} {span(ci, 3)}".rstrip()


def verdict(against: Mapping[str, Any]) -> str:
    """Say what a comparison shows, and about what; only what has the sign is significant."""
    p, ci = p_value(against["p"]), against["ci95"]
    between = " between these trained networks" if against["claim"] == "networks" else ""
    if against["p"] < ALPHA:
        return f"a significant difference{between} ({p})"
    if ci is None:
        return "which cannot be tested: " + (
            "it needs two test subjects" if against["n"] < 2 else "the differences have no spread"
        )
    if not ci[0] <= 0 <= ci[1]:
        return f"which is not significant once corrected for all comparisons ({p})"
    return f"no difference{between} that could be shown ({p})"


def _bar(board: Board, rows: list[Row], primary: str) -> Iterator[str]:
    """Name the best baseline, and say how each arm compares with it."""
    rules = [row for row in rows if row["regime"] == "baseline"]
    if not rules or board["metrics"][primary]["higher_is_better"] is None:
        return
    bar = rules[0]  # rows are in the order of their scores
    sign = 1 if board["metrics"][primary]["higher_is_better"] else -1
    stand: dict[str, list[str]] = {"significantly above it": [], "not told apart from it": [],
                                   "significantly below it": []}  # fmt: skip
    above, level, below = stand.values()
    for row in rows:
        against = row["versus"].get("bar", {}).get(primary)
        if against and against["arm"] == bar["arm"]:
            shown = f"{row['arm']} ({_change(against['difference'], against['ci95'])})"
            better = sign * against["difference"] > 0
            (level if not against["p"] < ALPHA else above if better else below).append(shown)
    others = f", the best of {len(rules)} baselines," if len(rules) > 1 else ""
    words = "; ".join(f"{what}: {', '.join(names)}" for what, names in stand.items() if names)
    words = f". {words[0].upper()}{words[1:]}" if words else ""
    yield f"The bar is {bar['arm']}{others} with {_score(bar, board, primary)}{words}."


def _transfer(board: Board, primary: str) -> Iterator[str]:
    for curve in board["transfer"]:
        n, generator = curve["n"][0], curve["generator"]
        segmenter, cohort = curve.get("segmenter"), curve.get("cohort")
        arms = {
            (row["regime"], row["generator"], row["n_subjects"]): row
            for row in board["rows"]
            if not row["control"] and row.get("steps") is None
            if segmenter in (None, row["segmenter"]) and cohort in (None, row["cohort"])
        }
        if curve["metric"] != primary:
            continue
        arm, on = arms["transfer", generator, n], pretrained_on(generator, segmenter)
        of = cohort or "the second data set"
        yield (
            f"With {counted(n, 'patient')} of {of}, pre-training on {on} "
            f"changes {short_name(primary)} by {_two_gains(curve, 0, arm, primary)} "
            f"({_basis(board, primary, arm, arms['scratch', None, n])})."
        )
        if len(curve["n"]) > 1:
            last = arms["transfer", generator, curve["n"][-1]]
            yield (
                f"With {curve['n'][-1]} it changes by {_two_gains(curve, -1, last, primary)}. Over "
                f"the whole range: {_change(curve['area'], curve['area_ci95'])} against scratch "
                f"with as many steps on these patients. {_worth(curve)}"
            ).rstrip()
        if near := reached(curve):
            yield f"Pre-training on {on} reaches {near}."


def _dose(board: Board, primary: str) -> Iterator[str]:
    """Say for each dose curve which dose is best, and whether it can be told from dose 1."""
    for curve in board["dose"]:
        higher = board["metrics"][primary]["higher_is_better"]
        if curve["metric"] != primary or higher is None:
            continue
        at = best_dose(curve, higher)
        scores = ", ".join(
            f"{number(mean)} at {dose:g}"
            for dose, mean in zip(curve["dose"], curve["mean"], strict=True)
        )
        text = (
            f"Trained on {trained_on(curve)} for as many steps at each dose (synthetic patches / "
            f"real patches), the segmenter reaches {short_name(primary)} {scores}"
        )
        change = curve["change"][at]
        if change is None:
            yield f"{text}: no other dose is better than 1."
            continue
        found = (
            "a significant change" if curve["p"][at] < ALPHA else "no change that could be shown"
        )
        yield (
            f"{text}: best at {curve['dose'][at]:g}, {_change(change, curve['change_ci95'][at])} "
            f"to dose 1, {found} ({p_value(curve['p'][at])})."
        )


def _steps(board: Board, primary: str) -> Iterator[str]:
    """Say of the real arm, and of arms that are compared with it, what longer training does."""
    for curve in board["steps"]:
        if curve["metric"] != primary:
            continue
        ratios = [ratio for ratio in curve["ratio"] if ratio is not None]
        lengths = f"With {_listed(curve['steps'], 'g')} optimiser steps, {curve['base']} reaches"
        if curve["regime"] == "real":
            yield f"{lengths} {short_name(primary)} {_listed(curve['mean'], '.3f')}."
        elif len(ratios) == len(curve["steps"]):
            yield f"{lengths} {_listed(ratios, '.3f')} of real with as many."


def _listed(values: Sequence[float], form: str) -> str:
    """Write numbers as ``1, 2 and 3``."""
    *first, last = (f"{value:{form}}" for value in values)
    return f"{', '.join(first)} and {last}" if first else last


def _two_gains(curve: Mapping[str, Any], at: int, arm: Row, primary: str) -> str:
    """Say what the gain is over equal training on the patients, and over equal training in all."""
    against = arm["versus"].get("scratch", {}).get(primary)
    text = f"{_change(curve['gain'][at], curve['gain_ci95'][at])} against scratch with as many "
    text += "steps on these patients" + (f", {verdict(against)}" if against else "")
    entry = curve["control"][at]
    if entry is None:
        return f"{text}; {explained(entry)}"
    return (
        f"{text}, and by {_change(entry['gain'], entry['ci95'])} against scratch with as many "
        f"steps in all ({entry['arm']}), {explained(entry)}"
    )


def _worth(curve: Mapping[str, Any]) -> str:
    worth, ends, n, last = curve["worth"][0], curve["worth_ci95"][0], curve["n"][0], curve["n"][-1]
    if ends is None:
        return f"How many patients that is worth cannot be said: {curve['worth_reason'][0]}."
    if ends == [None, None]:
        return f"{n} to {last} patients do not tell how many patients that is worth."
    interval = f"[{', '.join('open' if end is None else number(end, 1) for end in ends)}]"
    if worth is None and curve["gain"][0] <= 0:
        return f"From scratch does as well with no more patients {interval}."
    if worth is None:
        text = (
            f"At n = {n} no measured number of patients (up to {last}) makes up for it {interval}."
        )
    else:
        text = (
            f"At n = {n} it is worth {number(worth, 1)} patients {interval}: that many more are "
            "needed from scratch to score as well, with as many steps on them."
        )
    return text if more_than_training(curve["control"][0]) else f"{text} {_NOT_PRETRAINING}"


#: Added to a gain that is not shown, or not tested, against equal training.
_NOT_PRETRAINING = "That counts the longer training, and cannot be put down to pre-training."


def _lapses(board: Board, rows: list[Row]) -> Iterator[str]:
    total = len(board["rows"])
    for status, words in (("failed", "failed"), ("pending", "have not run yet")):
        names = [row["arm"] for row in board["rows"] if row["status"] == status]
        if names:
            yield f"{len(names)} of {total} arms {words}: {', '.join(names)}."
    entries = [entry for row in rows for entry in row["metrics"].values()]
    undefined, failed = (
        sum(entry[name] for entry in entries) for name in ("n_undefined", "n_failed")
    )
    if undefined:
        yield (
            f"{undefined} score{'s were' if undefined > 1 else ' was'} undefined, such as a "
            "distance to an empty prediction; the value that the metric's rule gives counts in the "
            "means."
        )
    if failed:
        yield (
            f"{counted(failed, 'score')} failed and {'have' if failed > 1 else 'has'} no value; "
            "the means are over the rest."
        )


def _privacy(board: Board, rows: list[Row], named: bool, people: bool) -> Iterator[str]:
    alarmed = [row for row in board["rows"] if row.get("verdict") == "alarm"]
    quiet = [row for row in rows if row.get("verdict") == "no alarm"]
    unknown = [row for row in rows if row.get("verdict") == "not judged"]
    if alarmed:
        yield f"Privacy alarms: {', '.join(map(_alarms, alarmed))}; see the privacy panel."
    if quiet:
        arms = counted(len(quiet), "other audited arm" if alarmed else "audited arm")
        yield f"No privacy alarm in {arms}; that is no proof of privacy."
    if unknown:
        names = ", ".join(row["arm"] for row in unknown)
        yield f"Not judged, since privacy scores are missing: {names}."
    useless = [row for row in rows if row.get("verdict") == "not meaningful"]
    if useless:
        names = ", ".join(row["arm"] for row in useless)
        yield f"Not meaningful, since the patches are of no use and give nobody away: {names}."
    risks = [row for row in board["rows"] if row.get("worst_patient")]
    if risks:
        yield _worst(max(risks, key=lambda row: row["worst_patient"]["value"]), named, people)


def _alarms(row: Row) -> str:
    """Name an arm with the scores that raised an alarm, and in how many seeds."""
    words = list(row["verdicts"].values())
    seeds = f" in {words.count('alarm')} of {len(words)} seeds" if len(words) > 1 else ""
    return f"{row['arm']} ({', '.join(row['alarms'])}{seeds})"


def _worst(row: Row, named: bool, people: bool) -> str:
    worst = row["worst_patient"]
    says = f"{risk(row)} on a scale from 0 to 1 ({worst['metric']}, seed {worst['seed']})"
    if not named:
        return f"The training patient most at risk is one in {row['arm']}: {says}."
    text = f"The training patient most at risk is {worst['patient']}, in {row['arm']}: {says}."
    if people:
        text += " Patients are named here: this report is for use in-house."
    return text


def _caution(board: Board, rows: list[Row]) -> Iterator[str]:
    if rows and board["claim"] == "networks":
        which = (
            "There is one seed"
            if all(row["seeds"] == 1 for row in rows)
            else ("Some arms have one seed")
        )
        yield (
            f"{which}: such results are about these trained networks and new subjects, "
            "not about the methods; another training may differ by more."
        )
    if rows:
        longest = max(rows, key=lambda row: row["seconds"])
        yield f"The most costly arm is {longest['arm']}: {duration(longest['seconds'])} in all."
