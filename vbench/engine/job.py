"""A job: the unit that is run, kept and resumed; its key hashes all that decides its result."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Literal

from vbench.types import JobInfo

Stage = Literal["prepare", "fit-generator", "synthesise", "fit-segmenter", "evaluate", "audit"]

#: Counted up when what a stage does with the same inputs changes, so that no old result is reused.
STAGE_VERSIONS: dict[str, int] = {
    "prepare": 1,
    "fit-generator": 2,
    "synthesise": 1,
    "fit-segmenter": 3,
    "evaluate": 3,
    "audit": 2,
}


def digest(value: Any) -> str:
    """Return the key of a JSON value: 20 hex digits, whatever the order of its tables."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def derive_seed(seed: int, *axes: Any) -> int:
    """Derive the seed of a thing from the benchmark's seed and the axes that the thing depends on.

    Adding an arm changes no other arm's seeds. The result lies in [0, 2**31).
    """
    text = json.dumps([seed, *axes], separators=(",", ":"))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1


@dataclass(frozen=True)
class Job:
    """One unit of work.

    Attributes:
        stage: What kind of work.
        label: What a person reads.
        inputs: All that decides the result, JSON: resolved parameters, plugin identities, seeds,
            and under names such as ``train`` the keys of the jobs that it reads.
        needs: The keys of the jobs that it reads, all of them.
        extra: What the work needs but the result does not depend on, such as a data folder.
        benchmark: The benchmark that planned it.
        arm: Its arm; None when several share it.
        seed: Its repetition; None when several share it.
        trial: Number of the trial, for ``fit-segmenter``.
    """

    stage: Stage
    label: str
    inputs: Mapping[str, Any]
    needs: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    benchmark: str = ""
    arm: str | None = None
    seed: int | None = None
    trial: int | None = None

    @cached_property
    def key(self) -> str:
        """The content hash that names the job's artifacts."""
        return digest([f"{self.stage}@{STAGE_VERSIONS[self.stage]}", self.inputs])

    @property
    def info(self) -> JobInfo:
        """The job as life-cycle hooks see it."""
        return JobInfo(self.key, self.stage, self.label, self.benchmark, self.arm, self.seed)

    @property
    def method(self) -> str:
        """Name of the plugin at work, for estimates of cost; the stage's own name without one."""
        plugin = self.inputs.get("plugin")
        return plugin["name"] if isinstance(plugin, Mapping) else self.stage

    def to_json(self) -> dict[str, Any]:
        """Return the job as JSON, for a worker."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Job:
        """Return the job that :meth:`to_json` wrote."""
        return cls(**{**value, "needs": tuple(value["needs"])})
