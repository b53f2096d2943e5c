"""The jobs of segmenters: the trials of an arm, and the evaluation of the selected one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from pydantic import JsonValue

from vbench.engine.arm import Arm
from vbench.engine.datasets import Subjects, role_of
from vbench.engine.factory.jobs import Jobs, places
from vbench.engine.given import find
from vbench.engine.job import identity
from vbench.engine.keys import derive_seed
from vbench.engine.settings import resolved
from vbench.records.judging import EvaluateInputs
from vbench.records.parts import GivenWeights, Key, TrialSpec
from vbench.records.training import FitSegmenterInputs
from vbench.regimes.planner import Start
from vbench.spec.model import PluginUse
from vbench.spec.space import Space, tunable


class SegmenterJobs:
    """Makes segmenters' trials and their evaluation."""

    def __init__(self, jobs: Jobs, study: str | None) -> None:
        """Add to these jobs; several trials are shown in ``study``, where there is one."""
        self._jobs = jobs
        self._study = study if jobs.spec.tune.trials > 1 else None
        self._starts: dict[Start, tuple[Path, GivenWeights]] = {}

    def checkpoint_axis(self, count: int) -> Space:
        """Return the axis along which an arm chooses among a generator's candidates."""
        tune = self._jobs.spec.tune
        wanted = any(fnmatchcase("generator.checkpoint", glob) for glob in tune.parameters)
        if count == 1 or tune.trials == 1 or not wanted:
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
        jobs, tune = self._jobs, self._jobs.spec.tune
        entry = jobs.registry.get("segmenter", segmenter.plugin)
        space = dict(axes)
        if tune.trials > 1:
            space |= tunable(entry.cls.Params, segmenter.params, tune.parameters, "segmenter")
        values = resolved(entry, segmenter, "segmenter")
        defaults = {f"segmenter.{name}": value for name, value in values.items()}
        defaults["generator.checkpoint"] = tune.checkpoints - 1
        if generator is not None:
            entry = jobs.registry.get("generator", generator.plugin)
            made = resolved(entry, generator, "generators")
            defaults |= {f"generator.{name}": value for name, value in made.items()}
        visible = arm.trials.get(seed, [])[: max(0, trial - tune.parallel + 1)]
        return TrialSpec(
            space=space,
            defaults={axis: defaults[axis] for axis in space},
            trial=trial,
            previous=tuple(visible),
            sampler=tune.sampler if space else "none",
            seed=jobs.seed(role_of(arm.cohort), seed, "trial", arm.base, trial),
            higher_is_better=jobs.higher,
            seconds=(tune.seconds or None) if trial else None,
        )

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
        jobs, tune = self._jobs, self._jobs.spec.tune
        entry = jobs.registry.get("segmenter", use.plugin)
        role = role_of(arm.cohort)
        trial = f" · trial {spec.trial}" if tune.trials > 1 else ""
        own = jobs.own(entry, use, "segmenter", spec)
        file, given = self._start(start)
        trains = any(reads.get(name) for name in ("train", "synthetic", "synthetic_of"))
        inputs = FitSegmenterInputs(
            plugin=identity(entry),
            params=own.params,
            files=own.files,
            trial_spec=spec,
            patches=jobs.patches(role),
            validations=tune.validations,
            pruner=tune.pruner if tune.trials > 1 else "none",
            metric=identity(jobs.metric),
            metric_params=self._metric_params(),
            given=given,
            start_counts=True if trains and (given or reads.get("initial")) else None,
            **{name: tuple(keys) for name, keys in reads.items()},
        )
        synthetic = (*inputs.synthetic, *inputs.synthetic_of)
        needs = (*inputs.train, *synthetic, *inputs.initial, *inputs.val, *spec.previous)
        key = jobs.add(
            arm,
            seed,
            f"{arm.name} · {jobs.repetition(role, seed)}{trial}",
            inputs,
            tuple(dict.fromkeys(needs)),
            at_work=entry,
            extra={"study": self._study, "role": role, **places(own), **file},
            trial=spec.trial,
        )
        arm.trials.setdefault(seed, []).append(key)

    def evaluate(self, arm: Arm, seed: int, use: PluginUse, subjects: Subjects) -> None:
        """Plan the one evaluation on the test subjects, of the trial that the arm selects."""
        jobs = self._jobs
        entry = jobs.registry.get("segmenter", use.plugin)
        trials, test = tuple(arm.trials[seed]), tuple(subjects.keys("test"))
        arm.evaluate[seed] = jobs.add(
            arm,
            seed,
            f"{arm.name} · {jobs.repetition(role_of(arm.cohort), seed)}",
            EvaluateInputs(
                plugin=identity(entry),
                trials=trials,
                test=test,
                size=tuple(jobs.spec.patches.size),
                metrics=jobs.metrics("segmentation"),
                higher_is_better=jobs.higher,
                seed=derive_seed(jobs.spec.data.seed, "evaluate"),
            ),
            (*trials, *test),
            at_work=entry,
        )

    def _start(self, start: Start | None) -> tuple[dict[str, str], GivenWeights | None]:
        """Return where given weights lie, and what decides a result of them; read once."""
        if start is None:
            return {}, None
        if start not in self._starts:
            self._starts[start] = find(start)
        file, given = self._starts[start]
        return {"weights": str(file), "where": start.where}, given

    def _metric_params(self) -> dict[str, JsonValue] | None:
        """Return the parameters of the validation metric; None for its defaults."""
        use, metric = self._jobs.spec.tune.validation_metric, self._jobs.metric
        params = resolved(metric, use, "tune.metric")
        defaults = resolved(metric, PluginUse(plugin=use.plugin), "tune.metric")
        return None if params == defaults else params
