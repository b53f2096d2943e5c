"""A worker: a separate process that does one job after another, told what to do in JSON lines.

Here a plugin can do no harm beyond its own job: not by raising, aborting or hanging, and not by
printing, since what it prints goes to a log while the messages have their own channel.
What it starts is in the worker's process group, and leaves with it.
"""

from __future__ import annotations

import faulthandler
import json
import os
import queue
import signal
import socket
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import psutil

from vbench import registry
from vbench.engine import gpu_memory
from vbench.engine.context import Context, cpu_seconds
from vbench.engine.job import Job
from vbench.engine.stages import stage
from vbench.engine.store import Store
from vbench.engine.surroundings import Surroundings, left_running
from vbench.errors import (
    ContractError,
    DamagedError,
    DataError,
    DivergedError,
    GpuMemoryError,
    VbenchError,
)
from vbench.records.job import JobRecord
from vbench.types import JobFailure

#: Seconds between two reports of progress at least.
REPORT_EVERY = 0.2


@dataclass(frozen=True)
class Task:
    """A job, and where and how to do it.

    Attributes:
        job: The job, as JSON.
        store: The store's folder.
        device: ``cpu``, ``cuda`` or ``auto``, with the slot's number behind a colon.
        gpu: Whether the job computes on that device; else on the CPU, whatever there is.
        threads: Threads that numerical libraries may use.
        plugins: Local plugin files.
        checkpoint_seconds: How often a training is saved.
        keep_states: Whether a generator's training leaves a state for longer ones.
        limit_seconds: Wall time after which the job is stopped; None: never.
        limit_bytes: Resident memory at which the job is stopped; None: never.
    """

    job: Mapping[str, Any]
    store: str
    device: str = "cpu"
    gpu: bool = False
    threads: int = 1
    plugins: tuple[str, ...] = ()
    checkpoint_seconds: float = 60.0
    keep_states: bool = False
    limit_seconds: float | None = None
    limit_bytes: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the task as JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Task:
        """Return the task that :meth:`to_json` wrote."""
        return cls(**{**value, "plugins": tuple(value["plugins"])})


def execute(task: Task, report: Callable[[int, int, Mapping[str, float]], None]) -> JobRecord:
    """Do one job in this process and publish its artifacts.

    Returns:
        The record that is in the store.
    """
    job = Job.from_json(task.job)
    store = Store(Path(task.store))
    if store.has(job.key):  # Dask repeats the task of a worker that died after it published
        return store.record(job.key)
    work = stage(job.stage)
    device = device_of(task.device) if task.gpu else "cpu"
    folder = store.begin(job.key)
    context = Context(
        job=job,
        store=store,
        folder=folder,
        registry=registry.for_paths(task.plugins),
        device=device,
        report=report,
        checkpoint_seconds=task.checkpoint_seconds,
        keep_states=task.keep_states,
    )
    started, begun = datetime.now(UTC), time.perf_counter()
    cpu = cpu_seconds()
    _reset_peak()
    gpu_memory.reset_peak(device)
    try:
        result = work.run(context, job.inputs)
        cost = context.cost
        record = JobRecord(
            **job.about(),
            benchmark=job.benchmark,
            status="ok",
            started=started.isoformat(timespec="seconds"),
            # Of an interrupted training, also what it took until its last checkpoint.
            seconds=round(time.perf_counter() - begun + cost.earlier_seconds, 3),
            cpu_seconds=round(cpu_seconds() - cpu + cost.earlier_cpu_seconds, 3),
            peak_memory_mb=_peak_mb(),
            peak_gpu_memory_mb=gpu_memory.peak_mb(device),
            steps=cost.steps,
            steps_per_second=cost.steps_per_second,
            validation_seconds=cost.validation_seconds,
            device=device,
            threads=task.threads,
            host=socket.gethostname(),
            inputs=job.inputs,
            result=result,
        )
        return store.publish(job.key, folder, record)
    except BaseException as error:
        store.discard(folder)
        short = gpu_memory.shortage(error, device)
        if short is not None:
            raise short from error
        raise


def failure_of(error: BaseException, seconds: float) -> JobFailure:
    """Say why a job raised, in the words of a record."""
    reason = "error"
    if isinstance(error, DamagedError):
        reason = "damaged"
    elif isinstance(error, DivergedError):
        reason = "diverged"
    elif isinstance(error, ContractError):
        reason = "contract"
    elif isinstance(error, DataError):
        reason = "data"
    elif isinstance(error, GpuMemoryError):
        reason = "gpu-memory"
    elif isinstance(error, MemoryError):
        reason = "memory"
    plain = isinstance(error, ContractError | DivergedError | VbenchError)
    text = str(error) if plain else ""
    message = text or f"{type(error).__name__}: {error}"
    return JobFailure(reason, message.splitlines()[0], traceback.format_exc(), round(seconds, 3))


def device_of(wanted: str) -> str:
    """Settle ``auto:1``, ``cuda:1`` or ``cpu:1``: one GPU per slot, shared when there are fewer."""
    name, _, slot = wanted.partition(":")
    if name == "cpu" or (name == "auto" and not may_have_gpu()):
        return "cpu"
    import torch

    if not torch.cuda.is_available():
        if name == "cuda":
            raise RuntimeError("--device cuda: torch sees no CUDA device here; use --device cpu")
        return "cpu"
    return f"cuda:{int(slot or 0) % torch.cuda.device_count()}"


#: NVIDIA (a container may be given the fourth card alone), AMD, and NVIDIA below WSL.
_CARDS = ("nvidia[0-9]*", "kfd", "dxg")


def may_have_gpu(devices: Path = Path("/dev")) -> bool:
    """Whether it is worth the seconds that importing torch takes to ask for a GPU."""
    if sys.platform != "linux":
        return sys.platform != "darwin"
    return any(True for name in _CARDS for _ in devices.glob(name))


def _reset_peak() -> None:
    """Reset the count of peak memory, where the kernel lets us."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak_mb() -> float:
    """Return peak resident memory in MiB since :func:`_reset_peak`; what is held now off Linux."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return round(int(line.split()[1]) / 1024, 1)
    return round(psutil.Process().memory_info().rss / 2**20, 1)


def _leave_with_parent(channel: TextIO, tasks: queue.SimpleQueue[str]) -> None:
    """Read tasks; when the channel closes, the parent is gone, and so are we, whatever runs."""
    with suppress(OSError):
        for line in channel:
            tasks.put(line)
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)  # and all that a plugin started
    os._exit(0)


def main() -> None:
    """Serve tasks from the channel, a socket whose number the parent gave us, until it closes."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    channel.set_inheritable(False)
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    warnings.simplefilter("default")
    surroundings = Surroundings()
    tasks: queue.SimpleQueue[str] = queue.SimpleQueue()
    reader = threading.Thread(
        target=_leave_with_parent, args=(channel.makefile("r"), tasks), daemon=True
    )
    reader.start()

    def send(message: dict[str, Any]) -> None:
        channel.sendall(json.dumps(message).encode() + b"\n")

    while True:
        task = Task.from_json(json.loads(tasks.get()))
        last = 0.0

        def report(step: int, total: int, metrics: Mapping[str, float]) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last >= REPORT_EVERY or step == total:
                last = now
                values = {name: float(value) for name, value in metrics.items()}
                send({"event": "progress", "step": step, "total": total, "metrics": values})

        surroundings.restore()
        send({"event": "begun", "at": time.monotonic()})
        begun = time.perf_counter()
        try:
            record = execute(task, report)
        except BaseException as error:  # sys.exit() in a plugin ends its job, not us
            failure = failure_of(error, time.perf_counter() - begun)
            send({"event": "failed", "failure": asdict(failure)})
        else:
            reusable = gpu_memory.give_back() and not left_running()
            send({"event": "done", "record": record.to_json(), "reusable": reusable})


if __name__ == "__main__":
    main()
