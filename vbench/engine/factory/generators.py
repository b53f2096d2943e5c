"""The jobs of generators: their fits, or fits of another benchmark, and their samples."""

from __future__ import annotations

from pydantic import JsonValue

from vbench.engine.arm import Arm
from vbench.engine.factory.jobs import Jobs, places
from vbench.engine.job import identity
from vbench.engine.settings import resolved
from vbench.engine.taken import Taken, check_taken, find
from vbench.records.parts import Key, TrialSpec
from vbench.records.training import FitGeneratorInputs, SynthesiseInputs
from vbench.spec.model import GeneratorUse, PluginUse


class GeneratorJobs:
    """Makes generators' fits and the samples of their candidates."""

    def __init__(self, jobs: Jobs) -> None:
        """Add to these jobs."""
        self._jobs = jobs
        self._taken: dict[str, Taken] = {}

    def samples(self, arm: Arm, seed: int, use: GeneratorUse, spec: TrialSpec | None) -> list[Key]:
        """Plan a generator's fit and the sampling of its candidates; return the samples' keys."""
        if use.from_:
            return [self._taken_samples(arm, seed, use)]
        jobs = self._jobs
        label = f"{use.label} · {jobs.repetition('source', seed)}"
        axes: list[JsonValue] = []
        if spec is not None:
            label += f" · trial {spec.trial}"
            axes = ["trial", spec.trial]
        source, count = jobs.data["source"], jobs.spec.tune.checkpoints
        train = tuple(source.keys("train"))
        # All doses learn from one fit: the name of the first is its.
        fit = self._fit(
            arm,
            seed,
            label,
            use,
            train,
            jobs.seed("source", seed, "generator", use.label, *axes),
            spec=spec,
            checkpoints=count,
            groups=source.person_of(train) or None,
        )
        samples_seed = jobs.seed("source", seed, "samples", use.label, *axes)
        return [
            self._sample(
                arm,
                seed,
                f"{label}{_dose(arm)} · checkpoint {index + 1}/{count}",
                use,
                fit,
                samples_seed,
                checkpoint=index,
                dose=arm.dose,
            )
            for index in range(count)
        ]

    def again(self, arm: Arm, use: PluginUse, name: str, train: tuple[Key, ...]) -> Key:
        """Plan another training of a generator, and its samples; return their key.

        It has the parameters of the spec, the defaults where they are tuned, and trains to its end.
        """
        label, seed = f"{use.label} · {name}", self._jobs.spec.data.seed
        fit_seed = self._jobs.seed("source", seed, name, use.label)
        fit = self._fit(arm, None, label, use, train, fit_seed)
        samples_seed = self._jobs.seed("source", seed, name, use.label, "samples")
        return self._sample(arm, None, label, use, fit, samples_seed)

    def patches(self, dose: float | None = None) -> int:
        """Return how many patches a generator makes, at a dose."""
        patches = self._jobs.spec.patches
        real = patches.per_subject * len(self._jobs.data["source"].keys("train"))
        return patches.synthetic_patches(real, dose)

    def _taken_samples(self, arm: Arm, seed: int, use: GeneratorUse) -> Key:
        """Plan samples of what another benchmark fitted; all seeds share the one fit."""
        jobs = self._jobs
        if use.from_ not in self._taken:
            where = f"generators.{jobs.spec.generators.index(use)}"
            self._taken[use.from_] = find(use, where)
            check_taken(self._taken[use.from_], jobs.spec, jobs.data, where)
        taken, source = self._taken[use.from_], jobs.data["source"]
        entry = jobs.registry.get("generator", use.plugin)
        train = tuple(source.keys("train"))
        fit = jobs.add(
            arm,
            None,
            use.label,
            FitGeneratorInputs(
                plugin=identity(entry),
                params=resolved(entry, use, "generators"),
                taken=taken.digest,
                trial_spec=None,
                train=train,
                patches=jobs.patches("source"),
                checkpoints=1,
                seed=jobs.seed("source", jobs.spec.data.seed, "taken", use.label),
                groups=source.person_of(train) or None,
            ),
            train,
            at_work=entry,
            extra={"weights": str(taken.file), "remarks": taken.remarks(identity(entry))},
        )
        label = f"{use.label} · {jobs.repetition('source', seed)}{_dose(arm)}"
        samples_seed = jobs.seed("source", seed, "samples", use.label)
        return self._sample(arm, seed, label, use, fit, samples_seed, dose=arm.dose)

    def _fit(
        self,
        arm: Arm,
        seed: int | None,
        label: str,
        use: PluginUse,
        train: tuple[Key, ...],
        own_seed: int,
        *,
        spec: TrialSpec | None = None,
        checkpoints: int = 1,
        groups: tuple[str, ...] | None = None,
    ) -> Key:
        """Plan one training; ``own_seed`` is what it starts from, ``seed`` the repetition."""
        entry = self._jobs.registry.get("generator", use.plugin)
        own = self._jobs.own(entry, use, "generator", spec)
        return self._jobs.add(
            arm,
            seed,
            label,
            FitGeneratorInputs(
                plugin=identity(entry),
                params=own.params,
                files=own.files,
                trial_spec=spec,
                train=train,
                patches=self._jobs.patches("source"),
                checkpoints=checkpoints,
                seed=own_seed,
                groups=groups,
            ),
            (*train, *(spec.previous if spec else ())),
            at_work=entry,
            extra=places(own),
        )

    def _sample(
        self,
        arm: Arm,
        seed: int | None,
        label: str,
        use: PluginUse,
        fit: Key,
        own_seed: int,
        *,
        checkpoint: int = 0,
        dose: float | None = None,
    ) -> Key:
        """Plan the samples of one candidate."""
        entry = self._jobs.registry.get("generator", use.plugin)
        inputs = SynthesiseInputs(
            plugin=identity(entry),
            generator=fit,
            checkpoint=checkpoint,
            n=self.patches(dose),
            size=tuple(self._jobs.spec.patches.size),
            seed=own_seed,
        )
        return self._jobs.add(arm, seed, label, inputs, (fit,), at_work=entry)


def _dose(arm: Arm) -> str:
    """Name an arm's dose for people; dose 1 is named as without a dose curve."""
    return "" if arm.dose in (None, 1) else f" · x{arm.dose:g}"
