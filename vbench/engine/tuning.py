"""Asks Optuna for a trial's parameters, and whether to stop it: from the earlier trials only.

The study is rebuilt in memory from the records of the trials that this one may see, and the
sampler is seeded by the trial's own seed. So a trial's parameters are a function of its inputs:
the same with one worker or many, after a crash, and on another machine.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from pydantic import JsonValue

from vbench.records.job import JobRecord
from vbench.records.parts import Params, TrialSpec
from vbench.records.training import FitSegmenterInputs, FitSegmenterResult

if TYPE_CHECKING:
    import optuna

#: An axis of what is tuned: ``choices``, or ``low``, ``high``, ``log`` and ``integer``.
Axis = Mapping[str, Any]
Axes = Mapping[str, Axis]


@dataclass(frozen=True)
class Trial:
    """A trial that has ended.

    Attributes:
        number: 0 is the defaults.
        params: Axis to value; empty when nothing is tuned.
        score: On the validation subjects; None when it diverged.
        pruned: Whether it was stopped early.
        curve: Number and score of each validation at a mark of the training.
        key: Key of its job.
    """

    number: int
    params: Params
    score: float | None
    pruned: bool
    curve: Sequence[tuple[int, float]]
    key: str = ""

    @classmethod
    def from_record(cls, record: JobRecord) -> Trial:
        """Read the record of a ``fit-segmenter`` job."""
        result = record.result_as(FitSegmenterResult)
        marks = record.inputs_as(FitSegmenterInputs).at_marks(result.validation)
        return cls(
            number=result.trial,
            params=result.tuned,
            score=result.score,
            pruned=result.pruned,
            curve=[(i, v.score) for i, v in enumerate(marks)],
            key=record.key,
        )


def best(trials: Sequence[Trial], higher_is_better: bool) -> Trial | None:
    """Return the best trial that ran to its end; the earliest of equals; None without one."""
    sign = 1.0 if higher_is_better else -1.0
    ended = [t for t in trials if t.score is not None and not t.pruned]
    return max(ended, key=lambda t: (sign * (t.score or 0.0), -t.number), default=None)


def ask(spec: TrialSpec, earlier: Sequence[Trial]) -> dict[str, JsonValue]:
    """Return the parameters of a trial.

    Trial 0 gets the defaults. Where every axis is a list of choices, combinations that were not
    tried come first; otherwise Optuna's sampler decides.

    Args:
        spec: Describes the trial.
        earlier: The trials that it may see.
    """
    space, defaults = spec.space, spec.defaults
    if not space:
        return {}
    if spec.trial == 0:
        return {axis: defaults[axis] for axis in space}
    if all("choices" in axis for axis in space.values()):
        # The default's place first, then the others in the order that the plugin lists them.
        choices = [
            [defaults[name], *(c for c in _choices(axis) if c != defaults[name])]
            for name, axis in space.items()
        ]
        combinations = itertools.product(*choices)
        nth = next(itertools.islice(combinations, spec.trial, None), None)
        if nth is not None:
            return dict(zip(space, nth, strict=True))
    study = _study(earlier, space, spec.sampler, spec.seed, spec.higher_is_better)
    params: dict[str, JsonValue] = study.ask(distributions(space)).params
    return params


def _choices(axis: Axis) -> list[JsonValue]:
    return cast(list[JsonValue], axis["choices"])


class Pruner:
    """Says during a trial whether it has fallen behind those before it."""

    def __init__(
        self, name: str, earlier: Sequence[Trial], *, steps: int, higher_is_better: bool
    ) -> None:
        """Rebuild the study.

        Args:
            name: ``none``, ``median``, ``halving`` or ``hyperband``.
            earlier: The trials that this one may see.
            steps: Validations in a whole training.
            higher_is_better: Direction of the scores.
        """
        self._trial: optuna.trial.Trial | None = None
        if name == "none" or not earlier:
            return
        import optuna

        pruners: dict[str, optuna.pruners.BasePruner] = {
            "median": optuna.pruners.MedianPruner(n_startup_trials=2),
            "halving": optuna.pruners.SuccessiveHalvingPruner(min_resource=max(1, steps // 4)),
            "hyperband": optuna.pruners.HyperbandPruner(
                min_resource=max(1, steps // 4), max_resource=steps
            ),
        }
        study = _study([], {}, "random", 0, higher_is_better)
        study.pruner = pruners[name]
        # Replayed, not just listed: halving keeps what it decided in the trials themselves.
        for before in sorted(earlier, key=lambda t: t.number):
            self._trial = study.ask()
            for index, score in before.curve:
                if index + 1 < steps:
                    self.report(index, score)
            states = optuna.trial.TrialState
            if before.score is None or before.pruned:
                study.tell(self._trial, state=states.PRUNED if before.pruned else states.FAIL)
            else:
                study.tell(self._trial, before.score)
        self._trial = study.ask()

    def report(self, index: int, score: float) -> bool:
        """Report the score of a validation, by its index; True when the trial should stop."""
        if self._trial is None:
            return False
        self._trial.report(score, index + 1)
        return bool(self._trial.should_prune())


def distributions(space: Axes) -> dict[str, optuna.distributions.BaseDistribution]:
    """Return the axes as Optuna's distributions."""
    from optuna import distributions as d

    made: dict[str, d.BaseDistribution] = {}
    for name, axis in space.items():
        if "choices" in axis:
            made[name] = d.CategoricalDistribution(axis["choices"])
        elif axis["integer"]:
            made[name] = d.IntDistribution(axis["low"], axis["high"], log=axis["log"])
        else:
            made[name] = d.FloatDistribution(axis["low"], axis["high"], log=axis["log"])
    return made


def within(axis: Axis, value: Any) -> bool:
    """Whether a value lies on an axis."""
    if "choices" in axis:
        return value in axis["choices"]
    return bool(axis["low"] <= value <= axis["high"])


def _study(
    earlier: Sequence[Trial], space: Axes, sampler: str, seed: int, higher_is_better: bool
) -> optuna.Study:
    """Rebuild a study of the earlier trials, in memory."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    samplers: dict[str, Callable[[], Any]] = {
        "tpe": lambda: optuna.samplers.TPESampler(seed=seed, n_startup_trials=4),
        "random": lambda: optuna.samplers.RandomSampler(seed=seed),
        "qmc": lambda: optuna.samplers.QMCSampler(seed=seed),
    }
    study = optuna.create_study(
        study_name="trials",  # hyperband draws a trial's bracket from the name
        direction="maximize" if higher_is_better else "minimize",
        sampler=samplers[sampler](),
    )
    known_axes = distributions(space)
    states = optuna.trial.TrialState
    for trial in sorted(earlier, key=lambda t: t.number):
        state = states.PRUNED if trial.pruned else states.COMPLETE
        if trial.score is None:
            state = states.FAIL
        # A default may lie outside of what is searched; Optuna would refuse it.
        known = {k: v for k, v in trial.params.items() if k in space and within(space[k], v)}
        study.add_trial(
            optuna.trial.create_trial(
                params=known,
                distributions={k: known_axes[k] for k in known},
                value=trial.score if state == states.COMPLETE else None,
                intermediate_values=dict(trial.curve),
                state=state,
            )
        )
    return study
