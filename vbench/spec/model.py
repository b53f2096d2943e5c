"""The spec as a model: what a benchmark compares, on which data, and how.

Each class is one table of the TOML file; field descriptions become the reference documentation
and the JSON schema that editors complete from. Plugins' own parameters are checked against the
plugin's model when the benchmark is planned (see :mod:`vbench.spec.check`).
"""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from vbench.spec.reference import Reference

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"


class Table(BaseModel):
    """Base of all tables: frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Benchmark(Table):
    """What the benchmark is called, and how often it is repeated."""

    name: str = Field(pattern=NAME, description="Name of the folder of results, and in MLflow.")
    description: str = Field("", description="One or two sentences for the report.")
    seeds: list[int] = Field([0], min_length=1, description="One repetition of every arm a seed.")

    @field_validator("seeds")
    @classmethod
    def _distinct(cls, seeds: list[int]) -> list[int]:
        if len(set(seeds)) < len(seeds):
            raise ValueError("a seed is listed twice; each repetition needs a seed of its own")
        return seeds


class Split(Table):
    """Subjects of each part: all three as counts, as fractions, or as lists of names."""

    train: int | float | list[str] = Field(description="What everything is fitted on.")
    val: int | float | list[str] = Field(
        description="What trials, checkpoints and the probability threshold are chosen by."
    )
    test: int | float | list[str] = Field(description="What is scored, once.")

    @model_validator(mode="after")
    def _one_form(self) -> Split:
        parts = {"train": self.train, "val": self.val, "test": self.test}
        kinds = {type(value) for value in parts.values()}
        if kinds == {int, float}:
            raise ValueError("mixes counts and fractions; write all three in one form")
        if len(kinds) > 1:
            raise ValueError("mixes names with numbers; write all three in one form")
        for part, value in parts.items():
            if isinstance(value, list) and not value:
                raise ValueError(f"{part} is empty; each part needs a subject")
            if isinstance(value, int) and value < 1:
                raise ValueError(f"{part} = {value}; each part needs at least 1 subject")
            if isinstance(value, float) and not 0 < value < 1:
                raise ValueError(f"{part} = {value}; a fraction lies between 0 and 1")
        if kinds == {float} and sum(v for v in parts.values() if isinstance(v, float)) > 1 + 1e-9:
            raise ValueError("the fractions add up to more than 1")
        return self

    @property
    def wanted(self) -> int | None:
        """How many subjects the counts ask for; None for fractions and names."""
        parts = (self.train, self.val, self.test)
        return sum(p for p in parts if isinstance(p, int)) if isinstance(self.train, int) else None


class DataSet(BaseModel):
    """A set of subjects: a source plugin, its parameters beside it, and the split."""

    model_config = ConfigDict(extra="allow", frozen=True)

    plugin: str = Field(description="Name of a data source: phantom, nnunet, bids, manifest, …")
    split: Split = Field(
        Split(train=0.6, val=0.15, test=0.25), description="How subjects are divided, by subject."
    )
    group: str | None = Field(
        None,
        description="Regular expression that finds, in its first parentheses, whose subject it is: "
        "(.+)_(left|right). A person's subjects stay in one part, which counts persons.",
    )

    @field_validator("group")
    @classmethod
    def _finds_a_person(cls, group: str | None) -> str | None:
        if group is not None:
            try:
                parentheses = re.compile(group).groups
            except re.error as error:
                raise ValueError(f"no regular expression ({error})") from error
            if not parentheses:
                raise ValueError(
                    "has no parentheses around what names the person, as in (.+)_(left|right)"
                )
        return group

    @property
    def params(self) -> dict[str, Any]:
        """The plugin's own parameters: every key that is not ours."""
        return dict(self.model_extra or {})


class Data(Table):
    """The data: where generators learn, and a second set for transfer."""

    source: DataSet = Field(description="Where generators and the real arm learn.")
    target: DataSet | None = Field(
        None, description="The second data set, for transfer and scratch."
    )
    normalise: Literal["percentile", "zscore", "patch-minmax"] = Field(
        "percentile",
        description="How intensities are brought to [-1, 1], for real and synthetic alike.",
    )
    seed: int = Field(0, description="Fixes the split and the patch positions, for every arm.")


class PatchSpec(Table):
    """The labelled patches that everything is fitted on."""

    size: list[int] = Field(
        [16, 16, 16],
        min_length=2,
        max_length=3,
        description="Voxels; 2 entries: axial slices, or the plane of single slices.",
    )
    per_subject: int = Field(400, ge=1, description="Patches drawn from each subject.")
    vessel_centred: float = Field(
        0.5, ge=0, le=1, description="Share centred on a vessel voxel; the rest on any brain voxel."
    )
    synthetic: int | None = Field(
        None,
        ge=1,
        description="Synthetic patches a generator makes; default: as many as real ones.",
    )

    @field_validator("size")
    @classmethod
    def _positive(cls, size: list[int]) -> list[int]:
        if min(size) < 4:
            plane = [edge for edge in size if edge != 1]
            mend = f"; 2D patches have two entries: {plane}" if len(plane) == 2 else ""
            raise ValueError(f"a patch edge is shorter than 4 voxels{mend}")
        return size


class PluginUse(Table):
    """A plugin and the parameters that differ from its defaults."""

    plugin: str = Field(description="The plugin's name.")
    name: str = Field("", pattern=r"^$|" + NAME, description="To list one plugin twice.")
    params: dict[str, Any] = Field(
        default_factory=dict,
        description="Fixed parameters; what is not named is the default, or tuned.",
    )

    @property
    def label(self) -> str:
        """The name in arms: ``name``, or the plugin's own."""
        return self.name or self.plugin


class Transfer(Table):
    """Pre-train on synthetic patches, then fine-tune on a few subjects of the target."""

    subjects: list[int] = Field(min_length=1, description="Numbers of target subjects.")
    generators: list[str] | None = Field(None, description="Default: all generators.")
    params: dict[str, Any] = Field(
        default_factory=dict, description="Segmenter parameters that differ when fine-tuning."
    )
    control: Literal["equal-steps", "none"] = Field(
        "equal-steps",
        description="equal-steps: for each number of subjects, an arm without pre-training that "
        "trains for as many optimiser steps as pre-training and fine-tuning together.",
    )


class Scratch(Table):
    """Train on the same few subjects of the target, without pre-training."""

    subjects: list[int] = Field(min_length=1, description="Numbers of target subjects.")
    params: dict[str, Any] = Field(
        default_factory=dict,
        description="Segmenter parameters that differ when training from scratch; its length is "
        "that of fine-tuning unless it is named here.",
    )


class Mixed(Table):
    """Train on all real and all synthetic patches together."""

    generators: list[str] | None = Field(None, description="Default: all generators.")


class Synthetic(Table):
    """Train on synthetic patches only."""

    generators: list[str] | None = Field(None, description="Default: all generators.")


class Baseline(Table):
    """Segmenters that learn nothing from patches; tuned on validation subjects like the rest."""

    segmenters: list[str] = Field(
        ["threshold", "local-threshold", "vesselness"],
        min_length=1,
        description="Plugin names. The best of them on the leaderboard is the bar.",
    )


class Regimes(Table):
    """Which arms the benchmark has; ``true`` stands for a table of defaults."""

    real: bool = Field(False, description="Train on real patches of the source.")
    synthetic: Synthetic | None = Field(None, description="Train on synthetic patches only.")
    mixed: Mixed | None = Field(None, description="Real and synthetic patches together.")
    transfer: Transfer | None = Field(None, description="Pre-train, then fine-tune on the target.")
    scratch: Scratch | None = Field(None, description="The target's subjects only.")
    baseline: Baseline | None = Field(None, description="No training on patches: rules.")

    @field_validator("synthetic", "mixed", "baseline", mode="before")
    @classmethod
    def _switch(cls, value: Any) -> Any:
        if value is True:
            return {}
        return None if value is False else value

    @field_validator("transfer", "scratch", mode="before")
    @classmethod
    def _switch_off(cls, value: Any) -> Any:
        return None if value is False else value

    @model_validator(mode="after")
    def _some(self) -> Regimes:
        if not any(getattr(self, name) for name in type(self).model_fields):
            raise ValueError("no regime is switched on; write at least real = true")
        return self


class Tune(Table):
    """Optuna's part: every arm gets the same number of trials, judged on validation subjects."""

    trials: int = Field(1, ge=1, description="Trials per arm and seed; the first is the defaults.")
    metric: str = Field("dsc", description="Segmentation metric that judges trials.")
    sampler: Literal["tpe", "random", "qmc"] = Field("tpe", description="Optuna's sampler.")
    pruner: Literal["none", "median", "halving", "hyperband"] = Field(
        "none", description="Stops trials that fall behind; needs validations >= 2."
    )
    seconds: float | None = Field(
        None, gt=0, description="Time budget per arm and seed: no further trial starts after it."
    )
    parameters: list[str] = Field(
        ["*"],
        description="Which tunable parameters are tuned, as globs: generator.lr, segmenter.*, "
        "generator.checkpoint.",
    )
    parallel: int = Field(
        1, ge=1, description="Trials of one arm that may run at once, without seeing each other."
    )
    checkpoints: int = Field(
        1, ge=1, description="States of a generator, evenly spaced, that an arm chooses from."
    )
    validations: int = Field(
        4, ge=1, description="Times that a segmenter is validated while it is fitted; best kept."
    )
    storage: str | None = Field(
        None, description="Optuna storage URL; default: a journal file beside the store."
    )


class Metrics(Table):
    """Which scores are computed, by plugin name."""

    segmentation: list[str | PluginUse] = Field(
        ["dsc", "hd95"], min_length=1, description="Prediction against truth, per test subject."
    )
    fidelity: list[str | PluginUse] = Field(
        default_factory=list, description="Synthetic against real patches."
    )
    privacy: list[str | PluginUse] = Field(
        default_factory=list, description="What synthetic patches give away of training subjects."
    )

    def uses(self, family: str) -> list[PluginUse]:
        """Return the metrics of a family, names written out as tables."""
        listed = getattr(self, family)
        return [PluginUse(plugin=m) if isinstance(m, str) else m for m in listed]


class Limits(Table):
    """What a job may take before it is stopped and its arm counts as failed."""

    seconds: float | None = Field(None, gt=0, description="Wall time of one job.")
    memory_gb: float | None = Field(None, gt=0, description="Resident memory of one job.")
    checkpoint_seconds: float = Field(
        60.0, ge=0, description="How often a long training is saved, so that it can go on."
    )


class Compute(Table):
    """How jobs use the machine."""

    threads: int | None = Field(
        None,
        ge=1,
        description="Threads of one job. Sums depend on it in their last digits, so a benchmark "
        "that is to be repeated to the digit names it. Default: cores / workers.",
    )


class Plugins(Table):
    """Plugins beside the installed ones."""

    paths: list[str] = Field(
        default_factory=list, description="Python files, relative to the spec."
    )


class Spec(Table):
    """A whole benchmark."""

    benchmark: Benchmark = Field(description="Its name and its seeds.")
    data: Data = Field(description="The data sets.")
    patches: PatchSpec = Field(PatchSpec(), description="What everything is fitted on.")
    generators: list[PluginUse] = Field(
        default_factory=list, description="What is compared: one table a generator."
    )
    segmenter: PluginUse = Field(PluginUse(plugin="unet3d"), description="The same for every arm.")
    regimes: Regimes = Field(Regimes(real=True), description="Which arms there are.")
    tune: Tune = Field(Tune(), description="What is searched for, and how long.")
    metrics: Metrics = Field(Metrics(), description="Which scores are computed.")
    limits: Limits = Field(Limits(), description="What a job may take.")
    compute: Compute = Field(Compute(), description="How jobs use the machine.")
    plugins: Plugins = Field(Plugins(), description="Plugins that are not installed.")
    reference: Reference | None = Field(None, description="Published figures to compare with.")

    @model_validator(mode="after")
    def _consistent(self) -> Spec:
        labels = [use.label for use in self.generators]
        twice = {label for label in labels if labels.count(label) > 1}
        if twice:
            raise ValueError(f"generators: '{min(twice)}' is listed twice; give one a name")
        for regime in ("synthetic", "mixed", "transfer"):
            table = getattr(self.regimes, regime)
            if table is None:
                continue
            if not self.generators:
                raise ValueError(f"regimes.{regime} needs at least one [[generators]] table")
            for label in table.generators or ():
                if label not in labels:
                    raise ValueError(
                        f"regimes.{regime}.generators: '{label}' is not among the generators "
                        f"({', '.join(labels)})"
                    )
        for regime in ("transfer", "scratch"):
            table = getattr(self.regimes, regime)
            if table is None:
                continue
            if self.data.target is None:
                raise ValueError(f"regimes.{regime} needs a second data set, [data.target]")
            have = self.data.target.split.train
            have = len(have) if isinstance(have, list) else have
            if isinstance(have, int) and max(table.subjects) > have:
                raise ValueError(
                    f"regimes.{regime}.subjects asks for {max(table.subjects)} subjects, but "
                    f"data.target.split.train has {have}"
                )
            if min(table.subjects) < 1:
                raise ValueError(f"regimes.{regime}.subjects: each number is at least 1")
        return self

    def generators_of(self, regime: str) -> list[PluginUse]:
        """Return the generators that a regime uses; empty when it is off."""
        table = getattr(self.regimes, regime)
        if table is None:
            return []
        wanted = table.generators
        return [use for use in self.generators if wanted is None or use.label in wanted]
