"""Generators that collapsed: what previews and samples showed of their patches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vbench.analysis.chosen import Chosen
from vbench.analysis.folder import Arm, Results
from vbench.records.parts import Repetition
from vbench.records.training import FitGeneratorResult


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


#: Beside every score of an arm whose generator ended collapsed.
SIGN = "∅"
#: Fewer labels with a vessel than this share are as good as none.
FEW = 0.01


def unusable(chosen: Chosen | None) -> str | None:
    """Say why the patches that an arm learnt from are of no use; None when nothing is known of it.

    All of them are counted for vessels; that they are one image is known from the preview of the
    candidate that they were sampled from.
    """
    if chosen is None or chosen.samples is None:
        return None
    samples, generator = chosen.samples, chosen.generator
    empty = samples.result.empty_share
    if empty is not None and empty > 1 - FEW:
        return "all labels are empty" if empty == 1 else f"{empty:.1%} of the labels are empty"
    if samples.result.vessel_fraction == 1:
        return "all labels are full"
    candidates = () if generator is None else generator.result.candidates
    own = [each for each in candidates if each.index == samples.inputs.checkpoint]
    return own[0].collapsed if own else None


def lasting(row: Mapping[str, Any]) -> bool:
    """Whether the last preview of an arm's generator, of any seed, was still of no use."""
    return any(not preview.get("recovered") for preview in row.get("collapsed") or ())


def collapse_notes(rows: list[dict[str, Any]]) -> list[str]:
    """Say which generators collapsed, one line each, from the rows of a leaderboard."""
    previews: dict[str, dict[tuple[Repetition, str], set[int]]] = {}
    marked = {row["generator"] for row in rows if lasting(row)}
    for row in rows:
        for preview in row.get("collapsed", ()):
            of = previews.setdefault(preview["generator"], {})
            end = " (it recovered)" if preview.get("recovered") else ""
            of.setdefault((preview["seed"], preview["fault"] + end), set()).add(preview["step"])
    return [
        (f"{SIGN} " if generator in marked else "")
        + f"{generator} collapsed: "
        + "; ".join(f"seed {seed}, {_steps(steps)}: {fault}" for (seed, fault), steps in of.items())
        for generator, of in previews.items()
    ]


def _steps(steps: set[int]) -> str:
    """Name the steps of previews that are alike; of many, the first and the last."""
    known = sorted(steps)
    if len(known) < 3:
        return " and ".join(f"step {step}" for step in known)
    return f"{len(known)} previews from step {known[0]} to {known[-1]}"
