"""``vbench report``: one file that opens offline."""

from __future__ import annotations

from pathlib import Path

import click

from vbench.cli.folders import benchmark_folders
from vbench.errors import StoreError


@click.command()
@click.argument("benchmark", required=False)
@click.option(
    "--out",
    "outs",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Results folder; repeat for a report in each.  [default: results]",
)
@click.option(
    "--summary",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Also write a small summary there: Markdown with pictures, to commit.",
)
@click.option(
    "--no-patient-images",
    is_flag=True,
    help="Leave out volumes, projections and patches of patients; without the 3D viewer.",
)
def command(
    benchmark: str | None, outs: tuple[Path, ...], summary: Path | None, no_patient_images: bool
) -> None:
    """Write report.html of BENCHMARK in each results folder that has it, and print its path.

    Without BENCHMARK: the one in the results folder. With --no-patient-images, pictures that the
    store cannot draw again are kept: the report is report-without-images.html then.
    """
    from vbench.report import write_report, write_summary

    folders = benchmark_folders(benchmark, outs)
    if summary is not None and len(folders) > 1:
        raise click.UsageError("--summary is of one results folder; name one --out")
    faults = []
    for folder in folders:
        try:
            click.echo(write_report(folder, images=not no_patient_images))
        except StoreError as error:  # the other folders have theirs all the same
            faults.append(str(error))
    if faults:
        raise StoreError("\n".join(faults))
    if summary is not None:
        click.echo(write_summary(folders[0], summary, images=not no_patient_images))
