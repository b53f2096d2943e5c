"""``vbench export``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from vbench.cli.common import benchmark_option, out_option, repetition_option, stop_as_by_hand


@click.command("export")
@click.argument("arm")
@click.argument("folder", type=click.Path(path_type=Path))
@benchmark_option
@repetition_option
@click.option("--nifti", is_flag=True, help="Also write the patches as NIfTI, in nnU-Net layout.")
@click.option(
    "--drop-flagged",
    is_flag=True,
    help="Remove patches that the audit flags as patients', and audit what is left.",
)
@click.option(
    "--accept-risk", metavar="WHY", help="Export in spite of an alarm; the datasheet says why."
)
@click.option("--licence", metavar="TEXT", help="Of the data set, such as CC-BY-4.0.")
@click.option("--cite", metavar="TEXT", help="How to cite the data set.")
@click.option(
    "--review",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Also write the in-house review here, which shows patients: on an alarm, too.",
)
@out_option
def command(
    arm: str,
    folder: Path,
    benchmark: str | None,
    seed: int | str | None,
    nifti: bool,
    drop_flagged: bool,
    accept_risk: str | None,
    licence: str | None,
    cite: str | None,
    review: Path | None,
    out: str,
) -> None:
    """Write the synthetic patches of ARM to FOLDER, with a privacy audit and a datasheet.

    Nothing is written when the audit raises an alarm (exit code 1), unless --accept-risk says why.
    """
    from vbench.cli.folders import benchmark_folders
    from vbench.errors import AlarmError
    from vbench.files import read_json
    from vbench.share.export import export
    from vbench.share.record import record_folder
    from vbench.share.rerun import MANIFEST

    stop_as_by_hand()
    (place,) = benchmark_folders(benchmark, [Path(out)])
    try:
        written = export(
            arm,
            folder,
            benchmark=place.name,
            out=out,
            seed=seed,
            nifti=nifti,
            drop_flagged=drop_flagged,
            accept_risk=accept_risk,
            licence=licence,
            citation=cite,
            review=review,
        )
    except AlarmError as error:
        click.echo(f"vbench: {error}", err=True)
        sys.exit(1)
    about = read_json(written / MANIFEST)
    for line in about["concludes"]:
        click.echo(line)
    if accept_risk is not None and "accepted" not in about:
        click.echo("There was no alarm: --accept-risk was not needed, and its reason not written.")
    home = record_folder(Path(out), about["id"])
    click.echo(f"{written}: {about['patches']} patches; read DATASHEET.html before they leave")
    click.echo(f"{home}: stays in the house; REVIEW.html shows the nearest patients' patches")
