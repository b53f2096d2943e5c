"""Tuning: the score of each trial, and which parameters mattered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from vbench.analysis.folder import Arm, Results
from vbench.analysis.scores import validation_metric
from vbench.colours import colour, series_colour, series_mark
from vbench.figures.charts import Bar, Line, bar_chart, line_chart
from vbench.figures.figure import Figure
from vbench.figures.training import validation_axis
from vbench.records.parts import Repetition

#: Trials that importance needs at least of an arm and seed; fewer say nothing.
FEWEST = 4


def history(results: Results) -> list[Figure]:
    """Return, for each arm with several trials, each one's score and the best so far."""
    figures = []
    higher = _higher(results)
    for arm in results.arms:
        lines: list[Line] = []
        for i, seed in enumerate(arm.trials):
            points = [(float(t), s) for t, s, _, _ in _trials(results, arm, seed)]
            if len(points) < 2:
                continue
            best = np.maximum.accumulate if higher else np.minimum.accumulate
            reached = best([score for _, score in points])
            steps = [(points[0][0], float(reached[0]))]
            for (x, _), y in zip(points[1:], reached[1:], strict=True):
                steps += [(x, steps[-1][1]), (x, float(y))]  # what is best changes at a trial
            name, paint = f"seed {seed}", series_colour(i)
            lines.append(Line(name, paint, steps))
            lines.append(Line(name, paint, points, mark=series_mark(i), joined=False))
        if lines:
            title = f"{arm.name}: trials"
            ticks = sorted({x for line in lines for x, _ in line.points})
            body = line_chart(lines, title, "trial", validation_axis(results), x_ticks=ticks)
            figures.append(Figure(title, body, "A mark per trial; the line is the best so far."))
    return figures


def _trials(
    results: Results, arm: Arm, seed: Repetition
) -> Iterator[tuple[int, float, Mapping[str, Any], Mapping[str, Any]]]:
    """Yield number, score, tuned values and search space of the trials that ran to their end."""
    for key in arm.trials.get(seed, ()):
        trial = results.trial(key)
        if trial is None or trial.result.score is None or trial.result.pruned:
            continue
        fit = trial.result
        yield fit.trial, trial.result.score, fit.tuned, trial.inputs.trial_spec.space


def _higher(results: Results) -> bool:
    metric = results.plan.metrics.get(validation_metric(results) or "")
    return metric is None or metric.higher_is_better is not False


def importance(results: Results) -> list[Figure]:
    """Return the share of each parameter in the spread of validation scores, if known.

    Optuna's fANOVA (Hutter 2014) over the trials of all arms that search the same space, each
    score less the mean of its arm and seed, so that only tuning is left.
    """
    spaces: dict[str, list[tuple[dict[str, Any], float]]] = {}
    texts: dict[str, dict[str, Any]] = {}
    for arm in results.arms:
        for seed in arm.trials:
            found = list(_trials(results, arm, seed))
            if len(found) < FEWEST:
                continue
            mean = float(np.mean([score for _, score, _, _ in found]))
            for _, score, tuned, space in found:
                if not space or set(tuned) != set(space):
                    continue
                key = repr(sorted(space.items()))
                texts[key] = dict(space)
                spaces.setdefault(key, []).append((dict(tuned), score - mean))
    figures: list[Figure] = []
    for key, trials in spaces.items():
        shares = _fanova(texts[key], trials)
        if shares:
            title = "Parameter importance" + (
                f", space {len(figures) + 1}" if len(spaces) > 1 else ""
            )
            bars = [Bar(name, f"{share:.0%}", [("share", colour("baseline"), share)])
                    for name, share in shares.items()]  # fmt: skip
            caption = f"fANOVA over {len(trials)} trials; few trials tell little."
            body = bar_chart(bars, title, "share of the spread of validation scores")
            figures.append(Figure(title, body, caption))
    return figures


def _fanova(
    space: dict[str, Any], trials: list[tuple[dict[str, Any], float]]
) -> dict[str, float] | None:
    from vbench.engine.tuning import within

    # The defaults, which trial 0 tries, may lie outside of what is searched.
    trials = [t for t in trials if all(within(space[name], t[0][name]) for name in space)]
    scores = [score for _, score in trials]
    varied = {name for name in space if len({repr(tuned[name]) for tuned, _ in trials}) > 1}
    if len(trials) < FEWEST or not varied or np.ptp(scores) < 1e-9:
        return None
    import warnings

    import optuna

    from vbench.engine.tuning import distributions

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(direction="maximize")
    found = distributions(space)
    study.add_trials(
        [
            optuna.trial.create_trial(params=tuned, distributions=found, value=score)
            for tuned, score in trials
        ]
    )
    evaluator = optuna.importance.FanovaImportanceEvaluator(n_trees=16, seed=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shares = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return {name: float(share) for name, share in shares.items()}
