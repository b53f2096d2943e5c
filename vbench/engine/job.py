"""A job: the unit that is run, kept and resumed; its key hashes all that decides its result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from vbench.engine.keys import digest
from vbench.engine.stages import stage
from vbench.errors import StoreError
from vbench.records.model import Inputs
from vbench.records.parts import PluginIdentity
from vbench.records.stages import STAGES
from vbench.registry import Entry
from vbench.types import JobInfo

I_ = TypeVar("I_", bound=Inputs)

_STAGE_OF: dict[type[Inputs], str] = {models[0]: name for name, models in STAGES.items()}


@dataclass(frozen=True)
class Job:
    """One unit of work.

    Attributes:
        label: What a person reads.
        inputs: All that decides the result: resolved parameters, plugin identities, seeds, and
            under names such as ``train`` the keys of the jobs that it reads.
        needs: The keys of the jobs that it reads, all of them.
        extra: What the work needs but the result does not depend on, such as a data folder; JSON.
        benchmark: The benchmark that planned it.
        arm: Its arm; None when several share it.
        seed: Its repetition; None when several share it.
        trial: Number of the trial, for ``fit-segmenter``.
        gpu: Whether it takes a GPU where there are some.
        reads: Whether it fits nothing and reads files: done before anything is trained.
    """

    label: str
    inputs: Inputs
    needs: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    benchmark: str = ""
    arm: str | None = None
    seed: int | None = None
    trial: int | None = None
    gpu: bool = False
    reads: bool = False

    @property
    def stage(self) -> str:
        """What kind of work, such as ``fit-generator``: the one whose inputs these are."""
        return _STAGE_OF[type(self.inputs)]

    @cached_property
    def key(self) -> str:
        """The content hash that names the job's artifacts."""
        work = stage(self.stage)
        return digest([f"{work.name}@{work.version}", self.inputs.to_json()])

    @property
    def info(self) -> JobInfo:
        """The job as life-cycle hooks see it."""
        return JobInfo(self.key, self.stage, self.label, self.benchmark, self.arm, self.seed)

    @property
    def method(self) -> str:
        """Name of the plugin at work, for estimates of cost; the stage's own name without one."""
        plugin = getattr(self.inputs, "plugin", None)
        return plugin.name if isinstance(plugin, PluginIdentity) else self.stage

    def inputs_as(self, model: type[I_]) -> I_:
        """Return the inputs of a job of a known stage.

        Raises:
            StoreError: When it is a job of another stage.
        """
        if not isinstance(self.inputs, model):
            raise StoreError(f"job {self.key} ({self.stage}): its inputs are no {model.__name__}")
        return self.inputs

    def about(self) -> dict[str, Any]:
        """Return what a record and ``plan.json`` say of it before anything of the result."""
        return {
            "key": self.key,
            "stage": self.stage,
            "label": self.label,
            "method": self.method,
            "arm": self.arm,
            "seed": self.seed,
            "trial": self.trial,
            "needs": self.needs,
        }

    def to_json(self) -> dict[str, Any]:
        """Return the job as JSON, for a worker."""
        return {
            "stage": self.stage,
            "label": self.label,
            "inputs": self.inputs.to_json(),
            "needs": list(self.needs),
            "extra": dict(self.extra),
            "benchmark": self.benchmark,
            "arm": self.arm,
            "seed": self.seed,
            "trial": self.trial,
            "gpu": self.gpu,
            "reads": self.reads,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Job:
        """Return the job that :meth:`to_json` wrote."""
        given = dict(value)
        model = stage(given.pop("stage")).Inputs
        return cls(
            **{
                **given,
                "needs": tuple(given["needs"]),
                "inputs": model.model_validate(given["inputs"]),
            }
        )


def identity(entry: Entry) -> PluginIdentity:
    """Return what a plugin is known by in inputs."""
    return PluginIdentity.model_validate(entry.identity)
