from __future__ import annotations

from vbench import Params, param
from vbench.spec.space import tunable


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
