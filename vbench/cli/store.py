"""``vbench store``: what a results folder holds, and what may go."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vbench.cli.common import json_option, out_option
from vbench.usertext import counted, size_text

if TYPE_CHECKING:
    from vbench.housekeeping import Holding

#: What nothing needs any more is listed under.
_NOBODY = "(no plan)"


@click.group("store", invoke_without_command=True)
@out_option
@click.pass_context
def command(ctx: click.Context, out: str) -> None:
    """Say what a results folder holds and how large it is; remove what nobody needs.

    Without a command: `vbench store ls`.
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(show, out=out, as_json=False)
    # What is said before a subcommand holds for it, unless it says otherwise.
    ctx.default_map = {name: {"out": out} for name in command.commands}


@command.command("ls")
@out_option
@json_option
def show(out: str, as_json: bool) -> None:
    """List sizes by benchmark, stage and arm.

    What several benchmarks share is listed once, under all of their names.
    """
    from vbench.housekeeping import holdings

    found = holdings(out)
    groups: dict[tuple[str, str, str], list[int]] = {}
    for held in found:
        name = ", ".join(held.benchmarks) or _NOBODY
        groups.setdefault((name, held.stage, held.arm), []).append(held.size)
    if as_json:
        rows = [
            {
                "benchmarks": [] if name == _NOBODY else name.split(", "),
                "stage": stage,
                "arm": arm or None,
                "jobs": len(sizes),
                "bytes": sum(sizes),
            }
            for (name, stage, arm), sizes in groups.items()
        ]
        click.echo(json.dumps(rows, indent=1))
        return
    from rich.table import Table
    from rich.text import Text

    from vbench.cli.terminal import Console

    table = Table(box=None, header_style="bold")
    for title in ("benchmark", "stage", "arm", "jobs", "size"):
        table.add_column(title, justify="right" if title in ("jobs", "size") else "left")
    for (name, stage, arm), sizes in sorted(groups.items(), key=lambda row: -sum(row[1])):
        cells = (name, stage, arm, str(len(sizes)), size_text(sum(sizes)))
        table.add_row(*map(Text, cells))
    console = Console()
    console.print(table)
    console.print(_total("holds", found, out), highlight=False, soft_wrap=True)
    free = [held for held in found if not held.benchmarks]
    if free:
        line = f"no plan names {_jobs(free)} any more: vbench store prune"
        console.print(line, highlight=False, soft_wrap=True)


def removal(function: Callable[..., None]) -> Callable[..., None]:
    """Add ``--dry-run`` and ``--yes``."""
    function = click.option("--yes", is_flag=True, help="Remove without asking.")(function)
    return click.option("--dry-run", is_flag=True, help="Say what would go; remove nothing.")(
        function
    )


@command.command("prune")
@out_option
@removal
def prune(out: str, dry_run: bool, yes: bool) -> None:
    """Remove what no benchmark's plan names any more: jobs of changed specs and plugins."""
    from vbench.housekeeping import unneeded

    _remove(out, partial(unneeded, out), dry_run, yes)


@command.command("rm")
@click.argument("arm")
@click.option("--benchmark", required=True, metavar="NAME", help="The arm's benchmark.")
@out_option
@removal
def rm(arm: str, benchmark: str, out: str, dry_run: bool, yes: bool) -> None:
    """Remove what the store keeps of ARM alone: no other arm, no other benchmark needs it.

    Its scores stay in the benchmark's records and on the board; the next run does it again.
    """
    from vbench.housekeeping import only_of

    _remove(out, partial(only_of, out, benchmark, arm), dry_run, yes)


@command.command("where")
@click.argument("arm")
@click.option("--benchmark", metavar="NAME", help="The arm's benchmark; needed among several.")
@out_option
@json_option
def where(arm: str, benchmark: str | None, out: str, as_json: bool) -> None:
    """Say where the chosen model of ARM lies, its predictions, and its generator's patches.

    By seed. Files of the store are for reading: `vbench predict`, `sample`, `export-model` and
    `export` put them to use.
    """
    from vbench.cli.folders import benchmark_folders
    from vbench.errors import StoreError, did_you_mean
    from vbench.result import read_result

    (folder,) = benchmark_folders(benchmark, [Path(out)])
    arms = {found.name: found for found in read_result(folder).arms}
    if arm not in arms:
        raise StoreError(f"{folder}: no arm is called '{arm}'{did_you_mean(arm, arms)}")
    places = arms[arm].places
    if not any(places.values()):
        raise StoreError(f"{arm}: nothing of it is in {folder.parent / 'store'}; run the benchmark")
    if as_json:
        rows = {str(s): {n: str(p) for n, p in found.items()} for s, found in places.items()}
        click.echo(json.dumps(rows, indent=1))
        return
    for seed, found in places.items():
        for name, path in found.items():
            click.echo(f"seed {seed}  {name:<11}  {path}")


@command.command("check")
@click.argument("benchmark", required=False)
@out_option
@json_option
def check(benchmark: str | None, out: str, as_json: bool) -> None:
    """Read all files of BENCHMARK again, and say which are not as their jobs wrote them.

    Without BENCHMARK: all that the store holds. Exit code 0: all are as they were written;
    1: some are damaged, and are named with what does their jobs again.
    """
    from vbench.cli.steps import Steps
    from vbench.housekeeping import damages

    count, found = damages(out, benchmark, None if as_json else Steps())
    if as_json:
        said = {"jobs": count, "damaged": [str(damage) for damage in found]}
        click.echo(json.dumps(said, indent=1))
    else:
        for damage in found:
            click.echo(str(damage), err=True)
        sound = "all as they were written" if not found else f"{len(found)} damaged"
        click.echo(f"{out}: {counted(count, 'job')} read, {sound}")
    if found:
        sys.exit(1)


def _remove(out: str, find: Callable[[], list[Holding]], dry_run: bool, yes: bool) -> None:
    from vbench.housekeeping import remove

    held = find()
    for each in sorted(held, key=lambda each: -each.size):
        label = f"{each.stage or 'unfinished'} {each.arm}".strip()
        click.echo(f"{size_text(each.size):>9}  {each.key}  {label}")
    click.echo(_total("would lose" if dry_run else "loses", held, out))
    if dry_run or not held:
        return
    if not yes and not sys.stdin.isatty():
        raise click.UsageError("nobody is there to be asked, so nothing was removed; add --yes")
    if not yes:
        click.confirm("Remove that?", abort=True)
    click.echo(f"removed {size_text(remove(out, held, find))}")


def _total(verb: str, held: Sequence[Holding], out: str) -> str:
    return f"{out} {verb} {_jobs(held)}"


def _jobs(held: Sequence[Holding]) -> str:
    size = size_text(sum(each.size for each in held))
    return f"{counted(len(held), 'job')}, {size}"
