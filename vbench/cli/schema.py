"""``vbench schema``: the JSON schema of specs, for editors."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command("schema")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write it to this file.  [default: print it]",
)
@click.option(
    "--file",
    "files",
    multiple=True,
    type=click.Path(dir_okay=False),
    help="Also include the plugins of this file.",
)
def command(out: Path | None, files: tuple[str, ...]) -> None:
    """Print the JSON schema of specs, with the parameters of all installed plugins.

    An editor with support for TOML schemas completes and checks a spec that begins with
    `#:schema vbench.schema.json`.
    """
    from vbench import registry
    from vbench.files import atomic_write
    from vbench.spec.schema import json_schema

    text = json.dumps(json_schema(registry.load(files)), indent=1, ensure_ascii=False) + "\n"
    if out is None:
        click.echo(text, nl=False)
        return
    with atomic_write(out) as temporary:
        temporary.write_text(text, encoding="utf-8")
    click.echo(out)
