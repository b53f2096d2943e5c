"""``vbench plan``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click

from vbench.cli.common import duration, json_option, out_option, spec_argument

if TYPE_CHECKING:
    from vbench.engine.job import Job
    from vbench.engine.price import Price


def tuned(jobs: Iterable[Job]) -> list[str]:
    """Say which parameters are searched in which arms, and over what."""
    arms: dict[str, list[str]] = {}
    for job in jobs:
        trial = getattr(job.inputs, "trial_spec", None)
        space = trial.space if trial is not None else {}
        words = "; ".join(f"{axis} {_range(about)}" for axis, about in space.items())
        if words and job.arm is not None and job.arm not in arms.setdefault(words, []):
            arms[words].append(job.arm)
    return [f"tuned in {', '.join(names)}: {words}" for words, names in arms.items()]


def _range(axis: Mapping[str, Any]) -> str:
    if "choices" in axis:
        return f"of {', '.join(map(str, axis['choices']))}"
    return f"{axis['low']:g} – {axis['high']:g}" + (" (log)" if axis["log"] else "")


@click.command("plan")
@spec_argument
@out_option
@json_option
def command(spec: str, overrides: tuple[str, ...], out: str, as_json: bool) -> None:
    """List every job of the benchmark SPEC with its key, cached or new, and why; train nothing.

    SPEC is a TOML file, or the name of a benchmark that vbench ships.
    """
    from vbench import api

    jobs = api.plan(spec, out, overrides)
    if as_json:
        rows = [
            {
                "key": planned.job.key,
                "stage": planned.job.stage,
                "label": planned.job.label,
                "arm": planned.job.arm,
                "seed": planned.job.seed,
                "trial": planned.job.trial,
                "needs": list(planned.job.needs),
                "status": "cached" if planned.cached else "new",
                "reason": planned.reason or None,
                "seconds": planned.seconds,
            }
            for planned in jobs
        ]
        click.echo(json.dumps(rows, indent=1))
        return
    from rich.table import Table
    from rich.text import Text

    from vbench.cli.terminal import Console

    table = Table(box=None, header_style="bold")
    for name in ("key", "stage", "job", "status", "why"):
        table.add_column(name, no_wrap=name in ("key", "stage", "status"))
    for planned in jobs:
        table.add_row(
            planned.job.key[:12],
            planned.job.stage,
            Text(planned.job.label),
            Text("cached", "green") if planned.cached else Text("new", "yellow"),
            Text(planned.reason, "dim"),
        )
    console = Console()
    console.print(table)
    for line in tuned(planned.job for planned in jobs):
        console.print(line, highlight=False, soft_wrap=True)
    new = [planned for planned in jobs if not planned.cached]
    line = f"{len(jobs)} jobs: {len(jobs) - len(new)} cached, {len(new)} new"
    shadows = [p for p in jobs if p.job.stage == "fit-generator" and p.job.seed is None]
    shadows = [p for p in shadows if "remarks" not in p.job.extra]
    if shadows:
        left = sum(not planned.cached for planned in shadows)
        line += f"; {len(shadows)} trainings are for attacks, {left} of them new"
    console.print(line, highlight=False, soft_wrap=True)
    if new:
        console.print(priced(jobs.price), highlight=False, soft_wrap=True)


def priced(price: Price) -> str:
    """Say what the new jobs will cost."""
    if not price.measured_on:
        return "price: not known; `vbench run SPEC --rehearse` measures every kind of job"
    on_gpu = f" and {price.gpu_memory_gb:.1f} GiB of a GPU's" if price.gpu_memory_gb else ""
    text = (
        f"price: {hours(price.gpu_hours)} in stages that take a GPU, {hours(price.cpu_hours)} in "
        f"others, one after the other; {price.disk_gb:.1f} GiB of disk; jobs of at least "
        f"{price.memory_gb:.1f} GiB of memory{on_gpu}; by jobs measured with "
        f"{'; '.join(price.measured_on)}"
    )
    if price.unknown:
        text += f"; without {price.unknown} jobs of kinds that were never measured"
    return text


def hours(number: float) -> str:
    """Return hours as people say them."""
    return f"{number:,.0f} h" if number >= 100 else duration(3600 * number)
