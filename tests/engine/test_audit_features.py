"""The audit looks through the segmenter of the real arm, where that has features to lend."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from toy_benchmark import TOYS, toy_spec

from vbench import api
from vbench.engine.plan import make_plan
from vbench.engine.store import Store
from vbench.records.stages import AuditInputs, AuditResult
from vbench.registry import for_paths

LENDING = '''
import vbench


class Lending(vbench.Segmenter):
    """Learns the mean intensity; its feature is what lies above that."""

    name = "lending"

    def fit(self, patches, *, seed):
        self.level = patches.take(range(len(patches)))[:, 0].mean()
        yield vbench.Progress(1, 1, {})

    def weights(self):
        import numpy

        return {"level": numpy.array([self.level])}

    def load_weights(self, weights):
        self.level = float(weights["level"][0])

    def predict(self, image, mask):
        return ((image > self.level) & mask).astype("float32")

    def features(self, patches):
        flat = patches[:, 0].reshape(len(patches), -1)
        return (flat > self.level).mean(1, keepdims=True)


@vbench.hookimpl
def vbench_register_segmenters(register):
    register(Lending)
'''


@pytest.fixture
def plugin(tmp_path: Path) -> str:
    path = tmp_path / "lending.py"
    path.write_text(LENDING)
    return str(path)


def spec(plugin: str, **changes: Any) -> Any:
    return toy_spec(
        **{
            "segmenter": {"plugin": "lending"},
            "metrics": {"segmentation": ["dsc"], "fidelity": ["fid"], "privacy": ["nn-ratio"]},
            "plugins": {"paths": [TOYS, plugin]},
            **changes,
        }
    )


def audit_of(spec: Any) -> tuple[Any, list[str]]:
    """Return the audit job of the plan, and the trials of the real arm."""
    plan = make_plan(spec, for_paths(tuple(spec.plugins.paths)))
    (job,) = (job for job in plan.jobs.values() if job.stage == "audit")
    return job, [key for arm in plan.arms if arm.name == "real" for key in arm.trials[0]]


def test_fidelity_uses_what_the_segmenter_learnt_and_privacy_does_not(
    plugin: str, tmp_path: Path
) -> None:
    benchmark = spec(plugin)
    api.run(benchmark, tmp_path / "out", tracking=False)
    job, real = audit_of(benchmark)
    assert set(real) <= set(job.needs)
    found = Store(tmp_path / "out" / "store").result(job.key, AuditResult)
    assert found.fidelity["fid"]["features"] == "lending"
    assert found.fidelity["fid"]["value"] is not None
    assert found.privacy["nn-ratio"]["features"] == "filter-bank"


@pytest.mark.parametrize(
    "changes",
    [
        {"regimes": {"synthetic": True}},
        {"segmenter": {"plugin": "toy-segmenter"}},
        {"metrics": {"segmentation": ["dsc"], "privacy": ["nn-ratio"]}},
    ],
    ids=["no real arm", "no features", "no fidelity"],
)
def test_without_features_to_lend_the_audit_does_not_wait_for_the_real_arm(
    plugin: str, changes: dict[str, Any]
) -> None:
    job, real = audit_of(spec(plugin, **changes))
    assert job.inputs_as(AuditInputs).features is None
    assert not set(real) & set(job.needs)
