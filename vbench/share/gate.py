"""What an export must pass: it is a data set, and no alarm is left that nobody answers for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vbench.audit.verdict import Flag, Verdict, verdict
from vbench.errors import AlarmError, StoreError
from vbench.share.patches import meaningless, read_patches, write_patches
from vbench.share.rerun import Audit
from vbench.types import Array

#: Audits at most, each of what the one before left.
ROUNDS = 20


@dataclass(frozen=True)
class Outcome:
    """The last audit of what is about to leave.

    Attributes:
        scores: By family and metric, with all that the metrics say.
        verdict: Of the privacy scores together.
        kept: Indices of the samples that are in the set.
        flagged: Patches of the set that come from one training patch, by index of the sample.
        removed: Those that were taken out, likewise.
    """

    scores: Mapping[str, Mapping[str, Mapping[str, Any]]]
    verdict: Verdict
    kept: npt.NDArray[np.intp]
    flagged: tuple[Flag, ...]
    removed: tuple[Flag, ...]

    @property
    def failed(self) -> list[str]:
        """Privacy scores that could not be computed."""
        return [name for name, s in self.scores["privacy"].items() if s.get("value") is None]


def audited(
    audit: Audit, images: Array, labels: Array, part: Path, *, what: str, drop: bool
) -> Outcome:
    """Write samples into a folder and audit the files; drop what is flagged until nothing is.

    Args:
        audit: What to audit them with.
        images: Of all samples, ``(n, *size)``.
        labels: Theirs, by the index of the class.
        part: The folder; holds ``images.npy`` and ``labels.npy`` of what is kept in the end.
        what: The arm, for messages.
        drop: Whether to drop patches.

    Raises:
        StoreError: When the samples are no data set.
        AlarmError: When what is left of them is none.
    """
    kept = np.arange(len(images))
    removed: tuple[Flag, ...] = ()
    for number in range(ROUNDS):
        write_patches(part, images, labels, kept, tuple(audit.contents.classes.values()))
        fault = meaningless(*read_patches(part))
        if fault and removed:
            raise AlarmError(
                f"{what}: {len(removed)} of {len(images)} patches are flagged as coming from "
                f"training patches, and without them {fault}; nothing was exported"
            )
        if fault:
            raise StoreError(
                f"{what}: {fault}; such a set is meaningless and was not exported, see what the "
                "report says of the generator, or name another --seed"
            )
        scores = audit.of(audit.patches(part))
        found = verdict(scores["privacy"])
        flagged = tuple(replace(flag, patch=int(kept[flag.patch])) for flag in found.flagged)
        if not drop or not flagged or number == ROUNDS - 1:
            break
        removed += flagged
        kept = np.setdiff1d(kept, [flag.patch for flag in flagged])
    return Outcome(scores, found, kept, flagged, removed)


def refuse(outcome: Outcome, what: str, *, dropped: bool) -> None:
    """Raise when nobody may take the set out of the house as it is.

    Raises:
        AlarmError: When the audit raised an alarm, or patches are still flagged after the last
            round.
        StoreError: When no privacy score could be computed.
    """
    word, flagged = outcome.verdict.word, len(outcome.flagged)
    if word == "not judged":
        failed = ", ".join(outcome.failed) or "no privacy metric is installed"
        raise StoreError(
            f"{what}: its privacy could not be judged (not computed: {failed}); nothing was "
            'exported, --accept-risk "why" does it all the same'
        )
    if word == "no alarm" and not (dropped and flagged):
        return
    by = f"raised an alarm ({', '.join(outcome.verdict.alarms)})" if word == "alarm" else "ended"
    also = f" and {flagged} patches are flagged" if flagged else ""
    drop = "" if dropped or not flagged else "drop the flagged patches with --drop-flagged, "
    raise AlarmError(
        f"{what}: the privacy audit {by}{also}; nothing was exported: look at it with --review "
        f'FOLDER, {drop}or answer for it with --accept-risk "why"'
    )
