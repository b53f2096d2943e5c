"""What an audit of folders refuses to judge, and what makes its judgement weak."""

from __future__ import annotations

import re
from collections.abc import Sequence

from vbench.data.check import MOST_VESSEL
from vbench.data.holdings import Holding, Scans, Shape, is_cut
from vbench.errors import DataError
from vbench.share.normal_form import Side

#: Synthetic patches below which one patch alone is more than the 5 % that alarms begin at.
FEWEST = 20
#: Synthetic patches, and patches of a patient, below which a judgement is weak.
FEW, FEW_EACH = 200, 20
#: Patients of a side without whom nothing is known of how patients differ, and below whom there is
#: no interval, so that only a gross leak is an alarm.
PATIENTS, ENOUGH = 2, 3
#: Of a held-out patient, the share of images, or of labels, that training has too, and the number:
#: the same person.
SAME_IMAGES, SAME_LABELS, SAME = 0.05, 0.5, 3


def check_people(known: Holding, unseen: Holding) -> None:
    """Refuse patches of nobody, too few patients, and a patient or volume on both sides."""
    for side, held in (("training", known), ("held-out", unseen)):
        if not held.count():
            raise DataError(f"{held.path}: no {side} patient; name a folder that holds some")
        if "" in held.people():
            raise DataError(
                f"{held.path}: nothing says whose the patches are; write subjects.csv beside "
                "images.npy, a name a patch, or make a folder for each patient"
            )
        people = dict.fromkeys(held.people())
        if len(people) < PATIENTS:
            raise DataError(
                f"{held.path}: 1 {side} patient ({next(iter(people))}); {PATIENTS} or more are "
                "needed, or nothing is known of how patients differ"
            )
    shared = [name for name in dict.fromkeys(known.people()) if name in set(unseen.people())]
    if shared and not (_counted(known.people()) and _counted(unseen.people())):
        raise DataError(
            f"{unseen.path}: patient '{shared[0]}'{_more(shared)} is in {known.path}, too; a "
            "held-out patient must not have been trained on: remove it, or name two people apart"
        )
    marks = known.marks()
    same = [(marks[mark], name) for mark, name in unseen.marks().items() if mark in marks]
    if same:
        raise DataError(
            f"{unseen.path}: '{same[0][1]}' has the image or the label of '{same[0][0]}' in "
            f"{known.path}; a held-out patient must not have been trained on: remove it from one"
        )


def _counted(people: Sequence[str]) -> bool:
    """Return whether names merely count a side's patients from 0 or 1, as ``case_000`` does."""
    parts = [re.fullmatch(r"(.*?)(\d+)", name) for name in dict.fromkeys(people)]
    numbers = sorted(int(part[2]) for part in parts if part)
    if len(numbers) < len(parts) or len({part[1] for part in parts if part}) != 1:
        return False
    return numbers[0] in (0, 1) and numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def names_remarks(known: Holding, unseen: Holding) -> list[str]:
    """Return a remark when numbered names of both sides are taken for different people."""
    shared = set(known.people()) & set(unseen.people())
    if not shared:
        return []
    return [
        f"'{min(shared)}'{_more(sorted(shared))} is a name in {known.path} and in {unseen.path}: "
        "taken for numbers of different people; if they are the same, the audit is void"
    ]


def check_counts(made: Side, known: Side, unseen: Side) -> None:
    """Refuse too few synthetic patches, and too few patients whose patches say anything."""
    if len(made.patches) < FEWEST:
        raise DataError(
            f"{made.path}: {len(made.patches)} synthetic patches; {FEWEST} or more are needed, "
            "or one patch decides the verdict"
        )
    for side in (known, unseen):
        if len(side.people) < PATIENTS:
            raise DataError(
                f"{side.path}: {len(side.people)} patient with an image that is not of one grey "
                f"value; {PATIENTS} or more are needed"
            )


def check_apart(known: Side, unseen: Side) -> None:
    """Refuse a held-out patient whose images or labels are those of a training patient."""
    for what, least in (("images", SAME_IMAGES), ("labels", SAME_LABELS)):
        owner = dict(zip(getattr(known, what), known.patches.subject_index.tolist(), strict=True))
        owner.pop(None, None)
        own: dict[int, list[int | None]] = {}
        for mark, person in zip(
            getattr(unseen, what), unseen.patches.subject_index.tolist(), strict=True
        ):
            if mark is not None:
                own.setdefault(person, []).append(owner.get(mark))
        for person, matches in own.items():
            same = [match for match in matches if match is not None]
            if len(same) >= max(min(SAME, len(matches)), least * len(matches)):
                raise DataError(
                    f"{unseen.path}: {len(same)} of {len(matches)} {what} of patient "
                    f"'{unseen.people[person]}' are those of '{known.people[same[0]]}' in "
                    f"{known.path}; a held-out patient must not have been trained on"
                )


def weaknesses(held: Sequence[Holding], sides: Sequence[Side], size: Shape) -> list[str]:
    """Return what makes a judgement weak, a line each."""
    made, *real = sides
    found = []
    if len(made.patches) < FEW:
        found.append(f"{len(made.patches)} synthetic patches are few: rare copies are not seen")
    different = len(set(made.images))
    if different <= len(made.patches) / 2:
        found.append(f"{made.path}: {different} different images in {len(made.patches)} patches")
    for side in real:
        if len(side.people) < ENOUGH:
            found.append(
                f"{side.path}: {len(side.people)} patients give no interval; only a gross leak "
                "is an alarm"
            )
        least = min(side.counts())
        if least < FEW_EACH:
            person = side.people[side.counts().index(least)]
            found.append(f"{side.path}: patient '{person}' has few patches ({least})")
    found += [
        f"{one.path}: each file counts as another patient; --group says whose it is"
        for one in held[1:]
        if isinstance(one, Scans) and not is_cut(one, size) and not one.several()
    ]
    for side in sides:
        if side.left_out:
            found.append(f"{side.path}: {side.left_out} patches of one grey value are left out")
        if side.vessel > MOST_VESSEL:
            found.append(f"{side.path}: {side.vessel:.0%} is vessel; is the label inverted?")
    whole = is_cut(held[1], size)
    if whole and not is_cut(held[0], size):
        found.append(
            f"{real[0].path}: whole volumes, cut at places of the audit's own; copies of patches "
            "that were cut elsewhere are seen less well: give the training patches if you have them"
        )
    return found


def _more(names: Sequence[str]) -> str:
    return f" (and {len(names) - 1} more)" if len(names) > 1 else ""
