"""Fabricates a benchmark folder as the engine writes it, without running anything.

Seeds, a failed arm, undefined cases, tuned trials, audits, projections, samples and prepared
volumes are all in it, and the scores follow known effects, so that tests can say what has to
come out.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fabricated_jobs import Writer

from vbench.records.plan import DataSummary, MetricAbout, PlanFile, PlannedArm

#: Mean DSC that each arm is given; the paper's order.
TRUTH = {
    "real": 0.89,
    "synthetic/wgan-gp-sn": 0.85,
    "synthetic/wgan-gp": 0.83,
    "synthetic/dcgan": 0.78,
    "mixed/wgan-gp-sn": 0.90,
    "baseline/threshold": 0.55,
    "transfer/wgan-gp-sn/n1": 0.91,
    "transfer/wgan-gp-sn/n2": 0.915,
    "transfer/wgan-gp-sn/n4": 0.92,
    "scratch/n1": 0.84,
    "scratch/n2": 0.88,
    "scratch/n4": 0.915,
    "scratch/n1/equal-steps": 0.89,
    "scratch/n2/equal-steps": 0.915,
    "scratch/n4/equal-steps": 0.92,
}
METRICS = {
    "dsc": {"family": "segmentation", "id": "dsc@1", "unit": "", "higher_is_better": True},
    "hd95": {"family": "segmentation", "id": "hd95@1", "unit": "mm", "higher_is_better": False},
    "cldice": {"family": "segmentation", "id": "cldice@2", "unit": "", "higher_is_better": True},
    "fid": {"family": "fidelity", "id": "fid@1", "unit": "", "higher_is_better": False},
    "nn-ratio": {"family": "privacy", "id": "nn-ratio@2", "unit": "", "higher_is_better": True},
    "membership-auc": {
        "family": "privacy",
        "id": "membership-auc@1",
        "unit": "",
        "higher_is_better": False,
    },
}


@dataclass
class Fabricated:
    """What was written.

    Attributes:
        folder: The benchmark's folder.
        plan: Content of plan.json.
        records: Lines of records.jsonl.
    """

    folder: Path
    plan: dict[str, Any]
    records: list[dict[str, Any]]

    def rewrite(self) -> None:
        """Write plan and records again, after a test changed them."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "plan.json").write_text(json.dumps(self.plan))
        lines = "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in self.records)
        (self.folder / "records.jsonl").write_text(lines, "utf-8")

    def arm(self, name: str) -> dict[str, Any]:
        """Return an arm's entry of the plan."""
        return next(arm for arm in self.plan["arms"] if arm["arm"] == name)

    def record(self, key: str) -> dict[str, Any]:
        """Return the record of a key."""
        return next(record for record in self.records if record["key"] == key)

    def privacy(self, arm: str, seed: int = 0) -> dict[str, Any]:
        """Return the privacy scores of an arm's audit, to be changed in place."""
        return self.record(self.arm(arm)["audit"][str(seed)])["result"]["privacy"]

    def cases(self, arm: str, seed: int = 0) -> list[dict[str, Any]]:
        """Return the cases of an arm's evaluate job, to be changed in place."""
        return self.record(self.arm(arm)["evaluate"][str(seed)])["result"]["cases"]


def fabricate(
    out: Path,
    *,
    name: str = "demo",
    seeds: tuple[int, ...] = (0, 1, 2),
    n_test: int = 6,
    trials: int = 2,
    size: tuple[int, ...] = (16, 16, 16),
    failed: str | None = "synthetic/broken",
    audit: bool = True,
    truth: dict[str, float] | None = None,
    artifacts: bool = False,
    finished: bool = True,
) -> Fabricated:
    """Write ``<out>/<name>/`` and, with artifacts, ``<out>/store/``.

    Args:
        out: Results folder.
        name: Benchmark.
        seeds: Repetitions.
        n_test: Test subjects of each data set.
        trials: Trials an arm and seed.
        size: Patch size.
        failed: An arm whose generator fails; None for none.
        audit: Whether generators are audited.
        truth: Mean DSC by arm; :data:`TRUTH` when None.
        artifacts: Whether samples, projections and volumes are written.
        finished: False leaves the last arm without its evaluate record.
    """
    truth = dict(TRUTH if truth is None else truth)
    if failed:
        truth[failed] = 0.0
    data = {
        which: {
            "plugin": "phantom",
            "params": {},
            "fingerprint": hashlib.sha256(which.encode()).hexdigest()[:32],
            "subjects": {
                "train": [f"{which}-{i:02d}" for i in range(4)],
                "val": [f"{which}-{i:02d}" for i in range(4, 6)],
                "test": [f"{which}-{i:02d}" for i in range(6, 6 + n_test)],
            },
        }
        for which in ("source", "target")
    }
    writer = Writer(out, name, seeds, trials, size, failed, artifacts, data, tuple(truth))
    writer.effects = {which: writer.rng.normal(size=n_test) * 0.02 for which in data}
    arms: list[PlannedArm] = []
    for arm, mean in truth.items():
        which = "target" if arm.startswith(("transfer", "scratch")) else "source"
        done = finished or arm != list(truth)[-1]
        arms.append(writer.arm(arm, mean, which, done, audit))
    generators = dict.fromkeys(arm.generator for arm in arms if arm.generator)
    plan = PlanFile(
        benchmark=name,
        vbench="0.1.0",
        spec={
            "benchmark": {"name": name, "description": "Made up.", "seeds": list(seeds)},
            "data": {which: {"plugin": "phantom"} for which in data},
            "patches": {"size": list(size), "per_subject": 4},
            "segmenter": {"plugin": "unet3d", "name": "", "params": {}},
            "generators": [{"plugin": label, "name": "", "params": {}} for label in generators],
            "tune": {"trials": trials, "metric": "dsc", "pruner": "none"},
            "metrics": {"segmentation": ["dsc", "hd95", "cldice"], "fidelity": ["fid"]},
        },
        data={which: DataSummary(**about) for which, about in data.items()},
        seeds=seeds,
        metrics={label: MetricAbout(**about) for label, about in METRICS.items()},
        arms=tuple(arms),
        jobs=tuple(writer.jobs.values()),
        provenance={
            "python": "3.11.2",
            "packages": {"torch": "2.8.0", "monai": "1.5.0"},
            "machine": "x86_64",
            "cpus": 2,
            "git": {"commit": "0123abcd", "changed": False},
        },
    )
    made = Fabricated(out / name, plan.to_json(), [r.to_json() for r in writer.records])
    made.rewrite()
    return made
