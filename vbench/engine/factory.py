"""Makes the jobs of a plan, one method per stage: what goes into their keys is decided here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, cast

import numpy as np
from pydantic import JsonValue

from vbench.audit.features import offers_features
from vbench.engine.arm import Arm
from vbench.engine.datasets import Subjects, role_of
from vbench.engine.given import find
from vbench.engine.job import Job, derive_seed, digest
from vbench.engine.settings import Settings, resolved, settings_of
from vbench.engine.shadows import canary_jobs, shadow_members
from vbench.engine.taken import Taken, check_taken
from vbench.engine.taken import find as find_taken
from vbench.interfaces import Fitted, Generator, Metric
from vbench.records.parts import (
    GivenWeights,
    Key,
    PatchSpec,
    PluginIdentity,
    PluginSetting,
    TrialSpec,
)
from vbench.records.stages import (
    AttackInputs,
    AuditInputs,
    CanaryGame,
    EvaluateInputs,
    FitGeneratorInputs,
    FitSegmenterInputs,
    Game,
    Inputs,
    Lender,
    SynthesiseInputs,
)
from vbench.regimes.planner import Start
from vbench.registry import Entry, Registry
from vbench.spec.audit import Audit
from vbench.spec.model import GeneratorUse, PluginUse, Spec
from vbench.spec.space import Space, tunable


class JobFactory:
    """Makes jobs and keeps them by key, each after those that it reads.

    Attributes:
        jobs: What was made so far.
    """

    def __init__(
        self,
        spec: Spec,
        registry: Registry,
        data: Mapping[str, Subjects],
        study: str | None,
        fold: int = 0,
        jobs: dict[str, Job] | None = None,
    ) -> None:
        """Start with the preparation of all subjects.

        Args:
            spec: The spec.
            registry: The plugins.
            data: ``source`` and the targets, as this fold sees them.
            study: Where trials are shown; None: nowhere.
            fold: Which fold of cross-validation.
            jobs: Where jobs are added; None: a new table.
        """
        self.spec = spec
        self.registry = registry
        self.data = data
        self.fold = fold
        self.study = study if spec.tune.trials > 1 else None
        self.jobs: dict[str, Job] = {} if jobs is None else jobs
        self.jobs |= {job.key: job for data_set in data.values() for job in data_set.jobs.values()}
        self.metric = registry.get("metric", spec.tune.validation_metric.plugin)
        self.higher = bool(cast(type[Metric], self.metric.cls).higher_is_better)

        self._settings: dict[str, Settings] = {}
        self._taken: dict[str, Taken] = {}
        self._starts: dict[Start, tuple[Path, GivenWeights]] = {}
        self._audited: dict[Key, Arm] = {}

    def _own(self, entry: Entry, use: PluginUse, prefix: str, spec: TrialSpec | None) -> Settings:
        """Return the settings of a generator or segmenter, less what is tuned; read once."""
        name = digest([prefix, use.model_dump(mode="json")])
        if name not in self._settings:
            self._settings[name] = settings_of(entry, use, prefix)
        found, space = self._settings[name], spec.space if spec else {}
        fixed = {name: v for name, v in found.params.items() if f"{prefix}.{name}" not in space}
        return replace(found, params=fixed)

    def _patches(self, role_seed: str) -> PatchSpec:
        patches = self.spec.patches
        return PatchSpec(
            size=tuple(patches.size),
            per_subject=patches.per_subject,
            vessel_centred=patches.vessel_centred,
            seed=derive_seed(self.spec.data.seed, role_seed),
        )

    def folded(self, role: str) -> bool:
        """Whether what learns from a data set is another in each fold.

        What is tested on a target is, also where only the source has folds: all arms of a board
        are repeated as often.
        """
        data = self.spec.data
        return data.source.folds > 1 or (role == "target" and data.folds > 1)

    def _seed(self, role: str, seed: int, *axes: JsonValue) -> int:
        """Derive the seed of what learns from a data set; the first fold has those without any."""
        fold: list[JsonValue] = ["fold", self.fold] if self.fold and self.folded(role) else []
        return derive_seed(seed, *axes, *fold)

    def _repetition(self, role: str, seed: int) -> str:
        """Name a repetition for people, such as ``seed 0 · fold 2``."""
        return f"seed {seed} · fold {self.fold}" if self.folded(role) else f"seed {seed}"

    def checkpoint_axis(self, count: int) -> Space:
        """Return the axis along which an arm chooses among a generator's candidates."""
        wanted = any(fnmatchcase("generator.checkpoint", g) for g in self.spec.tune.parameters)
        if count == 1 or self.spec.tune.trials == 1 or not wanted:
            return {}
        return {"generator.checkpoint": {"choices": list(range(count - 1, -1, -1))}}

    def trial_spec(
        self,
        arm: Arm,
        seed: int,
        segmenter: PluginUse,
        trial: int,
        axes: Space,
        generator: PluginUse | None = None,
    ) -> TrialSpec:
        """Describe how a trial gets its parameters; shared by all jobs of the trial."""
        tune = self.spec.tune
        entry = self.registry.get("segmenter", segmenter.plugin)
        space = dict(axes)
        if tune.trials > 1:
            space |= tunable(entry.cls.Params, segmenter.params, tune.parameters, "segmenter")
        values = resolved(entry, segmenter, "segmenter")
        defaults = {f"segmenter.{name}": value for name, value in values.items()}
        defaults["generator.checkpoint"] = tune.checkpoints - 1
        if generator is not None:
            entry = self.registry.get("generator", generator.plugin)
            made = resolved(entry, generator, "generators")
            defaults |= {f"generator.{name}": value for name, value in made.items()}
        visible = arm.trials.get(seed, [])[: max(0, trial - tune.parallel + 1)]
        return TrialSpec(
            space=space,
            defaults={axis: defaults[axis] for axis in space},
            trial=trial,
            previous=tuple(visible),
            sampler=tune.sampler if space else "none",
            seed=self._seed(role_of(arm.cohort), seed, "trial", arm.base, trial),
            higher_is_better=self.higher,
            seconds=(tune.seconds or None) if trial else None,
        )

    def samples(self, arm: Arm, seed: int, use: GeneratorUse, spec: TrialSpec | None) -> list[Key]:
        """Plan a generator's fit and the sampling of its candidates; return the samples' keys."""
        if use.from_:
            return self._taken_samples(arm, seed, use)
        source = self.data["source"]
        entry = self.registry.get("generator", use.plugin)
        where = f"{use.label} · {self._repetition('source', seed)}" + (
            "" if spec is None else f" · trial {spec.trial}"
        )
        # All doses learn from one fit: the name of the first is its.
        dose = "" if arm.dose in (None, 1) else f" · x{arm.dose:g}"
        train = tuple(source.keys("train"))
        axes: list[JsonValue] = [] if spec is None else ["trial", spec.trial]
        count = self.spec.tune.checkpoints
        own = self._own(entry, use, "generator", spec)
        fit = self._add(
            arm,
            seed,
            where,
            FitGeneratorInputs(
                plugin=_identity(entry),
                params=own.params,
                files=own.files,
                trial_spec=spec,
                train=train,
                patches=self._patches("source"),
                checkpoints=count,
                seed=self._seed("source", seed, "generator", use.label, *axes),
                groups=source.person_of(train) or None,
            ),
            (*train, *(spec.previous if spec else ())),
            at_work=entry,
            extra=_given(own),
        )
        n = self._synthetic_patches(arm.dose)
        return [
            self._add(
                arm,
                seed,
                f"{where}{dose} · checkpoint {index + 1}/{count}",
                SynthesiseInputs(
                    plugin=_identity(entry),
                    generator=fit,
                    checkpoint=index,
                    n=n,
                    size=tuple(self.spec.patches.size),
                    seed=self._seed("source", seed, "samples", use.label, *axes),
                ),
                (fit,),
                at_work=entry,
            )
            for index in range(count)
        ]

    def _taken_samples(self, arm: Arm, seed: int, use: GeneratorUse) -> list[Key]:
        """Plan samples of what another benchmark fitted; all seeds share the one fit."""
        entry = self.registry.get("generator", use.plugin)
        if use.from_ not in self._taken:
            where = f"generators.{self.spec.generators.index(use)}"
            self._taken[use.from_] = find_taken(use, where)
            check_taken(self._taken[use.from_], self.spec, self.data, where)
        taken, source = self._taken[use.from_], self.data["source"]
        train = tuple(source.keys("train"))
        fit = self._add(
            arm,
            None,
            use.label,
            FitGeneratorInputs(
                plugin=_identity(entry),
                params=resolved(entry, use, "generators"),
                taken=taken.digest,
                trial_spec=None,
                train=train,
                patches=self._patches("source"),
                checkpoints=1,
                seed=self._seed("source", self.spec.data.seed, "taken", use.label),
                groups=source.person_of(train) or None,
            ),
            train,
            at_work=entry,
            extra={
                "weights": str(taken.file),
                "remarks": taken.remarks(_identity(entry)),
            },
        )
        dose = "" if arm.dose in (None, 1) else f" · x{arm.dose:g}"
        samples = SynthesiseInputs(
            plugin=_identity(entry),
            generator=fit,
            checkpoint=0,
            n=self._synthetic_patches(arm.dose),
            size=tuple(self.spec.patches.size),
            seed=self._seed("source", seed, "samples", use.label),
        )
        label = f"{use.label} · {self._repetition('source', seed)}{dose}"
        return [self._add(arm, seed, label, samples, (fit,), at_work=entry)]

    def trial(
        self,
        arm: Arm,
        seed: int,
        use: PluginUse,
        spec: TrialSpec,
        reads: Mapping[str, Sequence[Key]],
        start: Start | None = None,
    ) -> None:
        """Plan one trial of an arm.

        Args:
            arm: The arm.
            seed: The repetition.
            use: The segmenter.
            spec: How it gets its parameters.
            reads: Keys by field of the inputs: ``train``, ``val``, ``synthetic`` and so on.
            start: The weights that it starts from, made elsewhere.
        """
        entry = self.registry.get("segmenter", use.plugin)
        role = role_of(arm.cohort)
        trial = f" · trial {spec.trial}" if self.spec.tune.trials > 1 else ""
        own = self._own(entry, use, "segmenter", spec)
        file, given = self._start(start)
        inputs = FitSegmenterInputs(
            plugin=_identity(entry),
            params=own.params,
            files=own.files,
            trial_spec=spec,
            patches=self._patches(role),
            validations=self.spec.tune.validations,
            pruner=self.spec.tune.pruner if self.spec.tune.trials > 1 else "none",
            metric=_identity(self.metric),
            metric_params=self._metric_params(),
            given=given,
            **{name: tuple(keys) for name, keys in reads.items()},
        )
        synthetic = (*inputs.synthetic, *inputs.synthetic_of)
        needs = (*inputs.train, *synthetic, *inputs.initial, *inputs.val, *spec.previous)
        key = self._add(
            arm,
            seed,
            f"{arm.name} · {self._repetition(role, seed)}{trial}",
            inputs,
            tuple(dict.fromkeys(needs)),
            at_work=entry,
            extra={"study": self.study, "role": role, **_given(own), **file},
            trial=spec.trial,
        )
        arm.trials.setdefault(seed, []).append(key)

    def _start(self, start: Start | None) -> tuple[dict[str, str], GivenWeights | None]:
        """Return where given weights lie, and what decides a result of them; read once."""
        if start is None:
            return {}, None
        if start not in self._starts:
            self._starts[start] = find(start)
        file, given = self._starts[start]
        return {"weights": str(file)}, given

    def evaluate(self, arm: Arm, seed: int, use: PluginUse, subjects: Subjects) -> None:
        """Plan the one evaluation on the test subjects, of the trial that the arm selects."""
        entry = self.registry.get("segmenter", use.plugin)
        trials, test = tuple(arm.trials[seed]), tuple(subjects.keys("test"))
        arm.evaluate[seed] = self._add(
            arm,
            seed,
            f"{arm.name} · {self._repetition(role_of(arm.cohort), seed)}",
            EvaluateInputs(
                plugin=_identity(entry),
                trials=trials,
                test=test,
                size=tuple(self.spec.patches.size),
                metrics=self._metrics("segmentation"),
                higher_is_better=self.higher,
                seed=derive_seed(self.spec.data.seed, "evaluate"),
            ),
            (*trials, *test),
            at_work=entry,
        )

    def audited_before(self, arm: Arm, seed: int) -> bool:
        """Take the audits of another arm that has no choice but the same synthetic patches.

        So have arms of one generator with several segmenters, where nothing of it is tuned.
        """
        samples = self._samples_of(arm.trials[seed])
        if len(samples) > 1:
            return False
        other = self._audited.setdefault(samples[0], arm)
        if other is arm:
            return False
        for mine, theirs in ((arm.audit, other.audit), (arm.attack, other.attack)):
            if seed in theirs:
                mine[seed] = theirs[seed]
        return True

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
        # The candidate was chosen on the validation subjects, so they are not unseen.
        train, heldout = tuple(source.keys("train")), tuple(source.keys("test"))
        trials = tuple(arm.trials[seed])
        lent = tuple(real.trials[seed]) if real is not None and metrics["fidelity"] else ()
        lender = self._lender(lent)
        groups = {"train": source.person_of(train), "heldout": source.person_of(heldout)}
        arm.audit[seed] = self._add(
            arm,
            seed,
            f"{arm.samples_of} · {self._repetition('source', seed)}",
            AuditInputs(
                trials=trials,
                train=train,
                heldout=heldout,
                patches=self._patches("source"),
                metrics=metrics,
                higher_is_better=self.higher,
                features=lender,
                seed=self._seed("source", seed, "audit"),
                groups=groups if source.people else None,
            ),
            (
                *trials,
                *(lender.trials if lender else ()),
                *train,
                *heldout,
                *self._samples_of(trials),
            ),
        )

    def _lender(self, trials: tuple[Key, ...]) -> Lender | None:
        """Return the trials whose segmenter lends its features; None when it cannot, or none is."""
        if not trials:
            return None
        name = self.jobs[trials[0]].inputs_as(FitSegmenterInputs).plugin.name
        entry = self.registry.get("segmenter", name)
        return (
            Lender(plugin=_identity(entry), trials=trials) if offers_features(entry.cls) else None
        )

    def attack(self, arm: Arm, seed: int, use: GeneratorUse) -> None:
        """Plan the attacks on a generator; none when the spec has no table ``[audit]``.

        Shadows and the training with canaries depend on no seed of the benchmark: all share them.

        Args:
            arm: The generator's synthetic arm.
            seed: The repetition.
            use: The generator.
        """
        table, entry = self.spec.audit, self.registry.get("generator", use.plugin)
        if table is None:
            return
        source = self.data["source"]
        train, heldout = tuple(source.keys("train")), tuple(source.keys("test"))
        trials = tuple(arm.trials[seed])
        groups = {"train": source.person_of(train), "heldout": source.person_of(heldout)}
        # What was made before cannot be made again without a patient.
        again = not _elsewhere(entry) and not use.from_
        games = table.shadows if again else 0
        shadows = tuple(
            Game(samples=self._shadow(arm, use, f"shadow {k + 1}", members), members=members)
            for k, members in enumerate(shadow_members(source, games, self.spec.data.seed))
        )
        canaries = self._canaries(arm, use, table) if table.canaries and again else None
        extra = [*(s.samples for s in shadows)]
        if canaries is not None:
            extra += [canaries.samples, *canaries.volumes]
        arm.attack[seed] = self._add(
            arm,
            seed,
            f"{arm.samples_of} · {self._repetition('source', seed)}",
            AttackInputs(
                plugin=_identity(entry),
                trials=trials,
                train=train,
                heldout=heldout,
                shadows=shadows,
                canaries=canaries,
                patches=self._patches("source"),
                per_person=table.patches,
                higher_is_better=self.higher,
                seed=self._seed("source", seed, "attack"),
                groups=groups if source.people else None,
            ),
            tuple(dict.fromkeys((*trials, *self._samples_of(trials), *extra, *train, *heldout))),
            at_work=entry,
        )

    def _shadow(self, arm: Arm, use: PluginUse, name: str, train: tuple[Key, ...]) -> Key:
        """Plan another training of a generator, and its samples; return their key.

        It has the parameters of the spec, the defaults where they are tuned, and trains to its end.
        """
        entry = self.registry.get("generator", use.plugin)
        where = f"{use.label} · {name}"
        patches = self._patches("source")
        own = self._own(entry, use, "generator", None)
        fit = self._add(
            arm,
            None,
            where,
            FitGeneratorInputs(
                plugin=_identity(entry),
                params=own.params,
                files=own.files,
                trial_spec=None,
                train=train,
                patches=patches,
                checkpoints=1,
                seed=self._seed("source", self.spec.data.seed, name, use.label),
            ),
            train,
            at_work=entry,
            extra=_given(own),
        )
        return self._add(
            arm,
            None,
            where,
            SynthesiseInputs(
                plugin=_identity(entry),
                generator=fit,
                checkpoint=0,
                n=self._synthetic_patches(),
                size=patches.size,
                seed=self._seed("source", self.spec.data.seed, name, use.label, "samples"),
            ),
            (fit,),
            at_work=entry,
        )

    def _canaries(self, arm: Arm, use: PluginUse, table: Audit) -> CanaryGame:
        """Plan one more training, in which made-up patients are planted or not by a coin."""
        jobs = canary_jobs(self.spec, self.registry, table)
        self.jobs |= {job.key: job for job in jobs if job.key not in self.jobs}
        volumes = tuple(job.key for job in jobs)
        coins = self._seed("source", self.spec.data.seed, "canaries", use.label)
        rng = np.random.default_rng(coins)
        planted = tuple(bool(coin) for coin in rng.integers(2, size=len(volumes)))
        there = (key for key, coin in zip(volumes, planted, strict=True) if coin)
        train = (*self.data["source"].keys("train"), *there)
        samples = self._shadow(arm, use, "canaries", train)
        return CanaryGame(samples=samples, volumes=volumes, planted=planted)

    def _synthetic_patches(self, dose: float | None = None) -> int:
        """Return how many patches a generator makes, at a dose."""
        patches = self.spec.patches
        real = patches.per_subject * len(self.data["source"].keys("train"))
        return patches.synthetic_patches(real, dose)

    def _metric_params(self) -> dict[str, JsonValue] | None:
        """Return the parameters of the validation metric; None for its defaults."""
        use = self.spec.tune.validation_metric
        params = resolved(self.metric, use, "tune.metric")
        defaults = resolved(self.metric, PluginUse(plugin=use.plugin), "tune.metric")
        return None if params == defaults else params

    def _samples_of(self, trials: Sequence[Key]) -> list[Key]:
        read = (self.jobs[trial].inputs_as(FitSegmenterInputs) for trial in trials)
        return list(dict.fromkeys(key for inputs in read for key in inputs.synthetic))

    def _metrics(self, family: str) -> tuple[PluginSetting, ...]:
        listed = []
        for use in self.spec.metrics.uses(family):
            entry = self.registry.get("metric", use.plugin)
            params = resolved(entry, use, f"metrics.{family}")
            listed.append(PluginSetting(plugin=_identity(entry), params=params))
        return tuple(listed)

    def _add(
        self,
        arm: Arm,
        seed: int | None,
        label: str,
        inputs: Inputs,
        needs: tuple[Key, ...],
        *,
        at_work: Entry | None = None,
        extra: Mapping[str, Any] | None = None,
        trial: int | None = None,
    ) -> Key:
        """Keep a job; one of the same key is the same job.

        It takes a GPU where its stage does and the plugin at work may.
        """
        job = Job(
            label,
            inputs,
            needs,
            extra=extra or {},
            benchmark=self.spec.benchmark.name,
            arm=arm.name,
            seed=seed,
            trial=trial,
            gpu=at_work is not None and cast(type[Fitted], at_work.cls).gpu,
            reads=isinstance(inputs, FitGeneratorInputs) and _elsewhere(at_work),
        )
        return self.jobs.setdefault(job.key, job).key


def _identity(entry: Entry) -> PluginIdentity:
    return PluginIdentity.model_validate(entry.identity)


def _given(settings: Settings) -> dict[str, Any]:
    """Return what a job is told beside its inputs: where files lie."""
    return {"params": dict(settings.places)} if settings.places else {}


def _elsewhere(entry: Entry | None) -> bool:
    """Whether a generator's samples were made before: it is fitted by reading them."""
    return entry is not None and cast(type[Generator], entry.cls).learns == "elsewhere"
