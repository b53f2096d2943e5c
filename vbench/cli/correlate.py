"""``vbench correlate``: do cheap scores of synthetic patches predict what is trained on them?"""

from __future__ import annotations

from pathlib import Path

import click

from vbench.cli.common import json_option
from vbench.cli.folders import benchmark_folders, benchmarks
from vbench.defaults import OUT


@click.command()
@click.argument("names", nargs=-1, metavar="[BENCHMARK]...")
@click.option(
    "--out",
    "outs",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Results folder; may be repeated.  [default: results]",
)
@click.option("--metric", help="The segmentation metric.  [default: that arms are ranked by]")
@json_option
def command(
    names: tuple[str, ...], outs: tuple[Path, ...], metric: str | None, as_json: bool
) -> None:
    """Say how each fidelity score orders arms, beside the order that the segmenter gives them.

    Rank correlation over all audited arms of all named benchmarks, with 95 % intervals; the table
    is Markdown. Without BENCHMARK: all that the results folders hold.
    """
    from vbench.analysis.correlation import LEAST, correlations
    from vbench.analysis.folder import read_results
    from vbench.errors import StoreError
    from vbench.markdown import escape, table

    folders = outs or (Path(OUT),)
    wanted = names or tuple(dict.fromkeys(name for out in folders for name in benchmarks(out)))
    paths = [path for name in wanted or (None,) for path in benchmark_folders(name, folders)]
    found = correlations((read_results(path) for path in paths), metric)
    if not found:
        raise StoreError(
            f"{', '.join(map(str, paths))}: fewer than {LEAST} arms have a fidelity score, "
            f"{f'a score {metric}' if metric else 'a score'} and a real arm beside them; list "
            "metrics.fidelity and several generators"
        )
    if as_json:
        import json
        from dataclasses import asdict

        click.echo(json.dumps([asdict(one) for one in found], indent=1))
        return
    header = ["score", "within benchmarks", "all arms", "arms", "generators", "benchmarks"]
    rows = [
        [
            escape(one.metric if one.directed else f"{one.metric} (no direction)"),
            _number(one.within, one.within_ci95),
            _number(one.rho, one.rho_ci95),
            *map(str, (one.arms, one.generators, one.benchmarks)),
        ]
        for one in found
    ]
    click.echo("\n".join(table(header, rows)))


def _number(value: float | None, ci: tuple[float, float] | None) -> str:
    if value is None:
        return "–"
    return f"{value:+.2f}" + (f" [{ci[0]:+.2f}, {ci[1]:+.2f}]" if ci else "")
