"""What a stage is: its models, what it needs of a machine, what it costs, and its work."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from math import prod
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar, cast

from pydantic import JsonValue

from vbench.records.model import Inputs, Result
from vbench.records.parts import Params, PatchSpec, TrialSpec
from vbench.records.stages import STAGES

if TYPE_CHECKING:
    from vbench.engine.context import Context

I_ = TypeVar("I_", bound=Inputs)
R = TypeVar("R", bound=Result)

#: By plugin, the parameter that is the length of its training.
Lengths = Mapping[str, str]


class Stage(ABC, Generic[I_, R]):
    """One kind of work: turns a job's inputs into artifacts and a result.

    Each is ``STAGE`` of its own file; its models are in :data:`vbench.records.stages.STAGES`,
    the table of all stages.

    Attributes:
        name: As in records.
        version: Raised when what it does with the same inputs changes, so that no old result
            is reused.
        gpu: Whether its plugin computes where torch does: on a GPU, where there is one. Threads
            and memory are the benchmark's (``compute.threads``, ``limits.memory_gb``).
        seconds: First guess of what a job takes, until one was timed.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    gpu: ClassVar[bool] = False
    seconds: ClassVar[float] = 5.0

    @property
    def Inputs(self) -> type[I_]:  # noqa: N802 - a class
        """The model of its inputs."""
        return cast(type[I_], STAGES[self.name][0])

    @property
    def Result(self) -> type[R]:  # noqa: N802 - a class
        """The model of its result."""
        return cast(type[R], STAGES[self.name][1])

    @abstractmethod
    def run(self, context: Context, inputs: I_) -> R:
        """Do the work, in a worker; artifacts go into ``context.folder``."""

    def amount(self, inputs: I_, lengths: Lengths, result: R | None = None) -> float:
        """Return the amount of work, in units that only jobs of one stage and plugin share.

        Args:
            inputs: Of the job.
            lengths: See :data:`Lengths`.
            result: Of a job that ran: it knows the parameters that were tuned.
        """
        return 1.0

    def complete(self, result: R) -> bool:
        """Whether the job did all of its work, so that its time tells what another will take."""
        return True


def training_amount(
    length: str | None, params: Params, patches: PatchSpec, otherwise: float
) -> float:
    """Return a training's amount of work: steps × batch × voxels of a patch.

    Args:
        length: The parameter that is the length of the training; None: the plugin is a rule.
        params: The plugin's parameters.
        patches: What it trains on.
        otherwise: The amount of work of a rule.
    """
    steps = params.get(length) if length else None
    if not steps:
        return otherwise
    batch = params.get("batch_size", 1)
    return float(cast(float, steps) * cast(float, batch) * prod(patches.size))


def own_params(
    prefix: str, spec: TrialSpec | None, fixed: Params, settled: Params
) -> dict[str, JsonValue]:
    """Return those of a plugin's parameters that are known: defaults, fixed, then settled ones."""
    defaults = spec.defaults.items() if spec else ()
    start = f"{prefix}."
    asked = {axis.removeprefix(start): v for axis, v in defaults if axis.startswith(start)}
    return {**asked, **fixed, **settled}
