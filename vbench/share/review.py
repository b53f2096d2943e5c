"""What the house looks at before a data set leaves: names, flagged patches, nearest pairs.

It holds patients' voxels and names. It is written beside the results, never into what is shared.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vbench.analysis.wording import number
from vbench.data.patches import ArrayPatches
from vbench.figures.figure import Figure
from vbench.figures.pixels import png
from vbench.files import atomic_write, write_csv, write_json
from vbench.share.datasheet import Page, Section, html
from vbench.share.gate import Outcome
from vbench.share.pairs import nearest_pairs, picture
from vbench.types import Array, Patches

#: Pairs that are shown.
SHOWN = 12


def write_review(
    place: Path,
    outcome: Outcome,
    images: Array,
    labels: Array,
    training: Patches,
    names: Sequence[str],
    numbers: Sequence[int],
    what: str,
) -> None:
    """Write ``REVIEW.html``, ``audit.json``, ``patients.csv`` and ``flagged.csv``.

    Args:
        place: The folder.
        outcome: Of the audit.
        images: Of all samples, those that were removed included.
        labels: Theirs.
        training: What the generator was fitted on.
        names: The training patients, by index.
        numbers: The number of each in the datasheet.
        what: The arm.
    """
    write_json(place / "audit.json", outcome.scores)
    risks = _risks(outcome)
    metrics = list(dict.fromkeys(metric for _, metric in risks))
    people = [
        [str(numbers[i]), name, *(risks.get((i, metric), "") for metric in metrics)]
        for i, name in sorted(enumerate(names), key=lambda each: numbers[each[0]])
    ]
    header = ["number", "name", *metrics]
    write_csv(place / "patients.csv", [header, *people])
    flags = [(flag, "yes") for flag in outcome.removed] + [(flag, "") for flag in outcome.flagged]
    rows = [
        [
            str(flag.patch),
            str(numbers[flag.subject]),
            names[flag.subject],
            str(flag.training_patch),
            f"{flag.similarity:.4f}",
            flag.kind,
            gone,
        ]
        for flag, gone in flags
    ]
    columns = ["patch", "number", "name", "training patch", "similarity", "kind", "removed"]
    write_csv(place / "flagged.csv", [columns, *rows])
    shown = Page(
        title=f"In-house review of {what}",
        lead="This page shows patients' voxels and names: it must not leave the house.",
        alarm=True,
        sections=[
            Section("Verdict", _verdict(outcome, names, numbers)),
            Section(
                "Nearest pairs",
                (
                    "Each picture shows a synthetic patch, the nearest training patch (mirrored "
                    "and turned to lie like it) and their difference, in which grey is none.",
                ),
                figures=_figures(outcome, images, labels, training, names),
            ),
            Section(
                "Flagged patches",
                ("Patches are counted from 0 in the arm's samples.",) if rows else ("None.",),
                header=columns,
                rows=rows[:200],
            ),
            Section("Patients", header=header, rows=people),
        ],
    )
    with atomic_write(place / "REVIEW.html") as path:
        path.write_text(html(shown), encoding="utf-8")


def _risks(outcome: Outcome) -> dict[tuple[int, str], str]:
    """Return what was found of each patient, by index and score."""
    return {
        (int(patient["subject"]), metric): number(float(patient["value"]))
        for metric, score in outcome.scores["privacy"].items()
        for patient in score.get("patients") or ()
    }


def _verdict(outcome: Outcome, names: Sequence[str], numbers: Sequence[int]) -> list[str]:
    found = outcome.verdict
    lines = [f"{found.word}: {', '.join(found.alarms)}" if found.alarms else found.word]
    if found.worst is not None:
        worst = found.worst
        lines.append(
            f"Most was found of {names[worst.subject]}, number {numbers[worst.subject]} in the "
            f"datasheet: {number(worst.value)} by {worst.metric}."
        )
    lines += [
        f"{name} could not be computed: {outcome.scores['privacy'][name].get('fault', '')}"
        for name in outcome.failed
    ]
    return lines


def _figures(
    outcome: Outcome, images: Array, labels: Array, training: Patches, names: Sequence[str]
) -> list[Figure]:
    """Return pictures of flagged patches first, then of the nearest others."""
    kept = outcome.kept
    owners = np.unique(training.subject_index, return_inverse=True)[1]
    pairs: dict[int, tuple[int, str]] = {}
    for flag in (*outcome.removed, *outcome.flagged):
        if len(pairs) < SHOWN:
            pairs[flag.patch] = (flag.training_patch, f"{flag.kind}, {number(flag.similarity)}")
    left = ArrayPatches(images[kept], labels[kept], like=training)
    others = nearest_pairs(left, training, SHOWN)
    for pair in others:
        if len(pairs) < SHOWN:
            text = f"correlation {number(pair.correlation)}"
            pairs.setdefault(int(kept[pair.patch]), (pair.training_patch, text))
    samples = ArrayPatches(images, labels, like=training)
    return [
        _figure(samples, training, patch, real, f"{names[int(owners[real])]}; {text}")
        for patch, (real, text) in pairs.items()
    ]


def _figure(samples: Patches, training: Patches, patch: int, real: int, caption: str) -> Figure:
    made, trained = (s.take(np.array([i]))[0] for s, i in ((samples, patch), (training, real)))
    words = "a synthetic patch, the nearest training patch, their difference"
    title = f"patch {patch}, training patch {real}"
    return Figure(title, None, caption, png(picture(made, trained)), words)
