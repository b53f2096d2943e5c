"""Makes the jobs of a plan, one method a stage: what goes into their keys is decided here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any, cast

from vbench.engine.arm import Arm
from vbench.engine.datasets import Subjects
from vbench.engine.job import Job, derive_seed
from vbench.features import offers_features
from vbench.interfaces import Metric
from vbench.regimes import named
from vbench.registry import Entry, Registry
from vbench.spec.check import build_params
from vbench.spec.model import PluginUse, Spec
from vbench.spec.space import Space, tunable


class JobFactory:
    """Makes jobs and keeps them by key, each after those that it reads.

    Attributes:
        jobs: What was made so far.
    """

    def __init__(
        self, spec: Spec, registry: Registry, data: Mapping[str, Subjects], study: str | None
    ) -> None:
        """Start with the preparation of all subjects.

        Args:
            spec: The spec.
            registry: The plugins.
            data: ``source`` and, where there is one, ``target``.
            study: Where trials are shown; None: nowhere.
        """
        self.spec = spec
        self.registry = registry
        self.data = data
        self.study = study if spec.tune.trials > 1 else None
        self.jobs: dict[str, Job] = {
            job.key: job for subjects in data.values() for job in subjects.jobs.values()
        }
        self.judge = registry.get("metric", spec.tune.metric)
        self.higher = bool(cast(type[Metric], self.judge.cls).higher_is_better)

    def _patches(self, role_seed: str) -> dict[str, Any]:
        patches = self.spec.patches
        return {
            "size": patches.size,
            "per_subject": patches.per_subject,
            "vessel_centred": patches.vessel_centred,
            "seed": derive_seed(self.spec.data.seed, role_seed),
        }

    def checkpoint_axis(self, count: int) -> Space:
        """Return the axis along which an arm chooses among a generator's candidates."""
        wanted = any(fnmatchcase("generator.checkpoint", g) for g in self.spec.tune.parameters)
        if count == 1 or self.spec.tune.trials == 1 or not wanted:
            return {}
        return {"generator.checkpoint": {"choices": list(range(count - 1, -1, -1))}}

    def asking(
        self,
        arm: Arm,
        seed: int,
        segmenter: PluginUse,
        trial: int,
        axes: Space,
        generator: PluginUse | None = None,
    ) -> dict[str, Any]:
        """Describe how a trial gets its parameters; shared by all jobs of the trial."""
        tune = self.spec.tune
        entry = self.registry.get("segmenter", segmenter.plugin)
        space = dict(axes)
        if tune.trials > 1:
            space |= tunable(entry.cls.Params, segmenter.params, tune.parameters, "segmenter")
        values = build_params(entry.cls.Params, segmenter.params, "segmenter").model_dump(
            mode="json"
        )
        defaults = {f"segmenter.{name}": value for name, value in values.items()}
        defaults["generator.checkpoint"] = tune.checkpoints - 1
        if generator is not None:
            model = self.registry.get("generator", generator.plugin).cls.Params
            made = build_params(model, generator.params, "generators").model_dump(mode="json")
            defaults |= {f"generator.{name}": value for name, value in made.items()}
        budget = {"seconds": tune.seconds} if tune.seconds and trial else {}
        visible = arm.trials.get(seed, [])[: max(0, trial - tune.parallel + 1)]
        return {
            "space": space,
            "defaults": {axis: defaults[axis] for axis in space},
            "trial": trial,
            "previous": list(visible),
            "sampler": tune.sampler if space else "none",
            "seed": derive_seed(seed, "trial", arm.name, trial),
            "higher_is_better": self.higher,
            **budget,
        }

    def samples(
        self, arm: Arm, seed: int, use: PluginUse, asking: dict[str, Any] | None
    ) -> list[str]:
        """Plan a generator's fit and the sampling of its candidates; return the samples' keys."""
        source = self.data["source"]
        entry = self.registry.get("generator", use.plugin)
        trial = "" if asking is None else f" · trial {asking['trial']}"
        where = f"{use.label} · seed {seed}{trial}"
        train = source.keys("train")
        axes = [] if asking is None else ["trial", asking["trial"]]
        fit = self._add(
            Job(
                stage="fit-generator",
                label=where,
                inputs={
                    "plugin": entry.identity,
                    "params": self._fixed(entry, use, "generator", asking),
                    "asking": asking,
                    "train": train,
                    "patches": self._patches("source"),
                    "checkpoints": self.spec.tune.checkpoints,
                    "seed": derive_seed(seed, "generator", use.label, *axes),
                },
                needs=(*train, *(asking["previous"] if asking else ())),
                arm=arm.name,
                seed=seed,
            )
        )
        count = self.spec.patches.synthetic or self.spec.patches.per_subject * len(train)
        return [
            self._add(
                Job(
                    stage="synthesise",
                    label=f"{where} · checkpoint {index + 1}/{self.spec.tune.checkpoints}",
                    inputs={
                        "plugin": entry.identity,
                        "generator": fit,
                        "checkpoint": index,
                        "n": count,
                        "size": self.spec.patches.size,
                        "seed": derive_seed(seed, "samples", use.label, *axes),
                    },
                    needs=(fit,),
                    arm=arm.name,
                    seed=seed,
                )
            )
            for index in range(self.spec.tune.checkpoints)
        ]

    def _fixed(
        self, entry: Entry, use: PluginUse, prefix: str, asking: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        """Return a plugin's parameters, defaults written out, less those that are tuned."""
        params = build_params(entry.cls.Params, use.params, prefix).model_dump(mode="json")
        space = asking["space"] if asking else {}
        return {name: v for name, v in params.items() if f"{prefix}.{name}" not in space}

    def trial(
        self, arm: Arm, seed: int, use: PluginUse, asking: dict[str, Any], reads: dict[str, Any]
    ) -> None:
        """Plan one trial of an arm."""
        entry = self.registry.get("segmenter", use.plugin)
        read: dict[str, list[str]] = {
            "train": [],
            "synthetic": [],
            "synthetic_of": [],
            "initial": [],
            **reads,
        }
        role = named(arm.regime).cohort
        needs = [key for keys in read.values() for key in keys]
        trial = f" · trial {asking['trial']}" if self.spec.tune.trials > 1 else ""
        key = self._add(
            Job(
                stage="fit-segmenter",
                label=f"{arm.name} · seed {seed}{trial}",
                inputs={
                    "plugin": entry.identity,
                    "params": self._fixed(entry, use, "segmenter", asking),
                    "asking": asking,
                    "patches": self._patches(role),
                    "validations": self.spec.tune.validations,
                    "pruner": self.spec.tune.pruner if self.spec.tune.trials > 1 else "none",
                    "metric": self.judge.identity,
                    **read,
                },
                needs=tuple(dict.fromkeys([*needs, *asking["previous"]])),
                extra={"study": self.study, "role": role},
                arm=arm.name,
                seed=seed,
                trial=asking["trial"],
            )
        )
        arm.trials.setdefault(seed, []).append(key)

    def evaluate(self, arm: Arm, seed: int, use: PluginUse, subjects: Subjects) -> None:
        """Plan the one look at the test subjects, by the trial that the arm selects."""
        trials, test = arm.trials[seed], subjects.keys("test")
        arm.evaluate[seed] = self._add(
            Job(
                stage="evaluate",
                label=f"{arm.name} · seed {seed}",
                inputs={
                    "plugin": self.registry.get("segmenter", use.plugin).identity,
                    "trials": list(trials),
                    "test": test,
                    "size": self.spec.patches.size,
                    "metrics": self._metrics("segmentation"),
                    "higher_is_better": self.higher,
                    "seed": derive_seed(self.spec.data.seed, "evaluate"),
                },
                needs=(*trials, *test),
                arm=arm.name,
                seed=seed,
            )
        )

    def audit(self, arm: Arm, seed: int, real: Arm | None) -> None:
        """Plan fidelity and privacy scores of a generator; none when the spec lists none.

        Args:
            arm: The generator's synthetic arm.
            seed: The repetition.
            real: The arm whose segmenter may lend its features; None when there is none.
        """
        metrics = {family: self._metrics(family) for family in ("fidelity", "privacy")}
        if not any(metrics.values()):
            return
        source = self.data["source"]
        # Validation subjects chose the checkpoint: what was chosen by them is not unseen.
        train, heldout = source.keys("train"), source.keys("test")
        trials = arm.trials[seed]
        segmenter = self.registry.get("segmenter", self.spec.segmenter.plugin)
        lends = real is not None and metrics["fidelity"] and offers_features(segmenter.cls)
        lent = real.trials[seed] if real is not None and lends else []
        arm.audit[seed] = self._add(
            Job(
                stage="audit",
                label=f"{arm.generator} · seed {seed}",
                inputs={
                    "trials": list(trials),
                    "train": train,
                    "heldout": heldout,
                    "patches": self._patches("source"),
                    "metrics": metrics,
                    "higher_is_better": self.higher,
                    "features": {"plugin": segmenter.identity, "trials": lent} if lent else None,
                    "seed": derive_seed(seed, "audit"),
                    **self._groups(train=train, heldout=heldout),
                },
                needs=(*trials, *lent, *train, *heldout, *self._samples_of(trials)),
                arm=arm.name,
                seed=seed,
            )
        )

    def _groups(self, **keys: Sequence[str]) -> dict[str, Any]:
        """Return whose volumes these are; nothing when each is of a person of its own."""
        source = self.data["source"]
        if not source.people:
            return {}
        return {"groups": {name: source.person_of(listed) for name, listed in keys.items()}}

    def _samples_of(self, trials: Sequence[str]) -> list[str]:
        found = (key for trial in trials for key in self.jobs[trial].inputs["synthetic"])
        return list(dict.fromkeys(found))

    def _metrics(self, family: str) -> list[dict[str, Any]]:
        listed = []
        for use in self.spec.metrics.uses(family):
            entry = self.registry.get("metric", use.plugin)
            params = build_params(entry.cls.Params, use.params, f"metrics.{family}")
            listed.append({"plugin": entry.identity, "params": params.model_dump(mode="json")})
        return listed

    def _add(self, job: Job) -> str:
        """Keep a job; one of the same key is the same job."""
        job = replace(job, benchmark=self.spec.benchmark.name)
        return self.jobs.setdefault(job.key, job).key
