"""What the phantom adds to the command line: ``vbench data morphology``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from vbench import hookimpl


@hookimpl
def vbench_cli(group: click.Group) -> None:
    """Add ``vbench data morphology``."""
    data = group.get_command(click.Context(group), "data")
    if isinstance(data, click.Group):
        data.add_command(morphology)


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
def morphology(files: tuple[Path, ...], as_json: bool) -> None:
    """Measure vessel trees: SWC centre lines, each of FILES one brain.

    Prints percentiles of lengths, radii, angles and counts beside those of 51 traced brains.
    """
    from vbench_plugins.phantom.morphology import markdown, measure
    from vbench_plugins.phantom.swc import read_swc

    table = measure([read_swc(path) for path in files])
    if as_json:
        click.echo(json.dumps({name: row._asdict() for name, row in table.items()}, indent=1))
    else:
        click.echo(markdown(table), nl=False)
