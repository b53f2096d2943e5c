from __future__ import annotations

import pytest
from toy_benchmark import TOYS, toy_spec, toy_table

from vbench.registry import for_paths
from vbench.spec import parse_spec
from vbench.spec.check import faults


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"segmenter__plugin": "toy-segmentor"}, "did you mean 'toy-segmenter'?"),
        (
            {"segmenter__params": {"step": 3}},
            "segmenter.params.step: unknown key; did you mean 'steps'",
        ),
        (
            {"generators": [{"plugin": "dcgan", "params": {"lr": 1}}]},
            "params.lr: unknown key; did you mean 'lr_critic' or 'lr_generator'?",
        ),
        ({"segmenter__params": {"steps": 0}}, "segmenter.params.steps: Input should be greater"),
        ({"data__source__sed": 3}, "data.source.sed: unknown key; did you mean 'seed'?"),
        ({"generators__0__plugin": "toy"}, "generators.0.plugin: no generator is called 'toy'"),
        ({"metrics__segmentation": ["dcs"]}, "metrics.segmentation.0: no metric is called 'dcs'"),
        ({"metrics__fidelity": ["dsc"]}, "'dsc' is not a fidelity metric"),
        ({"metrics__segmentation": ["dice"]}, "no metric is called 'dice'; did you mean 'dsc'?"),
        (
            {"tune": {"parameters": ["segmenter.lrr"]}},
            "tune.parameters.0: 'segmenter.lrr' fits no parameter that is tuned",
        ),
        ({"metrics__segmentation": ["DSC"]}, "did you mean 'dsc'?"),
        ({"metrics__segmentation": ["betti1"]}, "did you mean 'betti1-error'?"),
        ({"metrics__fidelity": ["dice"]}, "no metric is called 'dice'; known: c2st, fid, kid"),
        (
            {"segmenter__params": {"epochs": 3}},
            "segmenter.params.epochs: unknown key; its length is 'steps': an epoch is as many as",
        ),
        ({"generators__0__params": {"iterations": 3}}, "did you mean 'steps'?"),
        (
            {"segmenter__params": {"rate": {"low": 0.1, "hi": 1}}},
            "segmenter.params.rate: has low, hi; a range is { low = …, high = … }",
        ),
        ({"segmenter__params": {"depth": [1, 2]}}, "among them, write { choices = [1, 2] }"),
        (
            {"segmenter__params": {"depth": {"choices": [1, 2, 1]}}, "tune__trials": 2},
            "segmenter.params.depth.choices: 1 is listed twice",
        ),
        ({"segmenter__params": {"depth": ["one"]}}, "depth: Input should be a valid integer"),
        ({"tune": {"metric": "nothing"}}, "tune.metric: no metric is called 'nothing'"),
        ({"regimes__baseline": {"segmenters": ["x"]}}, "regimes.baseline.segmenters.plugin"),
    ],
)
def test_a_fault_names_its_key_and_the_nearest_name(changes: dict, message: str) -> None:
    found = faults(toy_spec(**changes), for_paths((TOYS,)))
    assert len(found) == 1
    assert message in found[0]


def test_a_sound_spec_has_no_faults() -> None:
    assert faults(toy_spec(), for_paths((TOYS,))) == []


def test_parameters_of_a_regime_name_the_segmenter_that_lacks_them() -> None:
    several = [{"plugin": "toy-segmenter"}, {"plugin": "unet3d", "name": "net"}]
    transfer = {"subjects": [1], "params": {"flips": "none"}}
    regimes = {"synthetic": True, "transfer": transfer}
    table = toy_table(regimes=regimes, segmenters=several, patches__size=[8, 8, 8])
    del table["segmenter"]
    (found,) = faults(parse_spec(table), for_paths((TOYS,)))
    start = "regimes.transfer.params.flips: segmenter 'toy-segmenter': unknown key; known: "
    assert found.startswith(start)


def test_a_tuned_parameter_of_rules_that_are_off_is_told_from_a_typing_error() -> None:
    rules = toy_spec(tune={"parameters": ["segmenter.gap"]}, regimes__baseline=True)
    assert faults(rules, for_paths((TOYS,))) == []
    found = faults(toy_spec(tune={"parameters": ["segmenter.gap"]}), for_paths((TOYS,)))
    assert found == [
        "tune.parameters.0: 'segmenter.gap' fits no parameter that is tuned: no arm uses "
        "local-threshold, which has it; take it off the list"
    ]
