from __future__ import annotations

from typing import Any

import pytest
from toy_benchmark import TOYS, toy_spec

from vbench.cli.plan import tuned
from vbench.engine.plan import make_plan
from vbench.engine.tuning import Pruner, Trial, ask, best
from vbench.records.parts import TrialSpec
from vbench.registry import for_paths

SPACE = {
    "segmenter.lr": {"low": 1e-4, "high": 1e-1, "log": True, "integer": False},
    "segmenter.depth": {"low": 1, "high": 4, "log": False, "integer": True},
}
DEFAULTS = {"segmenter.lr": 1e-3, "segmenter.depth": 2}


def asked(number: int, earlier: list[Trial], sampler: str = "tpe", seed: int = 5) -> dict:
    return ask(trial_spec(number, sampler, seed), earlier)


def trial_spec(number: int, sampler: str = "tpe", seed: int = 5, **changes: Any) -> TrialSpec:
    about = {"space": SPACE, "defaults": DEFAULTS, **changes}
    return TrialSpec(trial=number, sampler=sampler, seed=seed, **about)


def trials(n: int) -> list[Trial]:
    made = []
    for i in range(n):
        params = asked(i, made, seed=i)
        made.append(Trial(i, params, -abs(params["segmenter.lr"] - 0.01), False, [], str(i)))
    return made


def test_the_first_trial_is_the_defaults() -> None:
    assert asked(0, []) == DEFAULTS


@pytest.mark.parametrize("sampler", ["tpe", "random", "qmc"])
def test_a_trial_depends_on_seed_and_earlier_trials_only(sampler: str) -> None:
    earlier = trials(6)
    first = asked(6, earlier, sampler)
    assert first == asked(6, list(reversed(earlier)), sampler)
    assert 1e-4 <= first["segmenter.lr"] <= 1e-1
    assert first["segmenter.depth"] in (1, 2, 3, 4)
    if sampler != "qmc":
        assert first != asked(6, earlier, sampler, seed=6)


def test_choices_are_tried_one_after_the_other_before_any_is_repeated() -> None:
    space = {"generator.checkpoint": {"choices": [2, 1, 0]}}
    seen = [
        ask(trial_spec(number, seed=number, space=space, defaults={"generator.checkpoint": 2}), [])[
            "generator.checkpoint"
        ]
        for number in range(3)
    ]
    assert seen == [2, 1, 0]


def test_nothing_to_tune_asks_for_nothing() -> None:
    assert ask(TrialSpec(trial=3), []) == {}


def test_the_best_trial_ended_and_the_earliest_of_equals_wins() -> None:
    def trial(number: int, score: float | None, pruned: bool = False) -> Trial:
        return Trial(number, {}, score, pruned, [])

    listed = [
        trial(0, 0.5),
        trial(1, 0.9, pruned=True),
        trial(2, None),
        trial(3, 0.7),
        trial(4, 0.7),
    ]
    found = best(listed, higher_is_better=True)
    assert found is not None
    assert found.number == 3
    found = best(listed, higher_is_better=False)
    assert found is not None
    assert found.number == 0
    assert best([trial(0, None)], higher_is_better=True) is None


def test_the_median_pruner_stops_a_trial_that_falls_behind() -> None:
    earlier = [Trial(i, {}, 0.8, False, [(0, 0.6), (1, 0.7), (2, 0.8)]) for i in range(3)]
    bad = Pruner("median", earlier, steps=4, higher_is_better=True)
    assert bad.report(0, 0.1)
    good = Pruner("median", earlier, steps=4, higher_is_better=True)
    assert not good.report(0, 0.9)
    assert not Pruner("none", earlier, steps=4, higher_is_better=True).report(0, 0.0)


@pytest.mark.parametrize("name", ["median", "halving", "hyperband"])
def test_each_pruner_stops_the_bad_and_spares_the_good(name: str) -> None:
    curve = [(0, 0.6), (1, 0.7), (2, 0.75), (3, 0.8)]
    earlier = [Trial(i, {}, 0.8, False, curve) for i in range(5)]

    def stopped(score: float, order: list[Trial]) -> list[bool]:
        pruner = Pruner(name, order, steps=4, higher_is_better=True)
        return [pruner.report(index, score) for index in range(3)]

    assert any(stopped(0.1, earlier))
    assert not any(stopped(0.9, earlier))
    assert stopped(0.65, earlier) == stopped(0.65, earlier[::-1])


def test_a_pruner_goes_by_the_direction_of_the_score() -> None:
    earlier = [Trial(i, {}, 2.0, False, [(0, 3.0), (1, 2.0)]) for i in range(4)]
    bad = Pruner("median", earlier, steps=4, higher_is_better=False)
    assert bad.report(0, 9.0)
    good = Pruner("median", earlier, steps=4, higher_is_better=False)
    assert not good.report(0, 1.0)


def test_a_default_outside_of_the_searched_range_is_tried_and_stops_nothing() -> None:
    defaults = {**DEFAULTS, "segmenter.lr": 1.0}
    first = ask(trial_spec(0, seed=0, defaults=defaults), [])
    assert first == defaults
    earlier = [Trial(0, first, 0.5, False, [])]
    later = ask(trial_spec(1, seed=0, defaults=defaults), earlier)
    assert later["segmenter.lr"] <= 0.1


def test_a_range_of_the_specs_own_is_planned_for_generator_and_segmenter_and_shown() -> None:
    own = {"rate": {"low": 0.1, "high": 0.2}, "steps": {"choices": [2, 6]}}
    spec = toy_spec(
        segmenter__params=own,
        generators__0__params={"rate": {"low": 0.02, "high": 0.03, "log": True}},
        tune={"trials": 2, "parameters": ["segmenter.depth"]},
    )
    jobs = make_plan(spec, for_paths((TOYS,))).jobs.values()
    shown = tuned(jobs)
    assert shown == [
        "tuned in real: segmenter.steps of 2, 6; segmenter.rate 0.1 – 0.2; "
        "segmenter.depth of 1, 2, 3",
        "tuned in synthetic/toy-generator: generator.rate 0.02 – 0.03 (log); "
        "segmenter.steps of 2, 6; segmenter.rate 0.1 – 0.2; segmenter.depth of 1, 2, 3",
    ]
    real = next(j for j in jobs if j.arm == "real" and j.trial == 0)
    assert real.inputs.trial_spec.defaults["segmenter.rate"] == pytest.approx(0.15)  # type: ignore[attr-defined]
    assert real.inputs.trial_spec.defaults["segmenter.steps"] == 2  # type: ignore[attr-defined]
