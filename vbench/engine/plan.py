"""From a spec to jobs: a pure function of the spec, the data's content and the plugins' code.

Every arm has, for each seed, a chain of trials (``fit-segmenter`` jobs; a trial may read the
records of those before it) and one ``evaluate`` job that reads them all.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from vbench.engine.arm import Arm
from vbench.engine.datasets import Subjects, read_subjects, refuse_overlap, role_of
from vbench.engine.factory import JobFactory
from vbench.engine.job import Job
from vbench.engine.keys import derive_seed
from vbench.engine.lengths import SegmenterTraining
from vbench.engine.settle import settle
from vbench.engine.taken import borrow
from vbench.errors import SpecError
from vbench.regimes import REGIMES, FewSubjects, Generators, Regime, Row, named
from vbench.regimes.planner import Start, at_length
from vbench.registry import Registry
from vbench.spec.check import check_spec
from vbench.spec.data import where
from vbench.spec.labels import with_classes
from vbench.spec.model import GeneratorUse, PluginUse, Spec
from vbench.spec.space import tunable


@dataclass(frozen=True)
class Plan:
    """All jobs of a benchmark, each after those that it reads.

    Attributes:
        spec: The spec.
        jobs: By key.
        arms: In the order of the spec; with folds, each fold's is one.
        data: ``source`` and the targets.
    """

    spec: Spec
    jobs: Mapping[str, Job]
    arms: Sequence[Arm]
    data: Mapping[str, Subjects]

    def dependents(self, keys: set[str]) -> set[str]:
        """Return these keys and those of all jobs that read them, directly or through others."""
        found = set(keys)
        for key, job in self.jobs.items():
            if found.intersection(job.needs):
                found.add(key)
        return found

    def sources(self, key: str) -> list[str]:
        """Return the keys of all jobs that one reads, directly or through others."""
        found: dict[str, None] = {}
        nearest = [*self.jobs[key].needs]
        while nearest:
            each = nearest.pop()
            if each not in found:
                found[each] = None
                nearest += self.jobs[each].needs
        return list(found)


def make_plan(spec: Spec, registry: Registry, study: str | None = None) -> Plan:
    """Plan a benchmark; trains nothing.

    Args:
        spec: The spec.
        registry: The plugins.
        study: Where trials are shown (Optuna storage URL or journal file); None: nowhere.

    Raises:
        SpecError: When a plugin or parameter is wrong.
        DataError: When the data is.
    """
    spec = borrow(spec)
    check_spec(spec, registry)
    spec = settle(with_classes(spec, registry), registry)
    data = {"source": read_subjects(spec, registry, "source")}
    seconds = spec.data.seconds if any(r.cohort == "target" for r, _ in spec.regimes.on()) else {}
    for name in seconds:
        data[name] = read_subjects(spec, registry, name)
        refuse_overlap(data["source"], data[name])
    jobs: dict[str, Job] = {}
    arms: dict[str, Arm] = {}
    for fold in range(spec.data.folds):
        seen = {name: subjects.fold(fold) for name, subjects in data.items()}
        _need_subjects(spec, seen)
        make = JobFactory(spec, registry, seen, study, fold, jobs)
        for use, target in product(spec.networks, seconds or [None]):
            # Rules have no network, and regimes of the source no target: they are planned once.
            regimes = [r for r in REGIMES.values() if r.learns or use is spec.networks[0]]
            planner = ArmPlanner(make, use, arms, target=target)
            _plan_regimes(planner, regimes)
            for steps in planner.other_lengths():
                longer = ArmPlanner(make, use, arms, target=target, steps=steps)
                _plan_regimes(longer, [regime for regime in regimes if regime.learns])
    return Plan(spec, jobs, [arm for arm in arms.values() if arm.evaluate], data)


def _plan_regimes(planner: ArmPlanner, regimes: Collection[Regime[Any]]) -> None:
    for seed in planner.spec.benchmark.seeds:
        for regime in regimes:
            regime.plan(planner, seed)
        for regime in regimes:
            regime.plan_controls(planner, seed)


def _need_subjects(spec: Spec, data: Mapping[str, Subjects]) -> None:
    """Refuse more subjects than there are, where the split is given in fractions."""
    for regime, table in spec.regimes.on():
        if not isinstance(table, FewSubjects):
            continue
        for name, subjects in data.items():
            if role_of(name) != regime.cohort:
                continue
            have = len(subjects.persons("train"))
            if max(table.subjects) > have:
                raise SpecError(
                    f"regimes.{regime.name}.subjects asks for {max(table.subjects)} subjects, but "
                    f"the training part of '{name}' has {have}; ask for fewer, or give "
                    f"{where(spec.data, name)}.split more of them"
                )


class ArmPlanner(SegmenterTraining):
    """Makes arms and their jobs, as :class:`vbench.regimes.planner.Planner` describes it.

    Attributes:
        arms: By name, in the order in which they were planned.
    """

    def __init__(
        self,
        make: JobFactory,
        segmenter: PluginUse,
        arms: dict[str, Arm],
        *,
        target: str | None = None,
        steps: int | None = None,
    ) -> None:
        """Begin to plan.

        Args:
            make: Makes the jobs, of one fold.
            segmenter: What arms that learn are trained with.
            arms: Where arms are added; one that is there with this seed is not planned again.
            target: Name of the second data set; None without one.
            steps: Training length of the segmenter; None: that of the spec.
        """
        self._jobs = make.jobs
        volumes = len(self._jobs.data["source"].parts["train"])
        super().__init__(self._jobs.spec, self._jobs.registry, segmenter, volumes, steps)
        self.arms = arms
        self._steps = steps
        self._target = target
        self._make = make

    def generators(self, regime: Regime[Any]) -> list[GeneratorUse]:
        """Return the generators that a regime's table names; none when it is off."""
        table = self.table(regime)
        if not isinstance(table, Generators) or not table.uses_generators:
            return []
        named = table.generators
        return [use for use in self.spec.generators if named is None or use.label in named]

    def all_generators(self) -> list[GeneratorUse]:
        """Return the generators that any regime uses, once each."""
        uses = [use for regime in REGIMES.values() for use in self.generators(regime)]
        return list({use.label: use for use in uses}.values())

    def doses(self, generator: GeneratorUse) -> Sequence[float | None]:
        """Return the doses of a generator's patches that arms are planned for, ascending."""
        doses = self.spec.patches.doses
        curves = any(generator in self.generators(r) for r in REGIMES.values() if r.dosed)
        return (doses if curves else [1.0]) if doses else [None]

    def training_volumes(self, cohort: str, seed: int, subjects: int | None = None) -> list[str]:
        """Return keys of a cohort's training volumes, of all persons or of the first few."""
        data = self._jobs.data[self._set(cohort)]
        if subjects is None:
            return data.keys("train")
        persons = data.persons("train")
        rng = np.random.default_rng(derive_seed(self.spec.data.seed, "few", seed))
        order = rng.permutation(len(persons))
        return [key for i in order[:subjects] for key in persons[i]]

    def trials(self, arm: str, seed: int) -> list[str]:
        """Return the keys of the trials of an arm that learns from the source."""
        return self.arms[self._name(arm, "source")].trials[seed]

    def train(
        self,
        row: Row,
        seed: int,
        volumes: Sequence[str],
        *,
        initial: Sequence[str] = (),
        synthetic_of: Sequence[str] = (),
        evaluated: bool = True,
        start: Start | None = None,
    ) -> None:
        """Plan the trials of an arm, and the evaluation of the one that is selected."""
        if self._steps is not None and not volumes:
            return  # what is not trained has no length
        arm = self._arm(row)
        if seed in arm.trials:
            return
        reads = {
            "train": list(volumes),
            "val": self._tested_on(row).keys("val"),
            "initial": list(initial),
            "synthetic_of": list(synthetic_of),
        }
        make = self._make.segmenters
        # What is not trained has nothing to try.
        for trial in range(self.spec.tune.trials if volumes else 1):
            spec = make.trial_spec(arm, seed, row.segmenter, trial, {})
            make.trial(arm, seed, row.segmenter, spec, reads, start)
        if evaluated:
            self.evaluate(row, seed)

    def train_on_samples(self, row: Row, seed: int, generator: GeneratorUse) -> None:
        """Plan the trials of an arm on its dose of a generator's samples, but no evaluation."""
        arm, tune = self._arm(row), self.spec.tune
        fits, make = self._make.generators, self._make.segmenters
        if seed in arm.trials:
            return
        model = self._jobs.registry.get("generator", generator.plugin).cls.Params
        space = tunable(model, generator.params, tune.parameters, "generator")
        if tune.trials == 1:
            space = {}
        shared = None if space else fits.samples(arm, seed, generator, None)
        axes = {**space, **make.checkpoint_axis(1 if generator.from_ else tune.checkpoints)}
        val = self._tested_on(row).keys("val")
        for trial in range(tune.trials):
            spec = make.trial_spec(arm, seed, row.segmenter, trial, axes, generator)
            samples = shared or fits.samples(arm, seed, generator, spec)
            make.trial(arm, seed, row.segmenter, spec, {"synthetic": samples, "val": val})

    def evaluate(self, row: Row, seed: int) -> None:
        """Plan the one evaluation on the test subjects."""
        arm = self._arm(row)
        if seed not in arm.evaluate:
            self._make.segmenters.evaluate(arm, seed, row.segmenter, self._tested_on(row))

    def audit(self, row: Row, seed: int, features_of: str) -> None:
        """Plan fidelity and privacy scores of an arm's generator."""
        if self._steps is not None:
            return  # the arm of the spec's own length stands for the generator
        arm = self._arm(row)
        make = self._make.audits
        if seed in arm.audit or seed in arm.attack or make.audited_before(arm, seed):
            return
        make.audit(arm, seed, self.arms.get(self._name(features_of, "source")))
        (use,) = (use for use in self.spec.generators if use.label == row.generator)
        make.attack(arm, seed, use)

    def _arm(self, row: Row) -> Arm:
        regime = named(row.regime)
        several = len(self.spec.data.seconds) > 1 and regime.cohort == "target"
        fold = self._jobs.fold if self._jobs.folded(regime.cohort) else None
        new = Arm.of(
            replace(row, name=self._shown(row.name, regime.cohort, regime.learns)),
            self._base(row.name),
            self._set(regime.cohort),
            steps=self._steps,
            place=self._target if several else None,
            fold=fold,
        )
        name = self._name(row.name, regime.cohort, regime.learns)
        arm = self.arms.setdefault(name, new)
        if (arm.regime, arm.generator) != (row.regime, row.generator):
            label = arm.generator or row.generator
            raise SpecError(
                f"generators: '{label}' is the name of one, but the arm '{arm.name}' is another; "
                "give that generator another name"
            )
        return arm

    def _name(self, arm: str, cohort: str, learns: bool = True) -> str:
        """Return the name of an arm's fold, by which it is found again."""
        fold = f" fold {self._jobs.fold}" if self._jobs.folded(cohort) else ""
        return self._shown(arm, cohort, learns) + fold

    def _shown(self, arm: str, cohort: str, learns: bool) -> str:
        """Return the name of an arm with this segmenter, on this target, at this length."""
        name = self._base(arm)
        if cohort == "target" and len(self.spec.data.seconds) > 1:
            name += f"/on={self._target}"
        return f"{name}@{self.segmenter.label}" if learns and len(self.spec.networks) > 1 else name

    def _set(self, cohort: str) -> str:
        """Return the name of the data set that plays a part."""
        return cohort if cohort == "source" or self._target is None else self._target

    def _base(self, arm: str) -> str:
        """Return the name of an arm at this training length, whatever the segmenter."""
        return at_length(arm, self._steps)

    def _tested_on(self, row: Row) -> Subjects:
        return self._jobs.data[self._set(named(row.regime).cohort)]
