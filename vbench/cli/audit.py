"""``vbench audit``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from vbench.cli.common import json_option, out_option


@click.command("audit")
@click.argument("folder", type=click.Path(path_type=Path))
@out_option
@json_option
def command(folder: Path, out: str, as_json: bool) -> None:
    """Audit the exported data set in FOLDER against the patients that its generator learnt from."""
    from vbench.share.datasheet import number
    from vbench.share.rerun import audit_export

    scores = audit_export(folder, out=out)
    if as_json:
        click.echo(json.dumps(scores, indent=1))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold")
    for name in ("", "score", "this set", "as good as can be", "as bad as can be", ""):
        table.add_column(name, justify="left" if name in ("", "score") else "right")
    for family, metrics in scores.items():
        for name, found in metrics.items():
            note = found.get("fault") or ("ALARM" if found.get("alarm") else "")
            table.add_row(family, name, *map(number, _scale(found)), note)
    Console().print(table)


def _scale(found: dict[str, Any]) -> list[float | None]:
    return [found["value"], found["floor"], found["ceiling"]]
