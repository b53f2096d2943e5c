"""``vbench init``: a first spec."""

from __future__ import annotations

from pathlib import Path

import click

from vbench.cli.common import set_option


@click.command("init")
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path))
@click.option("--data", type=click.Path(path_type=Path), help="Your data set: a folder or a table.")
@click.option(
    "--layout", help="nnunet, bids, images, … or a recipe.  [default: what it looks like]"
)
@set_option("Set a parameter of the layout, such as --set pixel_size=0.01; it stands in the spec.")
def command(
    folder: Path, data: Path | None, layout: str | None, overrides: tuple[str, ...]
) -> None:
    """Write a commented spec that runs, benchmark.toml in DIR.

    With --data it fits that data set: its layout, how many subjects there are, the size of its
    volumes. Without, it is about the phantom, which needs no download. Nothing is overwritten.
    """
    from vbench.cli.first_spec import write_spec
    from vbench.usertext import shell_word

    if data is None and (layout or overrides):
        raise click.UsageError("--layout and --set are about a data set; name it with --data")
    path, known = write_spec(folder, data, layout, overrides)
    for line in known:
        click.echo(line)
    word = shell_word(path)
    click.echo(f"{path}: try `vbench validate {word}`, then `vbench run {word}`")
