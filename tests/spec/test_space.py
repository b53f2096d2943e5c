from __future__ import annotations

import pytest

from vbench import Params, param
from vbench.errors import SpecError
from vbench.spec.check import check_ranges
from vbench.spec.space import start, tunable, without_ranges


class Some(Params):
    lr: float = param(1e-3, "learning rate", tune=(1e-4, 1e-2), log=True)
    depth: int = param(2, "levels", tune=(1, 4))
    norm: str = param("batch", "normalisation", tune=["batch", "instance"])
    steps: int = param(10, "length")


def test_axes_come_from_the_model() -> None:
    assert tunable(Some, {}, ["*"], "segmenter") == {
        "segmenter.lr": {"low": 1e-4, "high": 1e-2, "log": True, "integer": False},
        "segmenter.depth": {"low": 1, "high": 4, "log": False, "integer": True},
        "segmenter.norm": {"choices": ["batch", "instance"]},
    }


def test_a_named_parameter_is_never_tuned() -> None:
    assert "segmenter.lr" not in tunable(Some, {"lr": 1e-3}, ["*"], "segmenter")


def test_globs_say_which_axes_are_wanted() -> None:
    assert set(tunable(Some, {}, ["*.lr", "generator.*"], "segmenter")) == {"segmenter.lr"}


OWN = {
    "lr": {"low": 1e-5, "high": 1e-4, "log": True},
    "depth": {"low": 2, "high": 3},
    "norm": {"choices": ["instance", "none"]},
    "steps": {"choices": [10, 20]},
}


def test_a_range_of_the_specs_own_takes_the_place_of_the_plugins_whatever_the_globs() -> None:
    assert tunable(Some, OWN, ["generator.*"], "segmenter") == {
        "segmenter.lr": {"low": 1e-5, "high": 1e-4, "log": True, "integer": False},
        "segmenter.depth": {"low": 2, "high": 3, "log": False, "integer": True},
        "segmenter.norm": {"choices": ["instance", "none"]},
        "segmenter.steps": {"choices": [10, 20]},
    }
    assert without_ranges(Some, {**OWN, "norm": "batch"}) == {"norm": "batch"}


def test_a_search_begins_at_the_default_or_in_the_middle() -> None:
    axes = tunable(Some, OWN, [], "s")
    assert start(axes["s.lr"], 1e-3) == pytest.approx(10**-4.5)
    assert start(axes["s.lr"], 2e-5) == 2e-5
    assert start(axes["s.depth"], 9) == 2
    assert start(axes["s.norm"], "batch") == "instance"
    assert start(axes["s.steps"], 20) == 20


@pytest.mark.parametrize(
    ("params", "trials", "message"),
    [
        ({"lr": {"low": 1, "high": 0.1}}, 2, "p.lr: from 1 to 0.1; expected numbers, low < high"),
        ({"lr": {"low": -1, "high": 1, "log": True}}, 2, "take low above 0, or no log"),
        ({"depth": {"low": 1.5, "high": 3}}, 2, "p.depth"),
        ({"norm": {"choices": []}}, 2, "p.norm.choices: empty"),
        ({"lrr": {"low": 0.1, "high": 1}}, 2, "p.lrr: unknown key; did you mean 'lr'"),
        ({"lr": {"low": 0.1, "high": 1}}, 1, "a range is searched when tune.trials is above 1"),
    ],
)
def test_a_range_that_cannot_be_searched_is_refused(params, trials, message) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(SpecError) as caught:
        check_ranges(Some, params, "p", trials)
    assert message in str(caught.value)
