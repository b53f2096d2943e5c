"""Generators whose samples do not repeat: the same seed gave others the second time."""

from __future__ import annotations

from typing import Any

from vbench.analysis.folder import Arm, Results
from vbench.records.parts import Repetition
from vbench.records.training import SynthesiseResult

#: Beside every score of such an arm.
SIGN = "!"


def unrepeatable(results: Results, arm: Arm) -> list[Repetition] | None:
    """Return the repetitions in which a second sample of the same seed differed; None without."""
    found = [
        seed
        for seed, key in arm.evaluate.items()
        if any(
            record.result_as(SynthesiseResult).repeats is False
            for record in results.needed_by([key], "synthesise")
        )
    ]
    return found or None


def repeat_notes(rows: list[dict[str, Any]]) -> list[str]:
    """Say which generators do not repeat, in one line, from the rows of a leaderboard."""
    names = dict.fromkeys(row["generator"] for row in rows if row.get("unrepeatable"))
    if not names:
        return []
    return [
        f"{SIGN} not repeatable: {', '.join(names)} sampled other patches for the same seed, as "
        "what draws from global random state does; `vbench check` says more"
    ]
