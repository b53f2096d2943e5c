"""What the new jobs of a plan will cost, by jobs of the same kind that were measured before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from statistics import median

from vbench.engine.costs import training_lengths
from vbench.engine.job import Job
from vbench.engine.plan import Plan
from vbench.engine.stages import stage
from vbench.engine.store import Store
from vbench.records.job import JobRecord
from vbench.records.stages import Inputs
from vbench.registry import Registry

#: Stages whose artifacts grow with their work.
_GROWING = ("prepare", "synthesise")


@dataclass(frozen=True)
class Price:
    """What a plan's new jobs will cost.

    Attributes:
        cpu_hours: Of jobs that take no GPU, one after the other; hours of processor time.
        gpu_hours: Of jobs that take one where there is one; hours of processor time, too, where
            the measured ones had none.
        disk_gb: Of what they leave in the store.
        memory_gb: Peak of the largest measured job of these kinds; on full batches it is more.
        gpu_memory_gb: Likewise, of a GPU; 0 where none was measured.
        measured_on: The devices and hosts that the estimates come from.
        unknown: New jobs of kinds that were never measured; they are not in the sums.
    """

    cpu_hours: float
    gpu_hours: float
    disk_gb: float
    memory_gb: float
    gpu_memory_gb: float
    measured_on: tuple[str, ...]
    unknown: int


@dataclass(frozen=True)
class _Measured:
    """A job that ran: seconds of its steps and other seconds, by amount of work and voxels."""

    stepping: float
    other: float
    bytes: float


class _Volumes:
    """How many voxels the volumes have that jobs read."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, float | None] = {}

    def read_by(self, inputs: Inputs, jobs: Mapping[str, Job]) -> float:
        """Return the voxels of all volumes that a job predicts; at least 1."""
        keys = [*getattr(inputs, "val", ()), *getattr(inputs, "test", ())]
        times = max(1, getattr(inputs, "validations", 1))
        found = [self._voxels(key, jobs.get(key)) for key in keys]
        return max(1.0, times * sum(voxels for voxels in found if voxels))

    def _voxels(self, key: str, job: Job | None) -> float | None:
        if key not in self._known:
            self._known[key] = None
            if self._store.has(key):
                record = self._store.record(key)
                shape = getattr(record.result, "shape", None)
                if record.stage == "prepare" and shape:
                    self._known[key] = float(prod(shape))
            elif job is not None and job.stage == "prepare":
                amount = stage("prepare").amount(job.inputs, {})
                self._known[key] = amount if amount > 1 else None
        return self._known[key]


def price(plan: Plan, store: Store, registry: Registry) -> Price:
    """Return what the jobs that the store lacks will cost.

    A training's steps are scaled by steps × batch × voxels of a patch × channels squared, whole
    volumes by their voxels; ``vbench run --rehearse`` measures every kind of job of a benchmark.
    What is measured on narrow networks and small batches costs more for each operation than what
    is priced, so it is rather too much.
    """
    lengths, volumes = training_lengths(registry), _Volumes(store)
    measured: dict[tuple[str, str], list[_Measured]] = defaultdict(list)
    memory: dict[tuple[str, str], float] = defaultdict(float)
    on_gpu: dict[tuple[str, str], float] = defaultdict(float)
    places: dict[tuple[str, str], set[str]] = defaultdict(set)
    for record in store.records():
        work = stage(record.stage)
        if record.result is None or not work.complete(record.result):
            continue
        kind = record.stage, record.method
        amount = work.amount(record.inputs, lengths, record.result)
        rate = record.steps_per_second
        stepping = min(record.seconds, record.steps / rate) if record.steps and rate else 0.0
        # Processor time, but on a GPU: what else the machine was doing does not count.
        busy = 1.0
        if record.seconds and record.cpu_seconds and not (record.device or "").startswith("cuda"):
            busy = record.cpu_seconds / record.seconds
        channels = _channels(record.inputs)
        read = amount if record.stage in _GROWING else volumes.read_by(record.inputs, {})
        size = _bytes(store.folder(record.key))
        measured[kind].append(
            _Measured(
                busy * stepping / (amount * channels),
                busy * (record.seconds - stepping) / (read * channels),
                size / (amount if record.stage in _GROWING else 1),
            )
        )
        memory[kind] = max(memory[kind], record.peak_memory_mb or 0.0)
        on_gpu[kind] = max(on_gpu[kind], record.peak_gpu_memory_mb or 0.0)
        places[kind].add(_where(record))
    seconds = {True: 0.0, False: 0.0}
    disk = largest = largest_on_gpu = 0.0
    unknown, seen = 0, set[str]()
    for key, job in plan.jobs.items():
        if store.has(key):
            continue
        kind = job.stage, job.method
        if kind not in measured:
            unknown += 1
            continue
        like = measured[kind]
        amount = stage(job.stage).amount(job.inputs, lengths)
        read = amount if job.stage in _GROWING else volumes.read_by(job.inputs, plan.jobs)
        channels = _channels(job.inputs)
        seconds[job.gpu] += median(m.stepping for m in like) * amount * channels
        seconds[job.gpu] += median(m.other for m in like) * read * channels
        disk += median(m.bytes for m in like) * (amount if job.stage in _GROWING else 1)
        largest = max(largest, memory[kind])
        largest_on_gpu = max(largest_on_gpu, on_gpu[kind])
        seen |= places[kind]
    return Price(
        cpu_hours=seconds[False] / 3600,
        gpu_hours=seconds[True] / 3600,
        disk_gb=disk / 2**30,
        memory_gb=largest / 2**10,
        gpu_memory_gb=largest_on_gpu / 2**10,
        measured_on=tuple(sorted(seen)),
        unknown=unknown,
    )


def _channels(inputs: Inputs) -> float:
    """Return the operations of a network's layers, relative to others: channels squared."""
    params = getattr(inputs, "params", {})
    widths = [n for name, n in params.items() if name == "width" or name.endswith("_width")]
    return float(sum(n * n for n in widths if isinstance(n, int))) or 1.0


def _where(record: JobRecord) -> str:
    """Say where a job was measured."""
    threads = f"{record.threads} thread{'s' * (record.threads != 1)}"
    return f"{record.device or 'cpu'}, {threads}, on {record.host}"


def _bytes(folder: Path) -> int:
    """Return the bytes of a folder's files."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
