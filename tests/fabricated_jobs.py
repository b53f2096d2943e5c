"""Makes up jobs, records and artifacts for :mod:`fabricate`."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

UPSTREAM = {
    "reason": "upstream",
    "message": "a job before it failed",
    "traceback": "",
    "seconds": 0.0,
}
SPACE = {
    "segmenter.learning_rate": {"low": 1e-4, "high": 1e-2, "log": True, "integer": False},
    "segmenter.dropout": {"low": 0.0, "high": 0.5, "log": False, "integer": False},
}
DIVERGED = {
    "reason": "diverged",
    "message": "loss is NaN at step 40",
    "traceback": "Traceback …",
    "seconds": 3.2,
}


def patches(n: int, size: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Draw labelled patches with one straight vessel each, float16 ``(n, 2, *size)``."""
    grid = np.stack(np.meshgrid(*(np.arange(s) for s in size), indexing="ij"), -1)
    out = np.empty((n, 2, *size), np.float16)
    for i in range(n):
        direction = rng.normal(size=len(size))
        direction /= np.linalg.norm(direction)
        away = grid - (np.array(size) / 2 + rng.normal(size=len(size)) * 2)
        along = away @ direction
        label = np.sqrt(np.maximum((away**2).sum(-1) - along**2, 0)) < rng.uniform(1, 2.5)
        out[i, 0] = np.clip(-0.6 + label * 1.1 + rng.normal(size=size) * 0.15, -1, 1)
        out[i, 1] = label
    return out


def own_budget(arm: str) -> dict[str, Any]:
    """Return what a fit of an arm takes: 100 steps of 16 patches, twice that for a control."""
    regime = arm.split("/")[0]
    steps = 1 if regime == "baseline" else 200 if arm.endswith("/equal-steps") else 100
    share = {"real": (1, 0, 0), "synthetic": (0, 0, 1), "mixed": (0.5, 0, 0.5)}
    shares = share.get(regime, (0, 0, 0) if regime == "baseline" else (0, 1, 0))
    counts = (round(16 * steps * part) for part in shares)
    names = ("source", "target", "synthetic")
    return {"steps": steps, "patches": dict(zip(names, counts, strict=True))}


@dataclass
class Writer:
    """Collects jobs, records and artifacts."""

    out: Path
    name: str
    seeds: tuple[int, ...]
    trials: int
    size: tuple[int, ...]
    failed: str | None
    artifacts: bool
    data: dict[str, Any]
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))
    drawing: np.random.Generator = field(default_factory=lambda: np.random.default_rng(1))
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    records: list[dict[str, Any]] = field(default_factory=list)
    effects: dict[str, np.ndarray] = field(default_factory=dict)

    def key(self, stage: str, label: str) -> str:
        """Return the key of a job by its name."""
        return hashlib.sha256(f"{self.name}/{stage}/{label}".encode()).hexdigest()[:32]

    def job(self, stage: str, label: str, result: Any, needs: list[str], **more: Any) -> str:
        """Plan a job and record it; one of the same name is the same job."""
        failure = more.pop("failure", None)
        seconds = more.pop("seconds", 2.0)
        inputs = more.pop("inputs", {})
        done = more.pop("done", True)
        key = self.key(stage, label)
        if key in self.jobs:
            return key
        head = {
            "key": key,
            "stage": stage,
            "label": label,
            "arm": None,
            "seed": None,
            "trial": None,
        }
        head |= more | {"needs": needs}
        self.jobs[key] = head
        clock = len(self.jobs)
        if done:
            self.records.append(
                head
                | {
                    "benchmark": self.name,
                    "status": "failed" if failure else "ok",
                    "started": f"2025-01-01T00:{clock // 60:02d}:{clock % 60:02d}+00:00",
                    "seconds": seconds,
                    "cpu_seconds": seconds * 1.5,
                    "peak_memory_mb": 400.0,
                    "inputs": inputs,
                    "result": None if failure else result,
                    "failure": failure,
                }
            )
        return key

    def store(self, key: str, name: str, array: np.ndarray) -> None:
        """Write an artifact."""
        if self.artifacts:
            path = self.out / "store" / key / name
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, array)

    def prepare(self, which: str) -> dict[str, list[str]]:
        """Plan and write the prepared volumes of a data set."""
        keys: dict[str, list[str]] = {}
        for part, subjects in self.data[which]["subjects"].items():
            for subject in subjects:
                key = self.job(
                    "prepare", f"{which} · {subject}", {}, [], inputs={"subject": subject}
                )
                keys.setdefault(part, []).append(key)
                self.volume(key, subject)
        return keys

    def volume(self, key: str, subject: str) -> None:
        """Write a prepared volume with one winding vessel."""
        folder = self.out / "store" / key
        if not self.artifacts or (folder / "volume.json").exists():
            return
        x, y, z = np.meshgrid(np.arange(40), np.arange(44), np.arange(20), indexing="ij")
        phase = self.drawing.normal()
        label = ((y - 22 - 8 * np.sin(x / 6 + phase)) ** 2 + (z - 10) ** 2) < 6
        image = np.clip(-0.5 + label + self.drawing.normal(size=label.shape) * 0.1, -1, 1)
        self.store(key, "image.npy", image.astype(np.float16))
        self.store(key, "label.npy", label.astype(np.uint8))
        self.store(key, "mask.npy", np.ones(label.shape, bool))
        affine = np.diag([0.5, 0.5, 0.7, 1.0]).tolist()
        about = {"id": subject, "unit": "mm", "affine": affine, "native_affine": affine}
        about |= {"spacing": [0.5, 0.5, 0.7], "normalise": {"method": "percentile"}}
        (folder / "volume.json").write_text(json.dumps(about))

    def generator(self, name: str, seed: int, train: list[str]) -> list[str]:
        """Plan a generator and its patches; return the keys of each candidate's patches."""
        broken = self.failed == f"synthetic/{name}"
        inputs = {
            "train": train,
            "patches": {
                "size": list(self.size),
                "per_subject": 4,
                "vessel_centred": 1.0,
                "seed": 0,
            },
        }
        result = {
            "params": {"learning_rate": 1e-4, "critic_steps": 5},
            "curve": self.curve(200, ("critic_loss", "generator_loss", "gradient_norm")),
            "candidates": [{"index": i, "step": 100 + 100 * i} for i in range(2)],
            "looks": self.looks(name, seed),
            "budget": {"steps": 200, "patches": {"source": 6400, "target": 0, "synthetic": 0}},
        }
        label = f"{name} · seed {seed}"
        failure = DIVERGED if broken else None
        fit = self.job(
            "fit-generator", label, result, train,
            seed=seed, failure=failure, inputs=inputs, seconds=30.0,
        )  # fmt: skip
        for file in ("look-50", "samples-0", "samples-1") if self.artifacts and not broken else ():
            self.store(fit, f"{file}.npy", patches(16, self.size, self.drawing))
        failure = UPSTREAM if broken else None
        return [
            self.job(
                "synthesise",
                f"{label} · checkpoint {index + 1}/2",
                {"n": 64, "checkpoint": index},
                [fit],
                seed=seed,
                failure=failure,
                inputs={"generator": fit, "checkpoint": index},
            )
            for index in range(2)
        ]

    def looks(self, name: str, seed: int) -> list[dict[str, Any]]:
        """Make up what was seen on the way: the first seed of a DCGAN collapses, and recovers."""
        bad = "all labels are empty" if name == "dcgan" and seed == self.seeds[0] else None
        return [
            {"step": 50, "file": "look-50.npy", "collapsed": bad},
            {"step": 100, "file": "samples-0.npy", "collapsed": None},
            {"step": 200, "file": "samples-1.npy", "collapsed": None},
        ]

    def curve(self, steps: int, names: tuple[str, ...]) -> list[dict[str, Any]]:
        """Make up a training curve."""
        points = []
        for i, step in enumerate(np.linspace(1, steps, 24).astype(int)):
            noise = self.rng.random(len(names)) * 0.1
            values = {n: float(np.exp(-i / 8) + noise[k] + 0.2 * k) for k, n in enumerate(names)}
            points.append({"step": int(step), "seconds": 0.1 * i, **values})
        return points

    def arm(self, arm: str, mean: float, which: str, done: bool, audit: bool) -> dict[str, Any]:
        """Plan and record an arm."""
        regime, _, rest = arm.partition("/")
        generator = rest.partition("/")[0] if regime in ("synthetic", "mixed", "transfer") else None
        on_target = regime in ("transfer", "scratch")
        n = int(re.findall(r"/n(\d+)", arm)[0]) if on_target else None
        entry: dict[str, Any] = {
            "arm": arm,
            "regime": regime,
            "generator": generator,
            "n_subjects": n,
            "control": "equal-steps" if arm.endswith("/equal-steps") else None,
            "segmenter": "threshold" if regime == "baseline" else "unet3d",
            "evaluate": {},
            "trials": {},
            "audit": None,
        }
        broken = arm == self.failed
        for seed in self.seeds:
            prepared = self.prepare(which)
            needs = [key for part in prepared.values() for key in part]
            samples = []
            if generator:
                samples = self.generator(generator, seed, self.prepare("source")["train"])
            trials, best = self.fit(arm, seed, mean, needs, samples, broken)
            entry["trials"][str(seed)] = trials
            bad = arm == "synthetic/dcgan" and seed == self.seeds[0]
            result = best | {"cases": self.scores(mean + 0.004 * (seed - 1), which, bad)}
            key = self.job(
                "evaluate", f"{arm} · seed {seed}", result, trials, arm=arm, seed=seed, done=done,
                failure=UPSTREAM if broken else None, inputs={"test": prepared["test"]},
            )  # fmt: skip
            entry["evaluate"][str(seed)] = key
            if not broken:
                self.projections(key, self.data[which]["subjects"]["test"], prepared["test"])
            if audit and regime == "synthetic":
                entry["audit"] = (entry["audit"] or {}) | {
                    str(seed): self.audit(arm, seed, mean, samples, broken)
                }
        return entry

    def fit(
        self, arm: str, seed: int, mean: float, needs: list[str], samples: list[str], broken: bool
    ) -> tuple[list[str], dict[str, Any]]:
        """Plan and record the trials of an arm; return their keys and the best one's settings."""
        keys: list[str] = []
        best: dict[str, Any] = {"validation_score": -1.0}
        regime, generator = arm.split("/")[0], arm.split("/")[1] if samples else None
        of = f"synthetic/{generator} · seed {seed} · trial"
        parents = [self.key("fit-segmenter", f"{of} {i}") for i in range(self.trials)]
        inherits = {"transfer": "initial", "mixed": "synthetic_of"}.get(regime)
        inherited = {inherits: parents} if inherits else {}
        space = dict(SPACE)
        if regime == "synthetic":
            space["generator.checkpoint"] = {"choices": [1, 0]}
        for trial in range(self.trials):
            params = {
                "learning_rate": float(10 ** self.rng.uniform(-4, -2.5)),
                "dropout": 0.1 * trial,
            }
            score = mean + float(self.rng.normal() * 0.01)
            tuned = {f"segmenter.{name}": value for name, value in params.items()}
            result = {"params": params, "tuned": tuned, "trial": trial, "checkpoint": 1}
            result |= {"threshold": 0.5, "score": score, "pruned": False}
            result["start"] = parents[0] if regime == "transfer" else None
            result["samples"] = samples[1] if regime in ("synthetic", "mixed") else None
            result["budget"] = own_budget(arm)
            result["curve"] = self.curve(100, ("loss",))
            result["validation"] = [
                {"step": step, "score": score - 0.2 / step, "threshold": 0.5}
                for step in (25, 50, 75, 100)
            ]
            keys.append(
                self.job(
                    "fit-segmenter",
                    f"{arm} · seed {seed} · trial {trial}",
                    result,
                    [*needs, *samples],
                    arm=arm,
                    seed=seed,
                    trial=trial,
                    failure=UPSTREAM if broken else None,
                    seconds=5.0,
                    inputs={"asking": {"space": space}, "synthetic": samples, **inherited},
                )
            )
            if score > best["validation_score"]:
                best = {
                    "trial": trial,
                    "params": params,
                    "threshold": 0.5,
                    "validation_score": score,
                }
        return keys, best

    def scores(self, mean: float, which: str, bad: bool) -> list[dict[str, Any]]:
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
                cases.append(
                    {"subject": subject, "metric": metric, "value": value, "status": status}
                )
        return cases

    def audit(self, arm: str, seed: int, mean: float, samples: list[str], broken: bool) -> str:
        """Plan and record an audit."""
        fid = {"value": 20.0 * (1 - mean), "floor": 1.2, "ceiling": 88.0, "defined": True}
        ratio = {"value": 0.98 - 0.01 * seed, "floor": 1.0, "ceiling": 1.01, "defined": True}
        auc = {"value": 0.52, "floor": 0.5, "ceiling": 0.5, "ci95": [0.45, 0.59], "defined": True}
        privacy = {"nn-ratio": ratio, "membership-auc": auc}
        result = {"checkpoint": 1, "fidelity": {"fid": fid}, "privacy": privacy}
        failure = UPSTREAM if broken else None
        label = f"{arm} · seed {seed}"
        return self.job("audit", label, result, samples, arm=arm, seed=seed, failure=failure)

    def projections(self, key: str, subjects: list[str], prepared: list[str]) -> None:
        """Write maximum-intensity projections and predictions."""
        if not self.artifacts:
            return
        x, y = np.meshgrid(np.arange(40), np.arange(44), indexing="ij")
        for subject in subjects:
            phase = self.drawing.normal()
            truth = np.abs(y - 22 - 8 * np.sin(x / 6 + phase)) < 1.6
            found = np.abs(y - 22 - 8 * np.sin(x / 6 + phase + 0.2)) < 1.6
            image = np.clip(60 + truth * 150 + self.drawing.normal(size=truth.shape) * 12, 0, 255)
            stack = np.stack([image, truth * 255, found * 255]).astype(np.uint8)
            self.store(key, f"mip/{subject}.npy", stack)
        self.predictions(key, prepared)

    def predictions(self, key: str, prepared: list[str]) -> None:
        """Write predictions: the truth, moved by a voxel."""
        import nibabel as nib

        folder = self.out / "store" / key / "predictions"
        folder.mkdir()
        for volume in prepared:
            about = json.loads((self.out / "store" / volume / "volume.json").read_text())
            found = np.roll(np.load(self.out / "store" / volume / "label.npy"), 1, axis=1)
            image = nib.Nifti1Image(found, np.array(about["affine"]))
            nib.save(image, folder / f"{about['id']}.nii.gz")
