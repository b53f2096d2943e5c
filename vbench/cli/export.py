"""``vbench export``."""

from __future__ import annotations

from pathlib import Path

import click

from vbench.cli.common import out_option


@click.command("export")
@click.argument("arm")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--benchmark", help="Its name. [default: the only one in the results folder]")
@click.option("--seed", type=int, help="Which repetition. [default: best on validation subjects]")
@click.option("--nifti", is_flag=True, help="Also write the patches as NIfTI, in nnU-Net layout.")
@out_option
def command(
    arm: str, folder: Path, benchmark: str | None, seed: int | None, nifti: bool, out: str
) -> None:
    """Write the synthetic patches of ARM to FOLDER, with a privacy audit and a datasheet."""
    from vbench.cli.folders import benchmark_folders
    from vbench.share.export import export

    (place,) = benchmark_folders(benchmark, [Path(out)])
    written = export(arm, folder, benchmark=place.name, out=out, seed=seed, nifti=nifti)
    click.echo(f"{written}: read DATASHEET.md before it leaves the house")
