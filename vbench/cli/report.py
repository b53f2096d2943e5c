"""``vbench report``: one file that opens offline."""

from __future__ import annotations

from pathlib import Path

import click

from vbench.cli.folders import benchmark_folders
from vbench.defaults import OUT


@click.command()
@click.argument("benchmark", required=False)
@click.option(
    "--out",
    default=OUT,
    show_default=True,
    type=click.Path(path_type=Path),
    help="Results folder.",
)
@click.option(
    "--summary",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Also write a small summary there: Markdown with pictures, to commit.",
)
def command(benchmark: str | None, out: Path, summary: Path | None) -> None:
    """Write report.html of BENCHMARK and print its path.

    Without BENCHMARK: the one in the results folder.
    """
    from vbench.report import write_report, write_summary

    [folder] = benchmark_folders(benchmark, [out])
    click.echo(write_report(folder))
    if summary is not None:
        click.echo(write_summary(folder, summary))
