"""What an arm was trained with: steps, patches, trials, candidates; its own and what it inherits.

Arms inherit. A transfer arm starts from the segmenter that the synthetic arm selected among its
trials; a mixed arm takes the candidate of the generator that the synthetic arm selected. What was
spent there is part of what the arm is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from vbench.analysis.chosen import Chosen
from vbench.analysis.folder import Arm, Results
from vbench.data.counting import ORIGINS
from vbench.records.parts import Budget
from vbench.records.training import FitSegmenterInputs
from vbench.regimes import named

FIELDS = (
    "steps",
    "steps_pretraining",
    "steps_target",
    "steps_generator",
    "patches_source",
    "patches_target",
    "patches_synthetic",
    "patches_generator",
    "trials",
    "candidates",
    "trials_inherited",
    "candidates_inherited",
)


def arm_budget(results: Results, arm: Arm) -> dict[str, Any]:
    """Return what one repetition of an arm was trained with, the mean over its finished seeds.

    Returns:
        ``steps`` of the selected segmenter in all, of them ``steps_pretraining`` and
        ``steps_target`` (on target patches); ``steps_generator``; the patches that segmenter and
        generator were handed, repetitions included; the ``trials`` and the ``candidates`` of a
        generator that the arm chose from, and those that its starting point was chosen from. None
        where there is nothing of the kind, or an older record does not say.
    """
    found = [
        {**_taken(arm, chosen), **_searched(results, arm, chosen)}
        for chosen in results.all_chosen(arm)
    ]
    return {name: _mean([budget[name] for budget in found]) for name in FIELDS}


def _taken(arm: Arm, chosen: Chosen) -> dict[str, int | None]:
    """Return what the chain of jobs up to the chosen trial took."""
    start, own = chosen.start, chosen.trial.result.budget
    chain = [start.result.budget, own] if start is not None else [own]
    made = chosen.generator.result.budget if chosen.generator is not None else None
    steps = _sum(_steps(budget) for budget in chain)
    on_target = named(arm.regime).cohort == "target"
    return {
        "steps": steps,
        "steps_pretraining": None if steps is None or own is None else steps - own.steps,
        "steps_target": _steps(own) if on_target or own is None else 0,
        "steps_generator": _steps(made),
        **{f"patches_{o}": _sum(_patches(budget, o) for budget in chain) for o in ORIGINS},
        "patches_generator": _sum(_patches(made, o) for o in ORIGINS),
    }


def _searched(results: Results, arm: Arm, chosen: Chosen) -> dict[str, int | None]:
    """Return what the arm chose from, and what was chosen from before it."""
    inputs = chosen.trial.inputs
    inherited = inputs.initial or inputs.synthetic_of
    parent = results.trial(inherited[0]) if inherited else None
    return {
        "trials": len(arm.trials[chosen.seed]),
        "candidates": _candidates(inputs) if arm.generator else None,
        "trials_inherited": len(inherited),
        "candidates_inherited": _candidates(parent.inputs) if parent is not None else None,
    }


def _candidates(inputs: FitSegmenterInputs) -> int:
    """Count the candidates of a generator that a trial could have taken."""
    choices = inputs.trial_spec.space.get("generator.checkpoint", {}).get("choices")
    return len(choices) if isinstance(choices, list | tuple) and choices else 1


def _steps(budget: Budget | None) -> int | None:
    return None if budget is None else budget.steps


def _patches(budget: Budget | None, origin: str) -> int | None:
    if budget is None or budget.patches is None:
        return None
    return int(getattr(budget.patches, origin))


def _sum(values: Iterable[int | None]) -> int | None:
    known = list(values)
    return None if None in known else sum(value or 0 for value in known)


def _mean(values: list[int | None]) -> float | None:
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return None
    mean = sum(known) / len(known)
    return int(mean) if mean == int(mean) else round(mean, 1)


def steps_text(budget: Mapping[str, Any]) -> str:
    """Write steps as ``300``, or as ``300+300``: pre-training and the arm's own."""
    steps, before = budget["steps"], budget["steps_pretraining"]
    if steps is None or _handed(budget) == 0:  # a method that sees no patch takes no step
        return "–"
    return f"{_short(before)}+{_short(steps - before)}" if before else _short(steps)


def patches_text(budget: Mapping[str, Any]) -> str:
    """Write how many patches the segmenter was handed, such as ``9.6k``."""
    handed = _handed(budget)
    return "–" if handed is None else _short(handed, 1e3)


def _handed(budget: Mapping[str, Any]) -> float | None:
    known = [budget[f"patches_{origin}"] for origin in ORIGINS]
    return None if None in known else sum(known)


def search_text(budget: Mapping[str, Any]) -> str:
    """Write what was chosen from: ``2`` trials, ``2×4`` of candidates, ``2×4+2`` with inherited."""
    parts = [
        _times(budget[f"trials{where}"], budget[f"candidates{where}"])
        for where in ("_inherited", "")
        if budget[f"trials{where}"]
    ]
    return "+".join(parts) or "–"


def budget_text(budget: Mapping[str, Any]) -> str:
    """Write a budget in a few characters: steps, patches, trials."""
    return f"{steps_text(budget)} · {patches_text(budget)} · {search_text(budget)}"


#: What :func:`budget_text` writes, for the line below a table.
BUDGET_LEGEND = (
    "budget: optimiser steps (pre-training + own) · patches seen · trials × candidates of the "
    "generator (inherited + own)"
)


def _times(trials: float, candidates: float | None) -> str:
    return _short(trials) if (candidates or 1) == 1 else f"{_short(trials)}×{_short(candidates)}"


def _short(value: float | None, whole_below: float = 1e4) -> str:
    value = value or 0
    if value < whole_below:
        return f"{value:g}"
    return f"{value / 1e6:.3g}M" if value >= 1e6 else f"{value / 1e3:.3g}k"
