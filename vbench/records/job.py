"""The record of a job that finished or failed: ``record.json``, a line of ``records.jsonl``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, TypeVar

from pydantic import SerializeAsAny, ValidationError, model_validator

from vbench.errors import StoreError
from vbench.records.model import Inputs, Record, Result, first_fault
from vbench.records.parts import Key
from vbench.records.stages import STAGES

I_ = TypeVar("I_", bound=Inputs)
R = TypeVar("R", bound=Result)


class Failure(Record):
    """Why a job failed; see :class:`vbench.types.JobFailure`."""

    reason: str
    message: str
    traceback: str = ""
    seconds: float = 0.0
    stage: str = ""


class JobRecord(Record):
    """A job that finished or failed.

    Attributes:
        key: Hash of its stage and inputs.
        stage: One of :data:`vbench.records.stages.STAGES`.
        label: What a person reads.
        method: Name of the plugin at work; the stage's where there is none.
        benchmark, arm, seed, trial: What it is part of; None where several share it.
        needs: The jobs that it read.
        started: ISO 8601, UTC; None when it failed.
        seconds: Wall time, of an interrupted training of all attempts.
        cpu_seconds: Processor time.
        peak_memory_mb: Peak resident memory, MiB.
        peak_gpu_memory_mb: The most that torch held of the job's GPU, MiB; None on the CPU.
        steps, steps_per_second: Of a training; the latter from its second step on, without
            validations.
        validation_seconds: What a training's validations, previews and candidates took, of an
            interrupted one since it last went on.
        inputs: What decided the result.
        result: What was found; None when it failed.
        failure: Why it failed; None when it did not.
    """

    OPTIONAL: ClassVar[frozenset[str]] = frozenset({"peak_gpu_memory_mb", "validation_seconds"})

    key: Key
    stage: str
    label: str = ""
    method: str = ""
    benchmark: str = ""
    arm: str | None = None
    seed: int | None = None
    trial: int | None = None
    needs: tuple[Key, ...] = ()
    status: Literal["ok", "failed"]
    started: str | None = None
    seconds: float = 0.0
    cpu_seconds: float | None = None
    peak_memory_mb: float | None = None
    peak_gpu_memory_mb: float | None = None
    steps: int | None = None
    steps_per_second: float | None = None
    validation_seconds: float | None = None
    device: str | None = None
    threads: int | None = None
    host: str | None = None
    inputs: SerializeAsAny[Inputs]
    result: SerializeAsAny[Result] | None = None
    failure: Failure | None = None

    @model_validator(mode="before")
    @classmethod
    def _by_stage(cls, value: Any) -> Any:
        """Read inputs and result by the models of the record's stage."""
        if not isinstance(value, Mapping):
            return value
        models = STAGES.get(str(value.get("stage")))
        if models is None:
            known = ", ".join(STAGES)
            raise ValueError(f"stage '{value.get('stage')}' is not known; expected one of {known}")
        read = dict(value)
        for name, model in zip(("inputs", "result"), models, strict=True):
            if isinstance(read.get(name), Mapping):
                try:
                    read[name] = model.model_validate(read[name])
                except ValidationError as error:
                    raise ValueError(f"{name}.{first_fault(error)}") from error
        return read

    def inputs_as(self, model: type[I_]) -> I_:
        """Return the inputs of a job of a known stage.

        Raises:
            StoreError: When it is a job of another stage.
        """
        if not isinstance(self.inputs, model):
            raise StoreError(f"job {self.key} ({self.stage}): its inputs are no {model.__name__}")
        return self.inputs

    def result_as(self, model: type[R]) -> R:
        """Return the result of a finished job of a known stage.

        Raises:
            StoreError: When it failed, or is a job of another stage.
        """
        if not isinstance(self.result, model):
            raise StoreError(f"job {self.key} ({self.stage}): has no {model.__name__}")
        return self.result
