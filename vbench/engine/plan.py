"""From a spec to jobs: a pure function of the spec, the data's content and the plugins' code.

Every arm has, for each seed, a chain of trials (``fit-segmenter`` jobs; a trial may read the
records of those before it) and one ``evaluate`` job that reads them all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vbench.engine.arm import Arm
from vbench.engine.datasets import Subjects, look, refuse_overlap
from vbench.engine.factory import JobFactory
from vbench.engine.job import Job, derive_seed
from vbench.engine.lengths import Lengths
from vbench.errors import SpecError
from vbench.registry import Registry
from vbench.spec.check import check_spec
from vbench.spec.model import PluginUse, Spec
from vbench.spec.space import tunable


@dataclass(frozen=True)
class Plan:
    """All jobs of a benchmark, each after those that it reads.

    Attributes:
        spec: The spec.
        jobs: By key.
        arms: In the order of the spec.
        data: ``source`` and, where there is one, ``target``.
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
    check_spec(spec, registry)
    data = {"source": look(spec, registry, "source")}
    if spec.data.target is not None and (spec.regimes.transfer or spec.regimes.scratch):
        data["target"] = look(spec, registry, "target")
        refuse_overlap(data["source"], data["target"])
        _need_subjects(spec, len(data["target"].persons("train")))
    make = JobFactory(spec, registry, data, study)
    planner = _Planner(spec, data, make)
    planner.plan()
    arms = [arm for arm in planner.arms.values() if arm.evaluate]
    return Plan(spec, make.jobs, arms, data)


def _need_subjects(spec: Spec, have: int) -> None:
    """Refuse more subjects than there are, where the split is given in fractions."""
    for regime in ("transfer", "scratch"):
        table = getattr(spec.regimes, regime)
        if table is not None and max(table.subjects) > have:
            raise SpecError(
                f"regimes.{regime}.subjects asks for {max(table.subjects)} subjects, but the "
                f"target's training part has {have}; ask for fewer, or give data.target.split "
                "more of them"
            )


class _Planner:
    """Collects jobs and arms; one method a regime."""

    def __init__(self, spec: Spec, data: Mapping[str, Subjects], make: JobFactory) -> None:
        self.spec = spec
        self.data = data
        self.make = make
        self.arms: dict[str, Arm] = {}
        self.lengths = Lengths(spec, make.registry, len(data["source"].parts["train"]))

    def plan(self) -> None:
        """Plan all arms, in the order in which a reader compares them."""
        spec = self.spec
        needed = {
            use.label: use
            for regime in ("synthetic", "mixed", "transfer")
            for use in spec.generators_of(regime)
        }
        shown = {use.label for use in spec.generators_of("synthetic")}
        for seed in spec.benchmark.seeds:
            for name in spec.regimes.baseline.segmenters if spec.regimes.baseline else ():
                self.real(seed, PluginUse(plugin=name), f"baseline/{name}", "baseline")
            if spec.regimes.real:
                self.real(seed, spec.segmenter, "real", "real")
            for label, use in needed.items():
                self.synthetic(seed, use, evaluated=label in shown)
            for use in spec.generators_of("mixed"):
                self.mixed(seed, use)
            for n in spec.regimes.scratch.subjects if spec.regimes.scratch else ():
                self.scratch(seed, n)
            for use in spec.generators_of("transfer"):
                for n in spec.regimes.transfer.subjects if spec.regimes.transfer else ():
                    self.transfer(seed, use, n)
            for n in spec.regimes.transfer.subjects if spec.regimes.transfer else ():
                self.control(seed, n)

    # --- regimes ---------------------------------------------------------------------------

    def real(self, seed: int, use: PluginUse, name: str, regime: str) -> None:
        arm = self._arm(name, regime, use.plugin)
        source = self.data["source"]
        self._trials(arm, seed, use, {"train": source.keys("train"), "val": source.keys("val")})
        self.make.evaluate(arm, seed, use, source)

    def synthetic(self, seed: int, use: PluginUse, *, evaluated: bool) -> None:
        arm = self._arm(f"synthetic/{use.label}", "synthetic", self.spec.segmenter.plugin)
        arm.generator = use.label
        source = self.data["source"]
        entry = self.make.registry.get("generator", use.plugin)
        space = tunable(entry.cls.Params, use.params, self.spec.tune.parameters, "generator")
        if self.spec.tune.trials == 1:
            space = {}
        shared = None if space else self.make.samples(arm, seed, use, None)
        count = self.spec.tune.checkpoints
        axes = self.make.checkpoint_axis(count)
        for trial in range(self.spec.tune.trials):
            spec = self.make.trial_spec(
                arm, seed, self.spec.segmenter, trial, {**space, **axes}, use
            )
            samples = shared or self.make.samples(arm, seed, use, spec)
            self.make.trial(
                arm,
                seed,
                self.spec.segmenter,
                spec,
                {"synthetic": samples, "val": source.keys("val")},
            )
        if evaluated:
            self.make.evaluate(arm, seed, self.spec.segmenter, source)
            self.make.audit(arm, seed, self.arms.get("real"))

    def mixed(self, seed: int, use: PluginUse) -> None:
        arm = self._arm(f"mixed/{use.label}", "mixed", self.spec.segmenter.plugin)
        arm.generator = use.label
        source = self.data["source"]
        reads = {
            "train": source.keys("train"),
            "val": source.keys("val"),
            "synthetic_of": self.arms[f"synthetic/{use.label}"].trials[seed],
        }
        self._trials(arm, seed, self.spec.segmenter, reads)
        self.make.evaluate(arm, seed, self.spec.segmenter, source)

    def scratch(self, seed: int, n: int) -> None:
        self._from_scratch(seed, n, f"scratch/n{n}", self.lengths.scratch(self._volumes(seed, n)))

    def control(self, seed: int, n: int) -> None:
        use = self.lengths.control(self._volumes(seed, n))
        if use is not None:
            self._from_scratch(seed, n, f"scratch/n{n}/equal-steps", use).control = "equal-steps"

    def transfer(self, seed: int, use: PluginUse, n: int) -> None:
        arm = self._arm(f"transfer/{use.label}/n{n}", "transfer", self.spec.segmenter.plugin)
        arm.generator, arm.n_subjects = use.label, n
        segmenter = self.lengths.transfer()
        initial = self.arms[f"synthetic/{use.label}"].trials[seed]
        self._trials(arm, seed, segmenter, {**self._few(seed, n), "initial": initial})
        self.make.evaluate(arm, seed, segmenter, self.data["target"])

    # --- parts -----------------------------------------------------------------------------

    def _arm(self, name: str, regime: str, segmenter: str) -> Arm:
        return self.arms.setdefault(name, Arm(name=name, regime=regime, segmenter=segmenter))

    def _from_scratch(self, seed: int, n: int, name: str, use: PluginUse) -> Arm:
        arm = self._arm(name, "scratch", use.plugin)
        arm.n_subjects = n
        self._trials(arm, seed, use, self._few(seed, n))
        self.make.evaluate(arm, seed, use, self.data["target"])
        return arm

    def _volumes(self, seed: int, n: int) -> int:
        """Return how many volumes n persons of the target are: one may have several."""
        return len(self._few(seed, n)["train"])

    def _few(self, seed: int, n: int) -> dict[str, Any]:
        """Return the first n target persons in the order of this seed, for every arm alike."""
        target = self.data["target"]
        persons = target.persons("train")
        rng = np.random.default_rng(derive_seed(self.spec.data.seed, "few", seed))
        order = rng.permutation(len(persons))
        keys = [key for i in order[:n] for key in persons[i]]
        return {"train": keys, "val": target.keys("val")}

    def _trials(self, arm: Arm, seed: int, use: PluginUse, reads: dict[str, Any]) -> None:
        for trial in range(self.spec.tune.trials):
            spec = self.make.trial_spec(arm, seed, use, trial, {})
            self.make.trial(arm, seed, use, spec, reads)
