"""The public calls: what the command line does, from Python."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from vbench import registry
from vbench.defaults import OUT
from vbench.engine import results, session
from vbench.engine.costs import Costs, done_of, training_lengths
from vbench.engine.data_faults import (
    data_faults,
    generator_files,
    refuse_faults,
    unreadable,
    weights_faults,
)
from vbench.engine.explain import Earlier, reasons
from vbench.engine.job import Job
from vbench.engine.plan import make_plan
from vbench.engine.price import Price, Prices
from vbench.engine.runner import Watcher
from vbench.engine.store import Store, writable
from vbench.engine.taken import borrow
from vbench.engine.teller import Teller, announce
from vbench.engine.underway import under_way
from vbench.errors import PluginError, SpecError, VbenchError
from vbench.files import read_json, sweep_temporary
from vbench.log import gently, kept
from vbench.notebook import NotebookProgress, in_notebook, table
from vbench.records.plan import PlanFile
from vbench.registry import Registry
from vbench.result import RunResult
from vbench.spec import Spec, load_spec
from vbench.spec.check import faults
from vbench.spec.load import FaultySpecError
from vbench.spec.rehearsal import rehearsal
from vbench.usertext import shell_word

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
    """All jobs of a benchmark; a notebook shows them as a table.

    Attributes:
        price: What the new ones will cost.
    """

    price: Price

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
        try:
            spec = load_spec(spec, overrides)
        except FaultySpecError as error:
            # Faults of plugins and parameters in the same pass, where the rest can be read.
            rest, more = error.rest, list[str]()
            if rest is not None:
                more = error.of_rest(faults(rest, registry.for_paths(tuple(rest.plugins.paths))))
            raise SpecError("\n".join([str(error), *more])) from error
    plugins = registry.for_paths(tuple(spec.plugins.paths))
    for failure in plugins.failures:
        # An installed plugin that fails does not matter to a spec that does not name it; a file
        # that the spec names does, even where another plugin of that name would do.
        if failure.origin in spec.plugins.paths:
            raise PluginError(f"plugins.paths: {failure.origin}: {failure.message}")
    return borrow(spec), plugins


def validate(spec: str | Path, overrides: Iterable[str] = ()) -> list[str]:
    """Check spec, plugins and data; return one line per fault, empty when all is well."""
    return checked(spec, overrides)[0]


def remarks(spec: str | Path, overrides: Iterable[str] = ()) -> list[str]:
    """Return remarks: no faults, but they limit what the results can say; none of a faulty spec."""
    return checked(spec, overrides)[1]


def checked(spec: str | Path, overrides: Iterable[str] = ()) -> tuple[list[str], list[str]]:
    """Check spec, plugins and data; return what :func:`validate` and :func:`remarks` do."""
    from vbench.engine.lengths import remarks as untested

    try:
        loaded, plugins = load(spec, overrides)
    except SpecError as error:
        return str(error).splitlines(), []
    found = faults(loaded, plugins)
    if found:
        return found, []
    try:
        found = data_faults(loaded, plugins)
        made = None if found else make_plan(loaded, plugins)
    except VbenchError as error:
        return str(error).splitlines(), []
    if made is None:
        return found, []
    found = unreadable(made, plugins)
    if found:
        return found, []
    files, remarked = generator_files(made, plugins)
    found = weights_faults(made, plugins) + files
    return found, [] if found else [*untested(loaded, plugins), *remarked]


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
    store.check_format()
    lengths = training_lengths(plugins)
    earlier, costs, prices = Earlier(), Costs(lengths=lengths), Prices(store, lengths)
    for record in store.records():
        for learns in (earlier, costs, prices):
            learns.add(record)
    why = reasons(made, store, earlier)
    planned = PlannedJobs(
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
    planned.price = prices.of(made)
    return planned


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
    rehearse: bool = False,
) -> RunResult:
    """Run what is missing of a benchmark.

    Args:
        spec: A TOML file, or a spec.
        out: The results folder.
        workers: Jobs at once; default: as many as there are cores.
        executor: ``local``, ``dask`` or ``submitit``.
        scheduler: Address of a running Dask scheduler; with submitit ``slurm``, ``local`` or
            ``debug``.
        device: ``auto``, ``cpu`` or ``cuda``.
        overrides: ``key.path=value``, as of ``--set``.
        force: Globs over arms, stages and labels: redo these jobs, and all that depend on them.
        watcher: Is told what happens, such as a progress display; None: a notebook shows the
            running jobs below the cell, anything else shows nothing.
        tracking: Whether trackers, such as the built-in MLflow mirror, log the results.
        rehearse: Run every arm with a handful of steps, on few, small subjects and within 8 GiB,
            as benchmark NAME-rehearsal; :func:`plan` prices the benchmark by it.

    Raises:
        SpecError: When the spec is wrong.
        DataError: When the data is.
        KeyboardInterrupt: After everything was stopped; the same call goes on from there.
    """
    from vbench.analysis.folder import read_results
    from vbench.analysis.leaderboard import write_leaderboard
    from vbench.report import write_report

    loaded, plugins = load(spec, overrides)
    if rehearse:
        loaded = rehearsal(loaded, plugins)
    out = Path(out)
    study = session.optuna_storage(loaded, out)
    made = make_plan(loaded, plugins, study)
    store, folder = Store(out / "store"), out / loaded.benchmark.name
    refuse_faults(made, store, plugins)
    forced = session.forced(made, force)
    with writable(out), kept(folder), under_way(store, loaded.benchmark.name, made.jobs, forced):
        session.mend(made, store)
        for place in (folder, store.root, store.root / "failures"):
            sweep_temporary(place)
        planned = results.plan_file(made)
        _keep_board(folder, planned, out)
        results.write_plan(planned, folder)
        missing = session.missing(made, store)
        logger.info("%d jobs, %d to do", len(made.jobs), len(missing))
        display = NotebookProgress() if watcher is None and in_notebook() else None
        told = Teller(store, folder, plugins, watcher or display)
        if missing:
            results.write_records(made, store, folder)  # what is done; the run adds to it
            where = session.Where(workers, executor, scheduler, device)
            try:
                session.execute(made, store, plugins, told, where, study)
            finally:
                if display:
                    display.close()
        session.write_results(made, store, folder)
        changed = bool(missing) or not session.is_current(made, store, folder)
        read = read_results(folder) if changed else None
        if changed:
            board = write_leaderboard(folder, read)
            gently(lambda: write_report(folder, read, board), "the report was not written", logger)
        else:
            board = read_json(folder / "leaderboard.json")
        result = RunResult(folder, board, told.ran, told.failures, read)
        announce(
            plugins.manager,
            "vbench_run_finished",
            folder=folder,
            leaderboard=board,
            result=result,
            changed=changed,
            tracking=tracking,
        )
    return result


def _keep_board(folder: Path, planned: PlanFile, out: Path) -> None:
    """Put a board of another plan aside, and say where it is."""
    from vbench.analysis.history import keep

    written = keep(folder, planned)
    if written is not None:
        place = "" if out == Path(OUT) else f" --out {shell_word(out)}"
        logger.warning(
            "the plan of '%s' has changed; the board of %s is kept: "
            "vbench leaderboard %s --history%s",
            planned.benchmark,
            written.astimezone().strftime("%Y-%m-%d %H:%M"),
            planned.benchmark,
            place,
        )
