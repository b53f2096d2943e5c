"""The verdict of a privacy audit: what its scores say together.

A privacy metric says what it found in the details of its score. Four keys have a meaning here:

``alarm``
    True when the score shows a leak; the verdict is an alarm when any does.
``ci95``
    The 95 % interval of the value, or None.
``patients``
    The risk of each training patient, a list of ``{"subject": 3, "value": 0.2, "ci95": null}``,
    with ``subject`` counted from 0 in the order of ``numpy.unique(training.subject_index)`` and
    ``value`` from 0 (nothing of the patient was found) to 1.
``flagged``
    Synthetic patches that come from one training patch: a list of ``{"patch": 17, "subject": 3,
    "training_patch": 1250, "similarity": 0.98, "kind": "verbatim"}``; ``patch`` and
    ``training_patch`` are indices into the two sets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

#: What an audit may conclude. ``not judged``: no privacy score could be computed. ``not
#: meaningful``: no alarm, but of patches that are of no use, such as those without any vessel.
Word: TypeAlias = Literal["alarm", "no alarm", "not judged", "not meaningful"]


@dataclass(frozen=True)
class PatientRisk:
    """What was found of one training patient.

    Attributes:
        subject: The patient, counted from 0 among the training patients.
        value: In [0, 1]; 0 when nothing of the patient was found.
        interval: Its 95 % interval; None when there is none.
        metric: The score that says so.
    """

    subject: int
    value: float
    interval: tuple[float, float] | None
    metric: str

    @property
    def least(self) -> float:
        """What was found beyond chance: the lower end of the interval, or the value without one."""
        return self.value if self.interval is None else self.interval[0]


@dataclass(frozen=True)
class Flag:
    """A synthetic patch that comes from one training patch.

    Attributes:
        patch: Its index in the synthetic set.
        subject: The patient, counted from 0 among the training patients.
        training_patch: The index of the training patch.
        similarity: In [0, 1]; 1 is the same up to what the score looks through.
        kind: ``verbatim``, or what the metric calls it.
    """

    patch: int
    subject: int
    training_patch: int
    similarity: float
    kind: str


@dataclass(frozen=True)
class Verdict:
    """What the privacy scores of one synthetic set say together.

    Attributes:
        word: ``alarm``, ``no alarm``, ``not judged`` or ``not meaningful``.
        alarms: The scores that raised one, by name.
        worst: The training patient of whom most was found beyond chance; None when no score tells
            patients apart.
        flagged: Patches to take out, the most similar first, each once.
    """

    word: Word
    alarms: tuple[str, ...] = ()
    worst: PatientRisk | None = None
    flagged: tuple[Flag, ...] = ()


def verdict(privacy: Mapping[str, Mapping[str, Any]], *, useless: bool = False) -> Verdict:
    """Return what an audit's privacy scores say together.

    Args:
        privacy: By metric its entry, as :func:`vbench.audit.audit_patches` returns it.
        useless: Whether the patches are known to be of no use: that they give nobody away is
            then no merit.
    """
    alarms = tuple(name for name, entry in privacy.items() if entry.get("alarm"))
    judged = any(entry.get("value") is not None for entry in privacy.values())
    quiet: Word = "not meaningful" if useless else "no alarm"
    word: Word = "alarm" if alarms else quiet if judged else "not judged"
    risks = [
        PatientRisk(
            subject=int(patient["subject"]),
            value=float(patient["value"]),
            interval=None if patient.get("ci95") is None else tuple(patient["ci95"]),
            metric=name,
        )
        for name, entry in privacy.items()
        for patient in entry.get("patients") or ()
    ]
    flags: dict[int, Flag] = {}
    for entry in privacy.values():
        for found in entry.get("flagged") or ():
            flag = Flag(**{name: found[name] for name in Flag.__dataclass_fields__})
            known = flags.get(flag.patch)
            if known is None or known.similarity < flag.similarity:
                flags[flag.patch] = flag
    return Verdict(
        word=word,
        alarms=alarms,
        worst=max(risks, key=lambda risk: (risk.least, risk.value), default=None),
        flagged=tuple(sorted(flags.values(), key=lambda flag: (-flag.similarity, flag.patch))),
    )
