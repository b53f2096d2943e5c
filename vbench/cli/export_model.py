"""``vbench export-model``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from vbench.cli.common import benchmark_option, out_option, repetition_option, stop_as_by_hand

if TYPE_CHECKING:
    from vbench.trained.export_model import Format


@click.command("export-model")
@click.argument("arm")
@click.argument("folder", type=click.Path(path_type=Path))
@benchmark_option
@repetition_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["bundle", "onnx"]),
    default="bundle",
    show_default=True,
    help="A MONAI bundle, with an ONNX file where the extra onnx is installed; or that file alone.",
)
@click.option("--licence", metavar="TEXT", help="Of the model, such as CC-BY-4.0.")
@click.option("--authors", metavar="TEXT", help="Who made the model.")
@click.option("--cite", metavar="TEXT", help="How to cite the model.")
@out_option
def command(
    arm: str,
    folder: Path,
    benchmark: str | None,
    seed: int | str | None,
    form: str,
    licence: str | None,
    authors: str | None,
    cite: str | None,
    out: str,
) -> None:
    """Write the segmenter that ARM trained to FOLDER, for use without vbench.

    The bundle's own network, built from its own files, is checked against vbench's. README.md is a
    model card; what nobody said of licence, authors and citation, it says was not stated.
    """
    from vbench.cli.folders import benchmark_folders
    from vbench.trained.export_model import export_model

    stop_as_by_hand()
    (place,) = benchmark_folders(benchmark, [Path(out)])
    made = export_model(
        arm,
        folder,
        benchmark=place.name,
        out=out,
        seed=seed,
        form=cast("Format", form),
        licence=licence,
        authors=authors,
        citation=cite,
    )
    for remark in made.remarks:
        click.echo(f"note: {remark}", err=True)
    onnx = "" if made.onnx is None else f"; ONNX by at most {made.onnx:.1g}"
    click.echo(
        f"{folder}: probabilities differ from vbench's by at most {made.difference:.1g}{onnx}"
    )
