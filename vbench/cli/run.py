"""``vbench run``."""

from __future__ import annotations

import sys

import click

from vbench.cli.common import device_option, out_option, spec_argument, stop_as_by_hand
from vbench.defaults import OUT


@click.command("run")
@spec_argument
@out_option
@click.option("--workers", type=click.IntRange(min=1), help="Jobs at once. [default: the cores]")
@click.option("--executor", default="local", show_default=True, help="local, dask or submitit.")
@click.option(
    "--scheduler",
    metavar="ADDR",
    help="Address of a running Dask scheduler; with submitit slurm, local or debug.",
)
@device_option
@click.option(
    "--force",
    multiple=True,
    metavar="GLOB",
    help="Redo these arms, stages or jobs, and what depends on them.",
)
@click.option(
    "--verbose", is_flag=True, help="Show the tracebacks of warnings, and what is being done."
)
@click.option(
    "--rehearse",
    is_flag=True,
    help="Run every arm with a handful of steps on small data, as NAME-rehearsal.",
)
@click.option("--no-tracking", is_flag=True, help="Log nothing to MLflow or another tracker.")
def command(
    spec: str,
    overrides: tuple[str, ...],
    out: str,
    workers: int | None,
    executor: str,
    scheduler: str | None,
    device: str,
    force: tuple[str, ...],
    no_tracking: bool,
    verbose: bool,
    rehearse: bool,
) -> None:
    """Run the missing jobs of the benchmark SPEC, then print its leaderboard.

    SPEC is a TOML file, or the name of a benchmark that vbench ships.

    Exit code 0: every arm finished; 1: some arm failed, the others are complete; 2: the spec, the
    data or the call is wrong, found before any training.
    """
    from vbench import api
    from vbench.analysis import render_table
    from vbench.cli.progress import Display
    from vbench.cli.terminal import Console
    from vbench.log import shown
    from vbench.usertext import shell_word

    stop_as_by_hand()
    console = Console()
    errors = Console(stderr=True)
    display = Display(errors)

    def write(line: str) -> None:
        errors.print(line, markup=False, highlight=False, soft_wrap=True)

    try:
        with display, shown(write, verbose):
            result = api.run(
                spec,
                out,
                workers=workers,
                executor=executor,
                scheduler=scheduler,
                device=device,
                overrides=overrides,
                force=force,
                watcher=display,
                tracking=not no_tracking,
                rehearse=rehearse,
            )
    except KeyboardInterrupt:
        click.echo(
            "stopped; finished jobs are kept, and the same command resumes the rest", err=True
        )
        sys.exit(130)
    console.print(render_table(result.board))
    done = f"{result.ran} jobs done"
    if not result.ran:
        done = "nothing to do: every job was cached" if result.ok else "no job was done"
        if result.ok:
            where = "" if out == OUT else f" --out {shell_word(out)}"
            done += f" (`vbench store check {result.folder.name}{where}` reads their files again)"
    line = f"{done}; results in {result.folder}"
    console.print(line, markup=False, highlight=False, soft_wrap=True)
    if not result.ok:
        sys.exit(1)
