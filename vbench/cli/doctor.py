"""``vbench doctor``: what a bug report needs to know."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from vbench.cli.common import out_option


@click.command("doctor")
@out_option
def command(out: str) -> None:
    """Show versions, device, threads and whether folders can be written; exit 2 on a fault."""
    from rich.table import Table

    from vbench import registry
    from vbench.cli.terminal import Console
    from vbench.engine.provenance import provenance

    facts = provenance()
    table = Table(box=None, show_header=False)
    table.add_row("python", facts["python"])
    for name, version in facts["packages"].items():
        table.add_row(name, version)
    table.add_row("system", f"{facts['system']} {facts['machine']}")
    table.add_row("processor", f"{facts['processor']}, {facts['cpus']} cores")
    table.add_row("device", _device())
    plugins = registry.default()
    table.add_row("plugins", f"{len(list(plugins.entries()))} loaded")
    faults = [f"{failure.origin}: {failure.message}" for failure in plugins.failures]
    place = Path(out).resolve()
    while not place.exists():
        place = place.parent
    writable = os.access(place, os.W_OK)
    table.add_row("results", f"{Path(out).resolve()}: {'writable' if writable else 'NOT writable'}")
    if not writable:
        faults.append(f"{place}: cannot be written; name another folder with --out")
    Console(markup=False).print(table)  # a path is no markup
    for fault in faults:
        click.echo(f"fault: {fault}", err=True)
    if faults:
        sys.exit(2)


def _device() -> str:
    import torch

    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
        return f"cuda: {', '.join(names)}"
    return f"cpu, {torch.get_num_threads()} threads, {torch.backends.cpu.get_cpu_capability()}"
