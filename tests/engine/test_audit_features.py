"""The audit looks through the segmenter of the real arm, where that has features to lend."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from toy_benchmark import LENDING, TOYS, toy_spec

from vbench import api
from vbench.engine.plan import make_plan
from vbench.engine.store import Store
from vbench.records.judging import AuditInputs, AuditResult
from vbench.registry import for_paths


def spec(**changes: Any) -> Any:
    return toy_spec(
        **{
            "segmenter": {"plugin": "lending"},
            "metrics": {"segmentation": ["dsc"], "fidelity": ["fid"], "privacy": ["nn-ratio"]},
            "plugins": {"paths": [TOYS, LENDING]},
            **changes,
        }
    )


def audit_of(spec: Any) -> tuple[Any, list[str]]:
    """Return the audit job of the plan, and the trials of the real arm."""
    plan = make_plan(spec, for_paths(tuple(spec.plugins.paths)))
    (job,) = (job for job in plan.jobs.values() if job.stage == "audit")
    return job, [key for arm in plan.arms if arm.name == "real" for key in arm.trials[0]]


def test_fidelity_uses_what_the_segmenter_learnt_and_privacy_does_not(
    tmp_path: Path,
) -> None:
    benchmark = spec()
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
    changes: dict[str, Any],
) -> None:
    job, real = audit_of(spec(**changes))
    assert job.inputs_as(AuditInputs).features is None
    assert not set(real) & set(job.needs)
