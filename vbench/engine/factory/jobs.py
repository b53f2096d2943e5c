"""The jobs of one fold, and what they share: data, plugins' settings, patches and seeds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from pydantic import JsonValue

from vbench.engine.arm import Arm
from vbench.engine.datasets import Subjects
from vbench.engine.job import Job, identity
from vbench.engine.keys import derive_seed, digest
from vbench.engine.settings import Settings, resolved, settings_of
from vbench.interfaces import Fitted, Generator, Metric
from vbench.records.model import Inputs
from vbench.records.parts import Key, PatchSpec, PluginSetting, TrialSpec
from vbench.records.training import FitGeneratorInputs
from vbench.registry import Entry, Registry
from vbench.spec.model import PluginUse, Spec


class Jobs:
    """Keeps jobs by key, each after those that it reads.

    Attributes:
        spec: The spec.
        registry: The plugins.
        data: ``source`` and the targets, as this fold sees them.
        fold: Which fold of cross-validation.
        table: All jobs so far, by key, also those of other folds.
        metric: The validation metric.
        higher: Whether more of it is better.
    """

    def __init__(
        self,
        spec: Spec,
        registry: Registry,
        data: Mapping[str, Subjects],
        fold: int,
        table: dict[str, Job],
    ) -> None:
        """Start with the preparation of all subjects, which is added to ``table``."""
        self.spec = spec
        self.registry = registry
        self.data = data
        self.fold = fold
        self.table = table
        self.table |= {job.key: job for data_set in data.values() for job in data_set.jobs.values()}
        self.metric = registry.get("metric", spec.tune.validation_metric.plugin)
        self.higher = bool(cast(type[Metric], self.metric.cls).higher_is_better)
        self._settings: dict[str, Settings] = {}

    def add(
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
            reads=isinstance(inputs, FitGeneratorInputs) and learns_elsewhere(at_work),
        )
        return self.table.setdefault(job.key, job).key

    def folded(self, role: str) -> bool:
        """Whether what learns from a data set is another in each fold.

        What is tested on a target is, also where only the source has folds: all arms of a board
        are repeated as often.
        """
        data = self.spec.data
        return data.source.folds > 1 or (role == "target" and data.folds > 1)

    def seed(self, role: str, seed: int, *axes: JsonValue) -> int:
        """Derive the seed of what learns from a data set; the first fold has those without any."""
        fold: list[JsonValue] = ["fold", self.fold] if self.fold and self.folded(role) else []
        return derive_seed(seed, *axes, *fold)

    def repetition(self, role: str, seed: int) -> str:
        """Name a repetition for people, such as ``seed 0 · fold 2``."""
        return f"seed {seed} · fold {self.fold}" if self.folded(role) else f"seed {seed}"

    def patches(self, role: str) -> PatchSpec:
        """Describe the real patches of a data set."""
        patches = self.spec.patches
        return PatchSpec(
            size=tuple(patches.size),
            per_subject=patches.per_subject,
            vessel_centred=patches.vessel_centred,
            seed=derive_seed(self.spec.data.seed, role),
        )

    def own(self, entry: Entry, use: PluginUse, prefix: str, spec: TrialSpec | None) -> Settings:
        """Return the settings of a generator or segmenter, less what is tuned; read once."""
        name = digest([prefix, use.model_dump(mode="json")])
        if name not in self._settings:
            self._settings[name] = settings_of(entry, use, prefix)
        found, space = self._settings[name], spec.space if spec else {}
        fixed = {name: v for name, v in found.params.items() if f"{prefix}.{name}" not in space}
        return replace(found, params=fixed)

    def metrics(self, family: str) -> tuple[PluginSetting, ...]:
        """Return the metrics of a family, with their parameters."""
        listed = []
        for use in self.spec.metrics.uses(family):
            entry = self.registry.get("metric", use.plugin)
            params = resolved(entry, use, f"metrics.{family}")
            listed.append(PluginSetting(plugin=identity(entry), params=params))
        return tuple(listed)


def places(settings: Settings) -> dict[str, Any]:
    """Return what a job is told beside its inputs: where files lie."""
    return {"params": dict(settings.places)} if settings.places else {}


def learns_elsewhere(entry: Entry | None) -> bool:
    """Whether a generator's samples were made before: it is fitted by reading them."""
    return entry is not None and cast(type[Generator], entry.cls).learns == "elsewhere"
