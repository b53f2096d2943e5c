"""The spec as a model: what a benchmark compares, on which data, and how.

Each class is one table of the TOML file; field descriptions become the reference documentation
and the JSON schema that editors complete from. Plugins' own parameters are checked against the
plugin's model when the benchmark is planned (see :mod:`vbench.spec.check`).
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from vbench.regimes import FewSubjects, Generators
from vbench.regimes.pretrained import PRETRAINED
from vbench.spec.audit import Audit
from vbench.spec.compare import Compare
from vbench.spec.data import Data
from vbench.spec.data import where as key_of
from vbench.spec.patches import PatchSpec
from vbench.spec.reference import Reference
from vbench.spec.regimes import Regimes
from vbench.spec.split import Split
from vbench.tables import NAME, GeneratorUse, PluginUse, Table

__all__ = ["Data", "GeneratorUse", "PatchSpec", "PluginUse", "Regimes", "Spec"]


class Benchmark(Table):
    """What the benchmark is called, and how often it is repeated."""

    name: str = Field(pattern=NAME, description="Name of the folder of results, and in MLflow.")
    description: str = Field("", description="One or two sentences for the report.")
    seeds: list[int] = Field([0], min_length=1, description="One repetition of every arm per seed.")

    @field_validator("seeds")
    @classmethod
    def _distinct(cls, seeds: list[int]) -> list[int]:
        if len(set(seeds)) < len(seeds):
            raise ValueError("a seed is listed twice; each repetition needs its own seed")
        return seeds


class Tune(Table):
    """What Optuna does: every arm gets the same number of trials, scored on validation subjects."""

    trials: int = Field(1, ge=1, description="Trials per arm and seed; the first is the defaults.")
    metric: str | PluginUse = Field(
        "dsc", description="Segmentation metric that trials are validated by; its parameters."
    )
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
        4,
        ge=1,
        description="Times that a segmenter is validated while it is fitted; best kept. Of a "
        "fine-tuning the weights that it starts from are validated, too.",
    )
    storage: str | None = Field(
        None, description="Optuna storage URL; default: a journal file beside the store."
    )

    @property
    def validation_metric(self) -> PluginUse:
        """The metric, written out as a table."""
        return PluginUse(plugin=self.metric) if isinstance(self.metric, str) else self.metric


class Metrics(Table):
    """Which scores are computed, by plugin name."""

    segmentation: list[str | PluginUse] = Field(
        ["dsc", "hd95"], min_length=1, description="Prediction against reference, per test subject."
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
    keep_states: bool = Field(
        False,
        description="Keep the state of each generator's training at the last step that does not "
        "depend on the length, so a longer one starts there: several times the weights.",
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
    generators: list[GeneratorUse] = Field(
        default_factory=list, description="What is compared: one table per generator."
    )
    segmenter: PluginUse = Field(PluginUse(plugin="unet3d"), description="The same for every arm.")
    segmenters: list[PluginUse] = Field(
        default_factory=list,
        description="Instead of segmenter: several, each arm with each, compared on one board.",
    )
    regimes: Regimes = Field(
        Regimes.model_validate({"real": True}), description="Which arms there are."
    )
    compare: Compare = Field(Compare(), description="What every arm is compared over.")
    tune: Tune = Field(Tune(), description="What is searched for, and how long.")
    metrics: Metrics = Field(Metrics(), description="Which scores are computed.")
    audit: Audit | None = Field(None, description="Attacks on the generators.")
    limits: Limits = Field(Limits(), description="What a job may take.")
    compute: Compute = Field(Compute(), description="How jobs use the machine.")
    plugins: Plugins = Field(Plugins(), description="Plugins that are not installed.")
    reference: Reference | None = Field(None, description="Published figures to compare with.")

    @property
    def networks(self) -> list[PluginUse]:
        """The segmenters that arms are trained with: those of the list, or the only one."""
        return self.segmenters or [self.segmenter]

    @model_validator(mode="before")
    @classmethod
    def _one_form(cls, table: Any) -> Any:
        if isinstance(table, dict) and table.get("segmenters") and "segmenter" in table:
            raise ValueError("[segmenter] beside [[segmenters]]; write one of the two")
        return table

    @model_serializer(mode="wrap")
    def _as_written(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out of ``segmenter`` and ``segmenters`` what has no effect."""
        written: dict[str, Any] = handler(self)
        written.pop("segmenter" if self.segmenters else "segmenters", None)
        return written

    @model_validator(mode="after")
    def _segmenters(self) -> Spec:
        labels = [use.label for use in self.networks]
        twice = {label for label in labels if labels.count(label) > 1}
        if twice:
            raise ValueError(f"segmenters: '{min(twice)}' is listed twice; give one a name")
        given = self.regimes.table(PRETRAINED)
        for name, label in given.segmenter_of.items() if given else ():
            where = f"regimes.pretrained.weights.{name}"
            if label is None and len(labels) > 1:
                raise ValueError(
                    f"{where}: weights fit one network; say which, as in "
                    f'{{ path = "…", segmenter = "{labels[0]}" }}'
                )
            if label is not None and label not in labels:
                raise ValueError(
                    f"{where}.segmenter: '{label}' is not among the segmenters "
                    f"({', '.join(labels)})"
                )
        return self

    @model_validator(mode="after")
    def _consistent(self) -> Spec:
        labels = [use.label for use in self.generators]
        twice = {label for label in labels if labels.count(label) > 1}
        if twice:
            raise ValueError(f"generators: '{min(twice)}' is listed twice; give one a name")
        for regime, table in self.regimes.on():
            if not isinstance(table, Generators) or not table.uses_generators:
                continue
            if not self.generators:
                raise ValueError(f"regimes.{regime.name} needs at least one [[generators]] table")
            for label in table.generators or ():
                if label not in labels:
                    raise ValueError(
                        f"regimes.{regime.name}.generators: '{label}' is not among the generators "
                        f"({', '.join(labels)})"
                    )
        for regime, table in self.regimes.on():
            sets = self.data.seconds if regime.cohort == "target" else {"source": self.data.source}
            if not sets:
                raise ValueError(
                    f"regimes.{regime.name} needs a second data set, [data.{regime.cohort}]"
                )
            for name, data in sets.items():
                if isinstance(table, FewSubjects):
                    train = data.split.train if isinstance(data.split, Split) else None
                    _enough(table, train, regime.name, key_of(self.data, name))
        return self


def _enough(
    table: FewSubjects, train: int | float | list[str] | None, regime: str, where: str
) -> None:
    """Refuse more subjects than the split has, where it is given in counts or names."""
    have = len(train) if isinstance(train, list) else train
    if isinstance(have, int) and max(table.subjects) > have:
        raise ValueError(
            f"regimes.{regime}.subjects asks for {max(table.subjects)} subjects, but "
            f"{where}.split.train has {have}"
        )
    if min(table.subjects) < table.fewest:
        raise ValueError(f"regimes.{regime}.subjects: each number is at least {table.fewest}")
