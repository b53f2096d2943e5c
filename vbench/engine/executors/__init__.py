"""Where jobs run: executors by name, one file each."""

from __future__ import annotations

from vbench.engine.executors.base import Event, Executor, Slots
from vbench.engine.worker import may_have_gpu
from vbench.errors import SpecError, did_you_mean

NAMES = ("local", "dask", "submitit")


def make_executor(
    name: str, *, workers: int, scheduler: str | None = None, device: str = "cpu"
) -> Executor:
    """Start an executor.

    Args:
        name: ``local``, ``dask`` or ``submitit``.
        workers: Jobs at once; for a running Dask scheduler its own workers decide.
        scheduler: Address of a running Dask scheduler, or the kind of submitit's cluster; None:
            workers in this machine, or SLURM where submitit finds it.
        device: ``auto``, ``cpu`` or ``cuda``: whether jobs may take a GPU.

    Raises:
        SpecError: When there is no such executor, or its extra is not installed.
    """
    if name == "local":
        from vbench.engine.executors.local import LocalExecutor

        return LocalExecutor(workers, gpus=device != "cpu" and may_have_gpu())
    if name == "dask":
        try:
            from vbench.engine.executors.dask import DaskExecutor
        except ImportError as error:
            raise SpecError(
                "--executor dask: install it with pip install 'vbench[dask]'"
            ) from error
        return DaskExecutor(workers, scheduler, gpus=device != "cpu")
    if name == "submitit":
        try:
            from vbench.engine.executors.submitit import SubmititExecutor
        except ImportError as error:
            raise SpecError(
                "--executor submitit: install it with pip install 'vbench[slurm]'"
            ) from error
        return SubmititExecutor(workers, scheduler, gpus=device != "cpu")
    raise SpecError(f"--executor: no executor is called '{name}'{did_you_mean(name, NAMES)}")


__all__ = ["NAMES", "Event", "Executor", "Slots", "make_executor"]
