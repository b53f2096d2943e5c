"""What generators say of their own fit, such as what was read from a folder."""

from __future__ import annotations

from typing import Any

from vbench.analysis.folder import Arm, Results
from vbench.records.training import FitGeneratorResult


def remarks(results: Results, arm: Arm) -> list[str] | None:
    """Return what the generator of an arm said in any seed, once each; None when nothing."""
    if arm.generator is None:
        return None
    found = [
        line
        for record in results.needed_by(arm.evaluate.values(), "fit-generator")
        for line in record.result_as(FitGeneratorResult).remarks or ()
    ]
    return list(dict.fromkeys(found)) or None


def remark_notes(rows: list[dict[str, Any]]) -> list[str]:
    """Say what each generator remarks, one line each, from the rows of a leaderboard."""
    found: dict[str, dict[str, None]] = {}
    for row in rows:
        found.setdefault(row["generator"], {}).update(dict.fromkeys(row.get("remarks") or ()))
    return [f"{generator}: {'; '.join(lines)}" for generator, lines in found.items() if lines]
