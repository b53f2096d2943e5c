"""Finds the arm that a person names, and the repetition of it that is best to use."""

from __future__ import annotations

from collections.abc import Callable

from vbench.analysis.chosen import Chosen
from vbench.analysis.folder import Arm, Results
from vbench.errors import StoreError, did_you_mean
from vbench.records.parts import Repetition, seed_of


def arm_called(
    results: Results, name: str, *, kind: str = "arm", fits: Callable[[Arm], bool] | None = None
) -> Arm:
    """Return the arm of this name.

    Args:
        results: The benchmark's.
        name: Such as ``synthetic/wgan-gp-sn``.
        kind: What is looked for, for the message.
        fits: Which arms are of this kind; all when None.

    Raises:
        StoreError: When there is none.
    """
    arms = {arm.name: arm for arm in results.arms if fits is None or fits(arm)}
    if name not in arms:
        raise StoreError(
            f"{results.benchmark}: no {kind} is called '{name}'{did_you_mean(name, list(arms))}"
        )
    return arms[name]


def finished_seeds(results: Results, arm: Arm) -> dict[Repetition, Chosen]:
    """Return what an arm selected with each seed that has finished.

    Raises:
        StoreError: When none has.
    """
    found = {chosen.seed: chosen for chosen in results.all_chosen(arm)}
    if not found:
        raise StoreError(f"{arm.name}: it has not finished; run the benchmark first")
    return found


def selected(results: Results, arm: Arm, seed: Repetition | None = None) -> Chosen:
    """Return what an arm selected with this seed, or with the best one on validation subjects.

    With folds, a seed stands for all its folds, the best of which is returned; ``0 fold 2`` names
    one of them.

    Raises:
        StoreError: When it has not finished.
    """
    found = finished_seeds(results, arm)
    wanted = [c for own, c in found.items() if seed in (None, own, seed_of(own))]
    if not wanted:
        done = ", ".join(map(str, found))
        raise StoreError(
            f"{arm.name}: seed {seed} has not finished (finished: {done}); name another, or run "
            "the benchmark first"
        )
    return max(wanted, key=_quality)


def _quality(chosen: Chosen) -> float:
    sign = 1.0 if chosen.trial.inputs.trial_spec.higher_is_better else -1.0
    return sign * chosen.evaluated.validation_score
