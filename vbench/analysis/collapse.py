"""Generators that collapsed: what previews of their samples showed during training."""

from __future__ import annotations

from typing import Any

from vbench.analysis.folder import Arm, Results
from vbench.records.parts import Repetition
from vbench.records.stages import FitGeneratorResult


def collapses(results: Results, arm: Arm) -> list[dict[str, Any]]:
    """Return each preview at which the samples of an arm's generator were of no use.

    Returns:
        ``generator``, ``seed``, ``step``, ``fault`` (such as ``all labels are empty``) and
        ``recovered`` (whether the last preview was sound); empty when nothing was found, or the
        arm has no generator.
    """
    if arm.generator is None:
        return []
    found = []
    for seed, key in arm.evaluate.items():
        for record in results.needed_by([key], "fit-generator"):
            fitted = record.result_as(FitGeneratorResult)
            previews = fitted.previews or fitted.candidates
            found += [
                {
                    "generator": arm.generator,
                    "seed": seed,
                    "step": preview.step,
                    "fault": preview.collapsed,
                    "recovered": not previews[-1].collapsed,
                }
                for preview in previews
                if preview.collapsed
            ]
    return found


def collapse_notes(rows: list[dict[str, Any]]) -> list[str]:
    """Say which generators collapsed, one line each, from the rows of a leaderboard."""
    previews: dict[str, dict[tuple[Repetition, int], str]] = {}
    for row in rows:
        for preview in row.get("collapsed", ()):
            of = previews.setdefault(preview["generator"], {})
            end = " (it recovered)" if preview.get("recovered") else ""
            of[preview["seed"], preview["step"]] = preview["fault"] + end
    return [
        f"{generator} collapsed: "
        + "; ".join(f"seed {seed}, step {step}: {fault}" for (seed, step), fault in found.items())
        for generator, found in previews.items()
    ]
