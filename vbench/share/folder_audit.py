"""Audits any synthetic set against the patients that its generator learnt from, and unseen ones.

The front door for data that vbench did not make: three folders, no benchmark. What cannot be judged
is refused; where a judgement is weak, a remark says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import vbench
from vbench import registry
from vbench.audit.verdict import Flag, PatientRisk, Verdict, verdict
from vbench.data.check import MOST_VESSEL
from vbench.data.holdings import Holding, Scans, Shape, by, cut, is_cut, look
from vbench.errors import DataError
from vbench.files import as_json
from vbench.interfaces import PrivacyMetric
from vbench.share.aside import scratch
from vbench.share.normal_form import PERCENTILES, Side, lay_down
from vbench.share.sizes import check_size, common_size
from vbench.types import Cutting

#: Synthetic patches below which one patch alone is more than the 5 % that alarms begin at.
FEWEST = 20
#: Synthetic patches, and patches of a patient, below which a judgement is weak.
FEW, FEW_EACH = 200, 20
#: Patients of a side without whom nothing is known of how patients differ, and below whom there is
#: no interval, so that only a gross leak is an alarm.
PATIENTS, ENOUGH = 2, 3
#: Patches that whole synthetic volumes are cut into at most, all together.
MOST_CUT = 20_000
#: Of a held-out patient, the share of images, or of labels, that training has too, and the number:
#: the same person.
SAME_IMAGES, SAME_LABELS, SAME = 0.05, 0.5, 3


@dataclass(frozen=True)
class FoundPatch:
    """A synthetic patch that comes from one training patient.

    Attributes:
        patch: Its number in the synthetic set.
        place: Where it lies in the folder.
        patient: Whose it is.
        training_place: Where the training patch lies that it comes from.
        similarity: In [0, 1].
        kind: ``verbatim``, or what the score calls it.
    """

    patch: int
    place: str
    patient: str
    training_place: str
    similarity: float
    kind: str


@dataclass(frozen=True)
class FolderAudit:
    """What an audit of folders found.

    Attributes:
        verdict: What the scores say together; patients and patches by number.
        scores: By privacy metric: value, floor, ceiling, alarm and more.
        worst: The training patient of whom most was found, by name; None when no score tells.
        worst_risk: What was found of that patient.
        patients: The risk of each training patient, by metric and name: ``value`` and ``ci95``.
        flagged: Synthetic patches to take out, the most similar first.
        remarks: What makes the judgement weak, a line each.
        sets: Of each of the three sets: path, layout, patches, patients and more.
        options: What was chosen: size, cutting, seed, how intensities were scaled.
    """

    verdict: Verdict
    scores: Mapping[str, Mapping[str, Any]]
    worst: str | None
    worst_risk: PatientRisk | None
    patients: Mapping[str, Mapping[str, Mapping[str, Any]]]
    flagged: tuple[FoundPatch, ...]
    remarks: tuple[str, ...]
    sets: Mapping[str, Mapping[str, Any]]
    options: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return all of it, as ``vbench audit --json`` prints it."""
        risk = self.worst_risk
        found: dict[str, Any] = as_json(
            {
                "vbench": vbench.__version__,
                "verdict": self.verdict.word,
                "alarms": list(self.verdict.alarms),
                "worst": None
                if risk is None
                else {
                    "patient": self.worst,
                    "value": risk.value,
                    "ci95": None if risk.interval is None else list(risk.interval),
                    "metric": risk.metric,
                },
                "patients": {name: dict(risks) for name, risks in self.patients.items()},
                "flagged": [asdict(found) for found in self.flagged],
                "remarks": list(self.remarks),
                "privacy": {name: dict(entry) for name, entry in self.scores.items()},
                "sets": {name: dict(about) for name, about in self.sets.items()},
                "options": dict(self.options),
            }
        )
        return found


def audit_folders(
    synthetic: str | Path,
    training: str | Path,
    heldout: str | Path,
    *,
    size: Sequence[int] | None = None,
    per_subject: int = 400,
    group: str | None = None,
    seed: int = 0,
) -> FolderAudit:
    """Audit a synthetic set against training and held-out patients, all in folders.

    Each folder holds NIfTI files (nnU-Net, BIDS, a manifest), or arrays: ``images.npy`` and
    ``labels.npy``, with ``subjects.npy`` or ``subjects.csv`` beside them, or one sub-folder a
    patient. Patches and whole volumes, any range of intensities.

    Args:
        synthetic: What is to be shared.
        training: The patients that the generator learnt from.
        heldout: Patients that it never saw.
        size: The patch to compare at; default: that of the sets that hold patches.
        per_subject: Patches that each whole volume of a patient is cut into.
        group: Of NIfTI files, finds in its first parentheses whose file it is.
        seed: Of the places of patches, and of the scores.

    Raises:
        DataError: When it cannot be judged: sizes that differ, values that are not finite, fewer
            than two patients on a side, a patient on both, a set of one image or without vessels.
    """
    wanted = None if size is None else check_size(size)
    if per_subject < 1:
        raise DataError(f"per_subject = {per_subject}: expected 1 or more")
    names = ("synthetic", "training", "heldout")
    held = [look(synthetic)] + [look(path, group) for path in (training, heldout)]
    _check_people(held[1], held[2])
    chosen = common_size(held[0], held[1:], wanted)
    labelled = all(holding.labelled for holding in held)
    remarks = _names_remarks(held[1], held[2])
    if not labelled:
        without = ", ".join(str(holding.path) for holding in held if not holding.labelled)
        remarks.append(f"no labels in {without}: images alone are compared")
    with scratch("vbench-audit-") as place:
        sides = [
            _side(holding, chosen, per_subject, seed, place / name, labelled, name)
            for name, holding in zip(names, held, strict=True)
        ]
        made, known, unseen = sides
        _check_counts(made, known, unseen)
        _check_apart(known, unseen)
        remarks += _weaknesses(held, sides, chosen)
        scores = _scores(made, known, unseen, seed)
    remarks += [
        f"{name} could not be computed: {entry['fault']}"
        for name, entry in scores.items()
        if entry.get("fault")
    ]
    found = verdict(scores)
    people = known.people
    return FolderAudit(
        verdict=found,
        scores={name: _plain(entry) for name, entry in scores.items()},
        worst=None if found.worst is None else people[found.worst.subject],
        worst_risk=found.worst,
        patients={
            name: {
                people[int(p["subject"])]: {"value": float(p["value"]), "ci95": p.get("ci95")}
                for p in entry["patients"]
            }
            for name, entry in scores.items()
            if entry.get("patients")
        },
        flagged=tuple(_named(flag, made, known) for flag in found.flagged),
        remarks=tuple(remarks),
        sets={
            name: _about(holding, side, chosen)
            for name, holding, side in zip(names, held, sides, strict=True)
        },
        options={
            "size": list(chosen),
            "per_subject": per_subject,
            "vessel_centred": Cutting().vessel_centred,
            "group": group,
            "seed": seed,
            "percentiles": list(PERCENTILES),
            "labels": labelled,
        },
    )


def _side(
    held: Holding, size: Shape, each: int, seed: int, folder: Path, labelled: bool, name: str
) -> Side:
    if not is_cut(held, size):
        chunks, n = held.chunks(), held.count()
    else:
        count = held.count()
        if name == "synthetic":
            each = min(each, max(1, MOST_CUT // max(1, count)))
        # Nothing is clipped: what has the range of a volume is scaled patch by patch later.
        how = Cutting(each, seed=seed, normalise="patch-minmax")
        place = folder.with_name(f"{name}-volumes")
        chunks, n = cut(held, size, how, place, alike=True), each * count
    owned = name != "synthetic"
    return lay_down(held.path, chunks, n, size, folder, labelled=labelled, owned=owned)


def _scores(made: Side, known: Side, unseen: Side, seed: int) -> dict[str, dict[str, Any]]:
    from vbench.audit import audit_patches

    plugins = registry.default()
    metrics: list[PrivacyMetric] = [cls() for cls in plugins.metrics("privacy").values()]  # type: ignore[misc]
    if not metrics:
        raise DataError("no privacy metric is installed; 'vbench plugins' lists what is")
    return audit_patches(made.patches, known.patches, unseen.patches, privacy=metrics, seed=seed)[
        "privacy"
    ]


def _check_people(known: Holding, unseen: Holding) -> None:
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


def _names_remarks(known: Holding, unseen: Holding) -> list[str]:
    shared = set(known.people()) & set(unseen.people())
    if not shared:
        return []
    return [
        f"'{min(shared)}'{_more(sorted(shared))} is a name in {known.path} and in {unseen.path}: "
        "taken for numbers of different people; if they are the same, the audit is void"
    ]


def _check_counts(made: Side, known: Side, unseen: Side) -> None:
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


def _check_apart(known: Side, unseen: Side) -> None:
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


def _weaknesses(held: Sequence[Holding], sides: Sequence[Side], size: Shape) -> list[str]:
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


def _named(flag: Flag, made: Side, known: Side) -> FoundPatch:
    return FoundPatch(
        patch=made.rows[flag.patch],
        place=made.places[flag.patch],
        patient=known.people[flag.subject],
        training_place=known.places[flag.training_patch],
        similarity=flag.similarity,
        kind=flag.kind,
    )


def _plain(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return a score without what is told by name elsewhere."""
    return {key: value for key, value in entry.items() if key not in ("patients", "flagged")}


def _about(held: Holding, side: Side, size: Shape) -> dict[str, Any]:
    about: dict[str, Any] = {
        "path": str(side.path),
        "layout": held.layout,
        "cut": is_cut(held, size),
        "patches": len(side.patches),
        "left_out": side.left_out,
        "vessel_fraction": side.vessel,
        "stored": [by(shape) for shape in held.shapes()],
    }
    if side.people:
        about["patients"] = dict(zip(side.people, side.counts(), strict=True))
    return about


def _more(names: Sequence[str]) -> str:
    return f" (and {len(names) - 1} more)" if len(names) > 1 else ""
