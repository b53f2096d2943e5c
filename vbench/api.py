"""The public calls: what the command line does, from Python."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from vbench import registry
from vbench.engine import results
from vbench.engine.costs import Costs, done_of, training_lengths
from vbench.engine.executors.local import usable_cores
from vbench.engine.explain import reasons
from vbench.engine.job import Job
from vbench.engine.plan import Plan, make_plan
from vbench.engine.runner import Runner, Settings, Watcher
from vbench.engine.stages.base import Lengths
from vbench.engine.store import RECORD, Store, writable
from vbench.engine.teller import Teller
from vbench.engine.underway import under_way
from vbench.errors import DataError, PluginError, SpecError, VbenchError
from vbench.files import read_json
from vbench.log import gently, kept
from vbench.notebook import NotebookProgress, in_notebook, table
from vbench.registry import Registry
from vbench.result import RunResult
from vbench.spec import Spec, load_spec
from vbench.spec.check import build_params, faults

#: Where results go when nothing else is said.
OUT = "results"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PlannedJob:
    """A job and whether it has to be done.

    Attributes:
        job: The job.
        cached: Whether the store has its result.
        reason: Why it is new, in words; empty when it is cached.
        seconds: What it is expected to take; None when nothing like it was ever timed.
    """

    job: Job
    cached: bool
    reason: str
    seconds: float | None


class PlannedJobs(list[PlannedJob]):
    """All jobs of a benchmark; a notebook shows them as a table."""

    def __repr__(self) -> str:
        return f"PlannedJobs({len(self)} jobs, {sum(job.cached for job in self)} cached)"

    def _repr_html_(self) -> str:
        shown = [
            (job.job.stage, job.job.label, "cached" if job.cached else "new", job.reason)
            for job in self
        ]
        lines = [[(text, False) for text in line] for line in shown]
        return str(table(("stage", "job", "status", "why"), lines))


def load(spec: str | Path | Spec, overrides: Iterable[str] = ()) -> tuple[Spec, Registry]:
    """Read a spec and load the plugins that it may use.

    Args:
        spec: A TOML file, or a spec.
        overrides: ``key.path=value``, as of ``--set``.

    Raises:
        SpecError: When it is wrong.
    """
    if not isinstance(spec, Spec):
        spec = load_spec(spec, overrides)
    plugins = registry.for_paths(tuple(spec.plugins.paths))
    for failure in plugins.failures:
        # An installed plugin that fails is no matter to a spec that does not name it; a file that
        # the spec names is, even where another plugin of that name would do.
        if failure.origin in spec.plugins.paths:
            raise PluginError(f"plugins.paths: {failure.origin}: {failure.message}")
    return spec, plugins


def validate(spec: str | Path, overrides: Iterable[str] = ()) -> list[str]:
    """Check spec, plugins and data; return one line a fault, empty when all is well."""
    try:
        loaded, plugins = load(spec, overrides)
    except SpecError as error:
        return str(error).splitlines()
    found = faults(loaded, plugins)
    if found:
        return found
    try:
        found = _data_faults(loaded, plugins)
        made = None if found else make_plan(loaded, plugins)
    except VbenchError as error:
        return str(error).splitlines()
    return found if made is None else _unreadable(made, plugins)


def remarks(spec: str | Path, overrides: Iterable[str] = ()) -> list[str]:
    """Return what is no fault of a sound spec but bears on what its results can say."""
    from vbench.engine.lengths import remarks as found

    return found(*load(spec, overrides))


def plan(
    spec: str | Path | Spec, out: str | Path = OUT, overrides: Iterable[str] = ()
) -> PlannedJobs:
    """List every job of a benchmark, cached or new; trains and writes nothing.

    Args:
        spec: A TOML file, or a spec.
        out: The results folder.
        overrides: ``key.path=value``, as of ``--set``.

    Raises:
        SpecError: When the spec is wrong.
        DataError: When the data is.
    """
    loaded, plugins = load(spec, overrides)
    made = make_plan(loaded, plugins)
    store = Store(Path(out) / "store")
    why = reasons(made, store)
    costs = Costs(store.records(), training_lengths(plugins))
    return PlannedJobs(
        PlannedJob(
            job=job,
            cached=key not in why,
            reason=why.get(key, ""),
            seconds=round(costs.estimate(job) * (1 - done_of(store, job)), 1)
            if costs.known(job)
            else None,
        )
        for key, job in made.jobs.items()
    )


def run(
    spec: str | Path | Spec,
    out: str | Path = OUT,
    *,
    workers: int | None = None,
    executor: str = "local",
    scheduler: str | None = None,
    device: str = "auto",
    overrides: Iterable[str] = (),
    force: Iterable[str] = (),
    watcher: Watcher | None = None,
    tracking: bool = True,
) -> RunResult:
    """Run what is missing of a benchmark.

    Args:
        spec: A TOML file, or a spec.
        out: The results folder.
        workers: Jobs at once; default: as many as there are cores.
        executor: ``local`` or ``dask``.
        scheduler: Address of a running Dask scheduler.
        device: ``auto``, ``cpu`` or ``cuda``.
        overrides: ``key.path=value``, as of ``--set``.
        force: Globs over arms, stages and labels: these jobs, and what depends on them, anew.
        watcher: Is told what happens, such as a progress display; None: a notebook shows the
            running jobs below the cell, anything else shows nothing.
        tracking: Whether trackers, such as the built-in MLflow mirror, log the results.

    Raises:
        SpecError: When the spec is wrong.
        DataError: When the data is.
        KeyboardInterrupt: After everything was stopped; the same call goes on from there.
    """
    from vbench.analysis import write_leaderboard
    from vbench.report import write_report

    loaded, plugins = load(spec, overrides)
    out = Path(out)
    study = loaded.tune.storage or str((out / "optuna.journal").resolve())
    made = make_plan(loaded, plugins, study)
    store = Store(out / "store")
    _refuse_faults(made, store, loaded, plugins)
    folder = out / loaded.benchmark.name
    forced = _forced(made, force)
    with writable(out), kept(folder), under_way(store, loaded.benchmark.name, made.jobs, forced):
        results.write_plan(made, folder)
        missing = [key for key in made.jobs if not store.has(key)]
        logger.info("%d jobs, %d to do", len(made.jobs), len(missing))
        display = NotebookProgress() if watcher is None and in_notebook() else None
        results.write_records(made, store, folder)  # then appended to
        told = Teller(store, folder, plugins, watcher or display)
        if missing:
            cores = usable_cores()
            workers = workers or cores
            settings = Settings(
                device=device,
                threads=loaded.compute.threads or max(1, cores // workers),
                plugins=tuple(loaded.plugins.paths),
                checkpoint_seconds=loaded.limits.checkpoint_seconds,
                limit_seconds=loaded.limits.seconds,
                limit_bytes=_bytes(loaded.limits.memory_gb),
            )
            try:
                lengths = training_lengths(plugins)
                _execute(made, store, settings, told, executor, workers, scheduler, study, lengths)
            finally:
                if display:
                    display.close()
        results.write_records(made, store, folder)
        results.write_cases(made, store, folder)
        changed = bool(missing) or not _is_current(made, store, folder)
        if changed:
            leaderboard = write_leaderboard(folder)
            gently(lambda: write_report(folder), "the report was not written", logger)
        else:
            leaderboard = read_json(folder / "leaderboard.json")
        result = RunResult(folder, leaderboard, told.ran, told.failures)
        gently(
            lambda: plugins.manager.hook.vbench_run_finished(
                folder=folder,
                leaderboard=leaderboard,
                result=result,
                changed=changed,
                tracking=tracking,
            ),
            "a plugin's vbench_run_finished failed",
            logger,
        )
    return result


def _is_current(made: Plan, store: Store, folder: Path) -> bool:
    """Whether leaderboard and report are younger than all that they show.

    They are not when the last run was killed before it wrote them, or when another benchmark did
    the jobs of this one.
    """
    shown = [folder / "leaderboard.json", folder / "report.html"]
    read = [folder / "plan.json", *(store.folder(key) / RECORD for key in made.jobs)]
    try:
        return min(p.stat().st_mtime_ns for p in shown) > max(p.stat().st_mtime_ns for p in read)
    except FileNotFoundError:
        return False


def _execute(
    made: Plan,
    store: Store,
    settings: Settings,
    watcher: Watcher,
    executor: str,
    workers: int,
    scheduler: str | None,
    study: str,
    lengths: Lengths,
) -> None:
    from vbench.engine.claims import Claims
    from vbench.engine.executors import make_executor
    from vbench.engine.study import close_orphans

    claims = Claims(store.root / "claims")
    try:
        store.sweep(claims.alive)
        gently(
            lambda: close_orphans(study, store.root.resolve(), claims.alive),
            "the Optuna storage did not answer",
            logger,
        )
        running = make_executor(
            executor, workers=workers, scheduler=scheduler, device=settings.device
        )
        try:
            costs = Costs(store.records(), lengths)
            runner = Runner(made, store, running, claims, settings, watcher, costs)
            # All data is read before anything is trained: a broken file is found at once.
            faults = [f.message for f in runner.run({"prepare"}) if f.reason == "data"]
            if faults:
                raise DataError("\n".join(faults))
            runner.run()
        finally:
            running.close()
    finally:
        claims.close()


def _forced(made: Plan, force: Iterable[str]) -> set[str]:
    """Return the keys of forced jobs and of those that depend on them."""
    forced: set[str] = set()
    for glob in force:
        names = {
            key
            for key, job in made.jobs.items()
            if any(fnmatchcase(name, glob) for name in (job.stage, job.label, job.arm or "", key))
        }
        if not names:
            raise SpecError(f"--force {glob}: matches no job; see the labels of `vbench plan`")
        forced |= made.dependents(names)
    return forced


def _data_faults(spec: Spec, plugins: Registry) -> list[str]:
    """Return what ``vbench data check`` finds in the folders that a spec names.

    Returns:
        One line a fault; remarks are left to ``vbench data check``.
    """
    from vbench.data.check import faults_of
    from vbench.data.folder import FolderSource

    lines: list[str] = []
    for role in ("source", "target"):
        use = getattr(spec.data, role)
        cls = plugins.source(use.plugin) if use is not None else None
        if cls is None or not issubclass(cls, FolderSource):
            continue
        values = {**cls.role_defaults.get(role, {}), **use.params}
        source = cls(build_params(cls.Params, values, f"data.{role}"))
        lines += [f"data.{role}: {fault}" for fault in faults_of(source)]
    return lines


def _refuse_faults(made: Plan, store: Store, spec: Spec, plugins: Registry) -> None:
    """Check the data before anything is trained, unless all of it was prepared before.

    Raises:
        DataError: With the first fault.
    """
    jobs = [job for subjects in made.data.values() for job in subjects.jobs.values()]
    lines = [] if all(store.has(job.key) for job in jobs) else _data_faults(spec, plugins)
    if lines:
        more = f" ({len(lines) - 1} more: 'vbench validate' lists them)" if lines[1:] else ""
        raise DataError(lines[0] + more)


def _unreadable(made: Plan, plugins: Registry) -> list[str]:
    """Load the subjects of a source of no known layout; one of a procedure makes them all alike.

    Returns:
        One line for each that cannot be used.
    """
    from vbench.data.folder import FolderSource

    lines: list[str] = []
    for role, subjects in made.data.items():
        cls = plugins.source(subjects.plugin)
        if issubclass(cls, FolderSource):
            continue
        params = cls.Params.model_validate(subjects.params)
        source = cls(params)
        # Files that a source of another kind reads may each be wrong.
        folder = any(isinstance(value, Path) for value in params.model_dump().values())
        for name in list(subjects.jobs)[: None if folder else 1]:
            try:
                source.load(name)
            except DataError as error:
                lines.append(f"data.{role}: {error}")
    return lines


def _bytes(gigabytes: float | None) -> int | None:
    return None if gigabytes is None else int(gigabytes * 2**30)
