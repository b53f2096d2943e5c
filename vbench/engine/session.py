"""One run of a plan on a store: forced jobs, executor, claims, runner, and what is derived."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from vbench.engine import results
from vbench.engine.claims import Claims
from vbench.engine.costs import LEARNT_FROM, Costs, training_lengths
from vbench.engine.executors import make_executor
from vbench.engine.executors.local import usable_cores
from vbench.engine.plan import Plan
from vbench.engine.price import Prices
from vbench.engine.runner import Runner, Settings, Watcher
from vbench.engine.store import RECORD, Store
from vbench.engine.study import close_orphans
from vbench.errors import DataError, SpecError
from vbench.files import read_json
from vbench.log import gently
from vbench.registry import Registry
from vbench.spec import Spec

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Where:
    """Where a run computes.

    Attributes:
        workers: Jobs at once; None: as many as there are cores.
        executor: ``local``, ``dask`` or ``submitit``.
        scheduler: Address of a running Dask scheduler; with submitit the kind of cluster.
        device: ``auto``, ``cpu`` or ``cuda``.
    """

    workers: int | None = None
    executor: str = "local"
    scheduler: str | None = None
    device: str = "auto"


def optuna_storage(spec: Spec, out: Path) -> str:
    """Return where trials are shown: the spec's storage, else a journal in the results folder."""
    return spec.tune.storage or str((out / "optuna.journal").resolve())


def missing(plan: Plan, store: Store) -> list[str]:
    """Return the keys of the jobs that the store lacks."""
    return [key for key in plan.jobs if not store.has(key)]


def forced(plan: Plan, force: Iterable[str]) -> set[str]:
    """Return the keys of forced jobs and of those that depend on them."""
    found: set[str] = set()
    for glob in force:
        names = {
            key
            for key, job in plan.jobs.items()
            if any(fnmatchcase(name, glob) for name in (job.stage, job.label, job.arm or "", key))
        }
        if not names:
            raise SpecError(f"--force {glob}: matches no job; see the labels of `vbench plan`")
        found |= plan.dependents(names)
    return found


def mend(plan: Plan, store: Store) -> None:
    """Forget finished jobs whose records are damaged, so that they are done again."""
    damaged = [key for key in plan.jobs if store.damage(key)]
    if not damaged:
        return
    with closing(Claims(store.root / "claims")) as claims, claims.changing():
        for key in damaged:
            damage = store.damage(key)
            if damage is not None:  # no other run has seen to it meanwhile
                logger.warning("%s", damage)
                store.remove([key])


def execute(
    plan: Plan, store: Store, registry: Registry, watcher: Watcher, where: Where, study: str
) -> None:
    """Do the jobs that the store lacks.

    Args:
        plan: What to do.
        store: What is done.
        registry: The plugins.
        watcher: Is notified of what happens.
        where: Where to compute.
        study: Where trials are shown.

    Raises:
        DataError: When a subject cannot be prepared; nothing is trained then.
    """
    cores, spec = usable_cores(), plan.spec
    workers = where.workers or cores
    settings = Settings(
        device=where.device,
        threads=spec.compute.threads or max(1, cores // workers),
        plugins=tuple(spec.plugins.paths),
        checkpoint_seconds=spec.limits.checkpoint_seconds,
        keep_states=spec.limits.keep_states,
        limit_seconds=spec.limits.seconds,
        limit_bytes=_bytes(spec.limits.memory_gb),
    )
    with closing(Claims(store.root / "claims")) as claims:
        gently(
            lambda: close_orphans(study, store.root.resolve(), claims.alive),
            "the Optuna storage did not answer",
            logger,
        )
        executor = make_executor(
            where.executor, workers=workers, scheduler=where.scheduler, device=where.device
        )
        with closing(executor):
            lengths = training_lengths(registry)
            costs, prices = Costs(lengths=lengths), Prices(store, lengths)
            for record in store.records(newest=LEARNT_FROM):
                costs.add(record)
                prices.add(record)
            disk, unknown = prices.disk(plan)
            watcher.needs(round(disk), shutil.disk_usage(store.root).free, unknown)
            runner = Runner(plan, store, executor, claims, settings, watcher, costs)
            # All data is read before anything is trained, so that a broken file is found at once.
            faults = [f.message for f in runner.run(reading=True) if f.reason == "data"]
            if faults:
                raise DataError(*faults)
            runner.run()


def write_results(plan: Plan, store: Store, folder: Path) -> None:
    """Write ``records.jsonl`` and ``cases.csv`` whole, in the plan's order."""
    results.write_records(plan, store, folder)
    results.write_cases(plan, store, folder)


def is_current(plan: Plan, store: Store, folder: Path) -> bool:
    """Whether the leaderboard and the report are newer than everything that they show.

    They are not when the last run was killed before it wrote them, or when another benchmark did
    this one's jobs; nor when they cannot be read, or a clock that was wrong dated them ahead.
    """
    shown = [folder / "leaderboard.json", folder / "report.html"]
    read = [folder / "plan.json", *(store.folder(key) / RECORD for key in plan.jobs)]
    try:
        read_json(shown[0])
        written = [p.stat().st_mtime_ns for p in shown]
        newest = max(p.stat().st_mtime_ns for p in read)
    except (FileNotFoundError, ValueError):
        return False
    return newest < min(written) and max(written) <= time.time_ns()


def _bytes(gigabytes: float | None) -> int | None:
    return None if gigabytes is None else int(gigabytes * 2**30)
