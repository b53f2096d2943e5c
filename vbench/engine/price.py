"""What the new jobs of a plan will cost, by jobs of the same kind that were measured before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from statistics import median

from vbench.engine.costs import REMEMBERED
from vbench.engine.job import Job
from vbench.engine.plan import Plan
from vbench.engine.stages import stage
from vbench.engine.stages.base import Lengths
from vbench.engine.store import Store
from vbench.records.job import JobRecord
from vbench.records.model import Inputs

#: Stages whose artifacts grow with their work, and bytes for each unit of it where none ran yet:
#: a voxel is an image of two bytes and a label, prepared ones have a mask, too.
_GROWING = {"prepare": 4.0, "synthesise": 3.0}
#: Stage and plugin of jobs that are alike.
Kind = tuple[str, str]


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
    """A job that ran: what its parts took.

    Attributes:
        stepping: Seconds of its steps, by amount of work.
        reading: Of its volumes, by voxels.
        fixed: Of what is the same whatever the size: imports, the first step's warming up.
        bytes: What it left, by amount of work where that grows with it.
    """

    stepping: float
    reading: float
    fixed: float
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
        times += bool(getattr(inputs, "start_counts", False))
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


class Prices:
    """What finished jobs took, by stage and plugin, and what new ones will cost by that.

    A training's steps are scaled by steps × batch × voxels of a patch × channels squared, whole
    volumes by their voxels; ``vbench run --rehearse`` measures every kind of job of a benchmark.
    What is measured on narrower networks and smaller batches costs more for each operation than
    what is priced, so it is rather too much.
    """

    def __init__(self, store: Store, lengths: Lengths) -> None:
        """Start with nothing measured.

        Args:
            store: Where the jobs are.
            lengths: See :func:`~vbench.engine.costs.training_lengths`.
        """
        self._store, self._lengths, self._volumes = store, lengths, _Volumes(store)
        self._measured: dict[Kind, list[_Measured]] = defaultdict(list)
        self._memory: dict[Kind, float] = defaultdict(float)
        self._on_gpu: dict[Kind, float] = defaultdict(float)
        self._places: dict[Kind, set[str]] = defaultdict(set)

    def add(self, record: JobRecord) -> None:
        """Learn from one more record; a job that was skipped or did not finish says nothing."""
        work = stage(record.stage)
        if record.result is None or not work.complete(record.result):
            return
        kind = record.stage, record.method
        self._memory[kind] = max(self._memory[kind], record.peak_memory_mb or 0.0)
        self._on_gpu[kind] = max(self._on_gpu[kind], record.peak_gpu_memory_mb or 0.0)
        self._places[kind].add(_where(record))
        if len(self._measured[kind]) >= REMEMBERED:  # as good, and no more files are looked at
            return
        amount = work.amount(record.inputs, self._lengths, record.result)
        rate = record.steps_per_second
        stepping = min(record.seconds, record.steps / rate) if record.steps and rate else 0.0
        reading = record.seconds - stepping
        if record.validation_seconds is not None:
            reading = min(reading, record.validation_seconds)
        # Processor time, but on a GPU: what else the machine was doing does not count.
        busy = 1.0
        if record.seconds and record.cpu_seconds and not (record.device or "").startswith("cuda"):
            busy = record.cpu_seconds / record.seconds
        channels, growing = _channels(record.inputs), record.stage in _GROWING
        read = amount if growing else self._volumes.read_by(record.inputs, {})
        size = _bytes(self._store.folder(record.key))
        self._measured[kind].append(
            _Measured(
                busy * stepping / (amount * channels),
                busy * reading / (read * channels),
                busy * (record.seconds - stepping - reading),
                size / (amount if growing else 1),
            )
        )

    def of(self, plan: Plan) -> Price:
        """Return what the jobs of a plan that the store lacks will cost."""
        usual = self._usual()
        seconds = {True: 0.0, False: 0.0}
        largest = largest_on_gpu = 0.0
        unknown, seen = 0, set[str]()
        for job in self._new(plan):
            kind = job.stage, job.method
            if kind not in usual:
                unknown += 1
                continue
            like, growing = usual[kind], job.stage in _GROWING
            amount = stage(job.stage).amount(job.inputs, self._lengths)
            read = amount if growing else self._volumes.read_by(job.inputs, plan.jobs)
            channels = _channels(job.inputs)
            seconds[job.gpu] += like.stepping * amount * channels
            seconds[job.gpu] += like.reading * read * channels + like.fixed
            largest = max(largest, self._memory[kind])
            largest_on_gpu = max(largest_on_gpu, self._on_gpu[kind])
            seen |= self._places[kind]
        return Price(
            cpu_hours=seconds[False] / 3600,
            gpu_hours=seconds[True] / 3600,
            disk_gb=self.disk(plan)[0] / 2**30,
            memory_gb=largest / 2**10,
            gpu_memory_gb=largest_on_gpu / 2**10,
            measured_on=tuple(sorted(seen)),
            unknown=unknown,
        )

    def disk(self, plan: Plan) -> tuple[float, int]:
        """Return the bytes that the jobs which the store lacks will leave in it.

        Volumes and patches, which are nearly all of it, are known without any measurement, but for
        volumes whose source does not say how large they are. The second number is how many of
        these there are; they count only where volumes of that source were prepared before.
        """
        usual, found, unknown = self._usual(), 0.0, 0
        for job in self._new(plan):
            like, first = usual.get((job.stage, job.method)), _GROWING.get(job.stage, 0.0)
            amount = stage(job.stage).amount(job.inputs, self._lengths) if first else 1.0
            if like is None and first and amount <= 1:
                unknown += 1
                continue
            found += amount * (like.bytes if like else first)
        return found, unknown

    def _new(self, plan: Plan) -> list[Job]:
        return [job for key, job in plan.jobs.items() if not self._store.has(key)]

    def _usual(self) -> dict[Kind, _Measured]:
        return {
            kind: _Measured(
                median(m.stepping for m in like),
                median(m.reading for m in like),
                median(m.fixed for m in like),
                median(m.bytes for m in like),
            )
            for kind, like in self._measured.items()
        }


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
