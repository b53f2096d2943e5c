"""``vbench predict``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vbench.cli.common import (
    benchmark_option,
    device_option,
    json_option,
    out_option,
    repetition,
    stop_as_by_hand,
)
from vbench.usertext import counted

if TYPE_CHECKING:
    from vbench.trained.arm import Seeds


def _seeds(context: click.Context, option: click.Parameter, value: str | None) -> Seeds:
    """Return ``--seed`` as a repetition, or ``all``."""
    if value == "all":
        return "all"
    try:
        return repetition(context, option, value)
    except click.BadParameter as error:
        raise click.BadParameter(f"{error.message}, nor 'all'", context, option) from None


@click.command("predict")
@click.argument("arm")
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True, type=click.Path())
@click.option("--to", required=True, metavar="DIR", help="Folder of the predictions; a new one.")
@benchmark_option
@click.option(
    "--seed",
    callback=_seeds,
    metavar="N|'N fold K'|all",
    help="Which repetition; all: their mean probability, with its spread beside it. "
    "[default: best on validation subjects]",
)
@click.option("--probabilities", is_flag=True, help="Also write probabilities, in probability/.")
@click.option(
    "--mask",
    metavar="PATH",
    help="File or folder of masks, outside of which is nothing. [default: masksTs beside imagesTs, "
    "else derived from each image]",
)
@click.option("--score", metavar="LABELS", help="File or folder of true labels to score against.")
@device_option
@json_option
@out_option
def command(
    arm: str,
    images: tuple[str, ...],
    to: str,
    benchmark: str | None,
    seed: Seeds,
    probabilities: bool,
    mask: str | None,
    score: str | None,
    device: str,
    as_json: bool,
    out: str,
) -> None:
    """Predict new scans with the segmenter that ARM trained.

    IMAGE is a NIfTI file, a folder of them, or an nnU-Net data set, whose imagesTs is meant; of an
    arm that learnt from pictures, a picture or a folder of them, which are read as then. Each
    scan is normalised, masked and thresholded as the benchmark's test subjects are; the mask is
    written on the scan's own grid, under its name; that of a picture is a PNG file. What an
    interrupted call has finished is kept: the same call goes on.
    """
    from vbench.cli.folders import benchmark_folders
    from vbench.cli.scores import show, to_json
    from vbench.cli.steps import Steps
    from vbench.trained.predict import predict

    stop_as_by_hand()
    (place,) = benchmark_folders(benchmark, [Path(out)])
    made = predict(
        arm,
        images,
        to,
        benchmark=place.name,
        out=out,
        seed=seed,
        probabilities=probabilities,
        mask=mask,
        score=score,
        device=device,
        progress=Steps(),
    )
    for remark in made.remarks:
        click.echo(f"note: {remark}", err=True)
    if as_json:
        scores = None if made.scores is None else to_json(made.scores)
        click.echo(json.dumps({**made.about.to_json(), "scores": scores}, indent=1))
        return
    if made.scores is not None and made.scores.unmeasured:
        from vbench.data.pictures import UNMEASURED

        click.echo(UNMEASURED, err=True)
    if made.scores is not None:
        show(made.scores)
    done = counted(len(made.about.images), "prediction")
    seconds = sum(image.seconds for image in made.about.images)
    by = ", ".join(map(str, made.about.made.seeds))
    click.echo(f"{to}: {done} by {arm}, seed {by}, in {seconds:.1f} s")
