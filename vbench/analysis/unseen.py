"""Classes that no training subject of an arm has: what nobody showed it, it cannot find."""

from __future__ import annotations

from typing import Any

from vbench.analysis.folder import Arm, Results
from vbench.records.parts import Key
from vbench.records.training import FitGeneratorInputs, FitSegmenterInputs, PrepareResult

#: What an arm learns from patches in, and how its inputs read.
_LEARNS: dict[str, type[FitGeneratorInputs] | type[FitSegmenterInputs]] = {
    "fit-generator": FitGeneratorInputs,
    "fit-segmenter": FitSegmenterInputs,
}


def unseen(results: Results, arm: Arm) -> list[str] | None:
    """Return the classes without a voxel in all training subjects of an arm; None when none is.

    Those of its generator and of a pre-training count as its own.
    """
    keys: dict[Key, None] = {}
    for stage, model in _LEARNS.items():
        for record in results.needed_by(arm.evaluate.values(), stage):
            keys |= dict.fromkeys(record.inputs_as(model).train)
    known = [results.result(key, PrepareResult) for key in keys]
    shares = [result.classes for result in known if result is not None and result.classes]
    if not shares or len(shares) < len(keys):
        return None  # one class, or a subject that is not prepared yet
    names = [name for name in shares[0] if not any(share.get(name) for share in shares)]
    return names or None


def unseen_notes(rows: list[dict[str, Any]]) -> list[str]:
    """Say which classes no training subject has, one line each, from the rows of a leaderboard."""
    arms: dict[tuple[str, ...], list[str]] = {}
    for row in rows:
        if row.get("unseen"):
            arms.setdefault(tuple(row["unseen"]), []).append(row["arm"])
    every = sum(row["regime"] != "baseline" for row in rows)
    return [
        f"no training subject{_whose(names, every)} has a voxel of {', '.join(classes)}, which "
        "cannot be learnt from them: take other subjects, or leave the class out"
        for classes, names in arms.items()
    ]


def _whose(arms: list[str], every: int) -> str:
    return "" if len(arms) == every else f" of {', '.join(arms)}"
