"""Audits any synthetic set against the patients that its generator learnt from, and unseen ones.

The front door for data that vbench did not make: three folders, no benchmark. What cannot be judged
is refused; where a judgement is weak, a remark says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import vbench
from vbench import registry
from vbench.audit.verdict import Flag, PatientRisk, Verdict, verdict
from vbench.data.holdings import Holding, Shape, by, cut, is_cut, look
from vbench.errors import DataError
from vbench.files import as_json
from vbench.interfaces import PrivacyMetric
from vbench.share.aside import scratch
from vbench.share.folder_checks import (
    check_apart,
    check_counts,
    check_people,
    names_remarks,
    weaknesses,
)
from vbench.share.normal_form import PERCENTILES, Side, lay_down
from vbench.share.sizes import check_size, common_size
from vbench.types import Cutting

#: Patches that whole synthetic volumes are cut into at most, all together.
MOST_CUT = 20_000


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
    check_people(held[1], held[2])
    chosen = common_size(held[0], held[1:], wanted)
    labelled = all(holding.labelled for holding in held)
    remarks = names_remarks(held[1], held[2])
    if not labelled:
        without = ", ".join(str(holding.path) for holding in held if not holding.labelled)
        remarks.append(f"no labels in {without}: images alone are compared")
    with scratch("vbench-audit-") as place:
        sides = [
            _side(holding, chosen, per_subject, seed, place / name, labelled, name)
            for name, holding in zip(names, held, strict=True)
        ]
        made, known, unseen = sides
        check_counts(made, known, unseen)
        check_apart(known, unseen)
        remarks += weaknesses(held, sides, chosen)
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
