"""Makes up jobs, records and artifacts for :mod:`fabricate`, through the models of records."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from fabricated_artifacts import Artifacts, patches

from vbench.records.job import Failure, JobRecord
from vbench.records.judging import AuditInputs, AuditResult, Case, EvaluateInputs, EvaluateResult
from vbench.records.model import Inputs, Result
from vbench.records.parts import (
    Budget,
    PatchCounts,
    PatchSpec,
    PluginIdentity,
    PluginSetting,
    TrialSpec,
)
from vbench.records.plan import JobAbout, PlannedArm
from vbench.records.training import (
    Candidate,
    FitGeneratorInputs,
    FitGeneratorResult,
    FitSegmenterInputs,
    FitSegmenterResult,
    PrepareInputs,
    PrepareResult,
    Preview,
    SynthesiseInputs,
    SynthesiseResult,
    Validation,
)

UPSTREAM = Failure(reason="upstream", message="a job before it failed")
SPACE = {
    "segmenter.learning_rate": {"low": 1e-4, "high": 1e-2, "log": True, "integer": False},
    "segmenter.dropout": {"low": 0.0, "high": 0.5, "log": False, "integer": False},
}
DIVERGED = Failure(
    reason="diverged", message="loss is NaN at step 40", traceback="Traceback …", seconds=3.2
)


def plugin(name: str) -> PluginIdentity:
    """Return a made-up plugin's identity."""
    return PluginIdentity(name=name, distribution="demo", version="1", source="0" * 16)


def own_budget(arm: str) -> Budget:
    """Return what a fit of an arm takes: 100 steps of 16 patches, twice that for a control."""
    regime = arm.split("/")[0]
    steps = 1 if regime == "baseline" else 200 if arm.endswith("/equal-steps") else 100
    steps = int(arm.partition("/steps=")[2] or steps)
    share = {"real": (1, 0, 0), "synthetic": (0, 0, 1), "mixed": (0.5, 0, 0.5)}
    shares = share.get(regime, (0, 0, 0) if regime == "baseline" else (0, 1, 0))
    counts = (round(16 * steps * part) for part in shares)
    names = ("source", "target", "synthetic")
    return Budget(steps=steps, patches=PatchCounts(**dict(zip(names, counts, strict=True))))


@dataclass
class Writer(Artifacts):
    """Collects jobs and records."""

    out: Path
    name: str
    seeds: tuple[int, ...]
    trials: int
    size: tuple[int, ...]
    failed: str | None
    artifacts: bool
    data: dict[str, Any]
    arms: tuple[str, ...] = ()
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))
    drawing: np.random.Generator = field(default_factory=lambda: np.random.default_rng(1))
    jobs: dict[str, JobAbout] = field(default_factory=dict)
    records: list[JobRecord] = field(default_factory=list)
    effects: dict[str, np.ndarray] = field(default_factory=dict)

    def key(self, stage: str, label: str) -> str:
        """Return the key of a job by its name."""
        return hashlib.sha256(f"{self.name}/{stage}/{label}".encode()).hexdigest()[:32]

    def patch_spec(self) -> PatchSpec:
        """Return how patches are drawn."""
        return PatchSpec(size=self.size, per_subject=4, vessel_centred=1.0, seed=0)

    def job(
        self,
        stage: str,
        label: str,
        inputs: Inputs,
        result: Result,
        needs: list[str],
        *,
        arm: str | None = None,
        seed: int | None = None,
        trial: int | None = None,
        failure: Failure | None = None,
        seconds: float = 2.0,
        done: bool = True,
    ) -> str:
        """Plan a job and record it; one of the same name is the same job."""
        key = self.key(stage, label)
        if key in self.jobs:
            return key
        about = JobAbout(
            key=key, stage=stage, label=label, arm=arm, seed=seed, trial=trial, needs=tuple(needs)
        )
        self.jobs[key] = about
        clock = len(self.jobs)
        if done:
            record = JobRecord(
                **about.model_dump(),
                benchmark=self.name,
                status="failed" if failure else "ok",
                started=f"2025-01-01T00:{clock // 60:02d}:{clock % 60:02d}+00:00",
                seconds=seconds,
                cpu_seconds=seconds * 1.5,
                peak_memory_mb=400.0,
                inputs=inputs,
                result=None if failure else result,
                failure=failure,
            )
            self.records.append(record)
        return key

    def prepare(self, which: str) -> dict[str, list[str]]:
        """Plan and write the prepared volumes of a data set."""
        keys: dict[str, list[str]] = {}
        for part, subjects in self.data[which]["subjects"].items():
            for subject in subjects:
                inputs = PrepareInputs(
                    plugin=plugin("phantom"),
                    params={},
                    subject=subject,
                    fingerprint=self.data[which]["fingerprint"],
                    normalise="percentile",
                )
                result = PrepareResult(
                    shape=(40, 44, 20), spacing=(0.5, 0.5, 0.7), label_fraction=0.05
                )
                key = self.job("prepare", f"{which} · {subject}", inputs, result, [])
                keys.setdefault(part, []).append(key)
                self.volume(key, subject)
        return keys

    def generator(self, name: str, seed: int, train: list[str]) -> list[str]:
        """Plan a generator and its patches; return the keys of each candidate's patches."""
        broken = self.failed == f"synthetic/{name}"
        inputs = FitGeneratorInputs(
            plugin=plugin(name),
            params={},
            trial_spec=None,
            train=tuple(train),
            patches=self.patch_spec(),
            checkpoints=2,
            seed=seed,
        )
        result = FitGeneratorResult(
            params={"learning_rate": 1e-4, "critic_steps": 5},
            curve=self.curve(200, ("critic_loss", "generator_loss", "gradient_norm")),
            candidates=tuple(
                Candidate(index=i, step=100 + 100 * i, vessel_fraction=0.05, variety=0.3)
                for i in range(2)
            ),
            previews=self.previews(name, seed),
            budget=Budget(steps=200, patches=PatchCounts(source=6400)),
        )
        label = f"{name} · seed {seed}"
        failure = DIVERGED if broken else None
        fit = self.job(
            "fit-generator", label, inputs, result, train, seed=seed, failure=failure, seconds=30.0
        )
        for file in ("look-50", "samples-0", "samples-1") if self.artifacts and not broken else ():
            self.store(fit, f"{file}.npy", patches(16, self.size, self.drawing))
        return [
            self.job(
                "synthesise",
                f"{label} · checkpoint {index + 1}/2",
                SynthesiseInputs(
                    plugin=plugin(name),
                    generator=fit,
                    checkpoint=index,
                    n=64,
                    size=self.size,
                    seed=seed,
                ),
                SynthesiseResult(n=64, checkpoint=index, vessel_fraction=0.05, empty_share=0.0),
                [fit],
                seed=seed,
                failure=UPSTREAM if broken else None,
            )
            for index in range(2)
        ]

    def previews(self, name: str, seed: int) -> tuple[Preview, ...]:
        """Make up what was seen on the way: the first seed of a DCGAN collapses, and recovers."""
        bad = "all labels are empty" if name == "dcgan" and seed == self.seeds[0] else None
        return tuple(
            Preview(step=step, file=file, collapsed=fault, vessel_fraction=0.05, variety=0.3)
            for step, file, fault in (
                (50, "look-50.npy", bad),
                (100, "samples-0.npy", None),
                (200, "samples-1.npy", None),
            )
        )

    def curve(self, steps: int, names: tuple[str, ...]) -> tuple[dict[str, int | float], ...]:
        """Make up a training curve."""
        points = []
        for i, step in enumerate(np.linspace(1, steps, 24).astype(int)):
            noise = self.rng.random(len(names)) * 0.1
            values = {n: float(np.exp(-i / 8) + noise[k] + 0.2 * k) for k, n in enumerate(names)}
            points.append({"step": int(step), "seconds": 0.1 * i, **values})
        return tuple(points)

    def arm(self, arm: str, mean: float, which: str, done: bool, audit: bool) -> PlannedArm:
        """Plan and record an arm."""
        full, (arm, _, network) = arm, arm.partition("@")
        regime, _, rest = arm.partition("/")
        made = regime in ("synthetic", "mixed", "transfer") and not arm.startswith("transfer/real/")
        generator = rest.partition("/")[0] if made else None
        length = arm.partition("/steps=")[2]
        on_target = regime in ("transfer", "scratch")
        n = int(re.findall(r"/n(\d+)", arm)[0]) if on_target else None
        dose = re.findall(r"/x([\d.]+)$", arm)
        others = [other.partition("@")[0] for other in self.arms]
        curve = any(re.fullmatch(rf"{re.escape(arm)}/x[\d.]+", other) for other in others)
        segmenter = "threshold" if regime == "baseline" else network or "unet3d"
        evaluate: dict[int, str] = {}
        all_trials: dict[int, tuple[str, ...]] = {}
        audits: dict[int, str] = {}
        broken = arm == self.failed
        for seed in self.seeds:
            prepared = self.prepare(which)
            samples = []
            train = self.prepare("source")["train"] if generator else prepared["train"]
            if generator:
                samples = self.generator(generator, seed, train)
            trials, best = self.fit(full, seed, mean, prepared, samples, broken)
            all_trials[seed] = tuple(trials)
            bad = arm == "synthetic/dcgan" and seed == self.seeds[0]
            inputs = EvaluateInputs(
                plugin=plugin(segmenter),
                trials=tuple(trials),
                test=tuple(prepared["test"]),
                size=self.size,
                metrics=tuple(
                    PluginSetting(plugin=plugin(name)) for name in ("dsc", "hd95", "cldice")
                ),
                higher_is_better=True,
                seed=seed,
            )
            result = EvaluateResult(
                trial=best.trial,
                params=best.params,
                tuned=best.tuned,
                checkpoint=best.checkpoint,
                threshold=best.threshold or 0.0,
                validation_score=best.score or 0.0,
                cases=self.scores(mean + 0.004 * (seed - 1), which, bad),
            )
            key = self.job(
                "evaluate", f"{full} · seed {seed}", inputs, result, trials, arm=arm, seed=seed,
                done=done, failure=UPSTREAM if broken else None,
            )  # fmt: skip
            evaluate[seed] = key
            if not broken:
                self.projections(key, self.data[which]["subjects"]["test"], prepared["test"])
            if audit and regime == "synthetic" and not length:
                audits[seed] = self.audit(full, seed, mean, trials, samples, prepared, broken)
        return PlannedArm(
            arm=full,
            regime=regime,
            generator=generator,
            n_subjects=n,
            control="equal-steps" if arm.endswith("/equal-steps") else None,
            steps=int(length) if length else None,
            dose=float(dose[0]) if dose else 1.0 if curve else None,
            segmenter=segmenter,
            evaluate=evaluate,
            trials=all_trials,
            audit=audits or None,
        )

    def fit(
        self,
        arm: str,
        seed: int,
        mean: float,
        prepared: dict[str, list[str]],
        samples: list[str],
        broken: bool,
    ) -> tuple[list[str], FitSegmenterResult]:
        """Plan and record the trials of an arm; return their keys and the best one's result."""
        keys: list[str] = []
        fits: list[FitSegmenterResult] = []
        full, (arm, at, network) = arm, arm.partition("@")
        regime, generator = arm.split("/")[0], arm.split("/")[1] if samples else None
        base = f"synthetic/{generator}" if generator else "real"
        of = f"{base}{at}{network} · seed {seed} · trial"
        parents = tuple(self.key("fit-segmenter", f"{of} {i}") for i in range(self.trials))
        space = dict(SPACE)
        if regime == "synthetic":
            space["generator.checkpoint"] = {"choices": [1, 0]}
        for trial in range(self.trials):
            params = {
                "learning_rate": float(10 ** self.rng.uniform(-4, -2.5)),
                "dropout": 0.1 * trial,
            }
            tuned: dict[str, Any] = {f"segmenter.{name}": value for name, value in params.items()}
            score = mean + float(self.rng.normal() * 0.01)
            learns_from_samples = regime in ("synthetic", "mixed")
            inputs = FitSegmenterInputs(
                plugin=plugin("threshold" if regime == "baseline" else "unet3d"),
                params={},
                trial_spec=TrialSpec(space=space, trial=trial, previous=tuple(keys), seed=seed),
                patches=self.patch_spec(),
                validations=4,
                pruner="none",
                metric=plugin("dsc"),
                train=() if regime == "synthetic" else tuple(prepared["train"]),
                synthetic=tuple(samples) if regime == "synthetic" else (),
                synthetic_of=parents if regime == "mixed" else (),
                initial=parents if regime == "transfer" else (),
                val=tuple(prepared["val"]),
            )
            fit = FitSegmenterResult(
                trial=trial,
                params=params,
                tuned=tuned,
                checkpoint=1 if learns_from_samples else None,
                samples=samples[1] if learns_from_samples else None,
                start=parents[0] if regime == "transfer" else None,
                budget=own_budget(arm),
                curve=self.curve(100, ("loss",)),
                validation=tuple(
                    Validation(step=step, score=score - 0.2 / step, threshold=0.5)
                    for step in (25, 50, 75, 100)
                ),
                score=score,
                threshold=0.5,
                best_step=100,
            )
            fits.append(fit)
            keys.append(
                self.job(
                    "fit-segmenter",
                    f"{full} · seed {seed} · trial {trial}",
                    inputs,
                    fit,
                    [*(key for part in prepared.values() for key in part), *samples],
                    arm=full,
                    seed=seed,
                    trial=trial,
                    failure=UPSTREAM if broken else None,
                    seconds=5.0,
                )
            )
        return keys, max(fits, key=lambda fit: fit.score or 0.0)

    def scores(self, mean: float, which: str, bad: bool) -> tuple[Case, ...]:
        """Make up the scores of the test subjects; a bad one has an empty prediction."""
        cases = []
        for i, subject in enumerate(self.data[which]["subjects"]["test"]):
            effect = self.effects[which][i] + self.rng.normal() * 0.005
            dsc = float(np.clip(mean + effect, 0, 1))
            empty = bad and i == 0
            rows = {"dsc": dsc, "hd95": 40 * (1 - dsc) + 0.5, "cldice": min(1.0, dsc + 0.02)}
            for metric, value in rows.items():
                undefined = empty and metric == "hd95"
                value = 55.4 if undefined else 0.0 if empty else value
                status = "undefined" if undefined else "ok"
                cases.append(Case(subject=subject, metric=metric, value=value, status=status))
        return tuple(cases)

    def audit(
        self,
        arm: str,
        seed: int,
        mean: float,
        trials: list[str],
        samples: list[str],
        prepared: dict[str, list[str]],
        broken: bool,
    ) -> str:
        """Plan and record an audit."""
        fid = {"value": 20.0 * (1 - mean), "floor": 1.2, "ceiling": 88.0, "defined": True}
        ratio = {"value": 0.98 - 0.01 * seed, "floor": 1.0, "ceiling": 1.01, "defined": True}
        auc = {"value": 0.52, "floor": 0.5, "ceiling": 0.5, "ci95": [0.45, 0.59], "defined": True}
        inputs = AuditInputs(
            trials=tuple(trials),
            train=tuple(prepared["train"]),
            heldout=tuple(prepared["test"]),
            patches=self.patch_spec(),
            metrics={
                "fidelity": (PluginSetting(plugin=plugin("fid")),),
                "privacy": tuple(
                    PluginSetting(plugin=plugin(name)) for name in ("nn-ratio", "membership-auc")
                ),
            },
            higher_is_better=True,
            features=None,
            seed=seed,
        )
        result = AuditResult(
            checkpoint=1,
            fidelity={"fid": fid},
            privacy={"nn-ratio": ratio, "membership-auc": auc},
        )
        failure = UPSTREAM if broken else None
        label = f"{arm} · seed {seed}"
        return self.job(
            "audit", label, inputs, result, samples, arm=arm, seed=seed, failure=failure
        )
