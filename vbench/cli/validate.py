"""``vbench validate``."""

from __future__ import annotations

import sys

import click

from vbench.cli.common import spec_argument
from vbench.usertext import counted


@click.command("validate")
@spec_argument
def command(spec: str, overrides: tuple[str, ...]) -> None:
    """Check the benchmark SPEC, its plugins and its data; one line for each fault.

    SPEC is a TOML file, or the name of a benchmark that vbench ships.

    Exit code 0 when all is sound, 2 when something is wrong.
    """
    from vbench import api

    found, remarks = api.checked(spec, overrides)
    for line in found:
        click.echo(line, err=True)
    if found:
        click.echo(f"{counted(len(found), 'fault')} in {spec}", err=True)
        sys.exit(2)
    click.echo(f"{spec} is sound")
    for line in remarks:
        click.echo(f"remark: {line}")
