"""``vbench pack``: one file to share."""

from __future__ import annotations

import os
from pathlib import Path

import click

from vbench.cli.common import out_option
from vbench.cli.folders import benchmark_folders


@click.command("pack")
@click.argument("benchmark", required=False)
@out_option
@click.option(
    "--to",
    type=click.Path(),
    help="The file, or a folder for it.  [default: BENCHMARK.vbench.zip]",
)
@click.option(
    "--patient-images", is_flag=True, help="With volumes, projections and patches of patients."
)
def command(benchmark: str | None, out: str, to: str | None, patient_images: bool) -> None:
    """Pack the results of BENCHMARK into one file: board, report, spec, records, references.

    Without BENCHMARK: the one in the results folder. No image of a patient is in it, unless asked
    for, and no place on a disk; names of subjects are.
    """
    from vbench.report.pack import write_pack

    [folder] = benchmark_folders(benchmark, [Path(out)])
    name = f"{folder.name}.vbench.zip"
    target = Path(to or name)
    if target.is_dir() or (to or "").endswith(("/", os.sep)):
        target = target / name
    names = write_pack(folder, target, images=patient_images)
    click.echo(f"{target}: {', '.join(names)}")
