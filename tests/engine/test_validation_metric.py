"""The validation metric may have parameters, and must have a direction."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from toy_benchmark import TOYS, toy_plan, toy_spec

from vbench import api
from vbench.engine.store import Store
from vbench.errors import SpecError
from vbench.records.training import FitSegmenterInputs, FitSegmenterResult

pytestmark = pytest.mark.usefixtures("forked_workers")

DIRECTIONLESS = """
import vbench


class Volume(vbench.SegmentationMetric):
    name = "volume"
    higher_is_better = None

    def score(self, pair):
        return float(pair.pred.sum())


@vbench.hookimpl
def vbench_register_metrics(register):
    register(Volume)
"""


def nsd(**params: Any) -> dict[str, Any]:
    return {"metric": {"plugin": "nsd", "params": params}}


def test_a_trial_is_validated_with_the_parameters_of_the_metric(tmp_path: Path) -> None:
    scores = []
    for tolerance in (0.5, 6.0):
        tune = nsd(tolerance=tolerance)
        result = api.run(
            toy_spec(tune=tune, regimes={"real": True}), tmp_path, tracking=False, workers=1
        )
        assert result.ok
        plan = toy_plan(tune=tune, regimes={"real": True})
        (key,) = (key for key, job in plan.jobs.items() if job.stage == "fit-segmenter")
        scores.append(Store(tmp_path / "store").result(key, FitSegmenterResult).score)
    assert scores[1] > scores[0]


def test_a_name_alone_and_a_spelled_out_default_keep_the_keys() -> None:
    name = toy_plan(tune={"metric": "nsd"})
    default = toy_plan(tune=nsd())
    assert set(name.jobs) == set(default.jobs)
    (spec,) = {type(job.inputs) for job in name.jobs.values() if job.stage == "fit-segmenter"}
    assert spec is FitSegmenterInputs
    for job in name.jobs.values():
        assert "metric_params" not in job.inputs.to_json()
    assert set(toy_plan(tune=nsd(tolerance=6.0)).jobs) != set(name.jobs)


def test_a_metric_without_a_direction_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "volume.py"
    path.write_text(DIRECTIONLESS)
    spec = toy_spec(tune={"metric": "volume"}, plugins={"paths": [TOYS, str(path)]})
    with pytest.raises(SpecError, match=r"tune\.metric: 'volume' has no direction"):
        api.plan(spec, tmp_path / "out")


def test_a_wrong_parameter_of_the_metric_is_named() -> None:
    with pytest.raises(SpecError, match=r"tune\.metric\.params\.tolerence"):
        toy_plan(tune=nsd(tolerence=1))
