"""``vbench leaderboard``: the arms, ranked, with intervals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vbench.cli.folders import benchmark_folders


@click.command()
@click.argument("benchmark", required=False)
@click.option(
    "--out",
    "outs",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Results folder; repeat to merge several.  [default: results]",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "md", "latex", "csv", "json"]),
    default="table",
    show_default=True,
    help="How to print it.",
)
@click.option("--metric", "metrics", multiple=True, help="Show this metric; may be repeated.")
@click.option(
    "--history",
    "former",
    metavar="[N]",
    is_flag=False,
    flag_value="all",
    help="List the boards that changed specs left behind, or show that of number N.",
)
@click.option("--classes", is_flag=True, help="Show a table of each class, where labels have some.")
@click.option(
    "--by",
    multiple=True,
    metavar="COLUMN",
    help="Show a table by this column of the data set's `subgroups`; may be repeated.",
)
def command(
    benchmark: str | None,
    outs: tuple[Path, ...],
    form: str,
    metrics: tuple[str, ...],
    former: str | None,
    classes: bool,
    by: tuple[str, ...],
) -> None:
    """Rank the arms of BENCHMARK, with intervals.

    Without BENCHMARK: the one in the results folder. The statistics are recomputed from the
    records, so it works while a run is still under way.

    A run whose spec, data or plugins differ from the last one's under that name keeps the former
    board. --history lists what was kept, and what was changed each time; --history 2 shows one.
    """
    from vbench.analysis import merge_folders, table
    from vbench.analysis.subgroups import subgroups_csv
    from vbench.errors import SpecError, did_you_mean

    folders = benchmark_folders(benchmark, outs)
    if former is not None:
        from vbench.cli.history import former_board, print_history

        if former == "all":
            return print_history(folders, form)
        leaderboard = former_board(folders, former)
    else:
        leaderboard = merge_folders(folders)
    for name in metrics:
        if name not in leaderboard["metrics"]:
            for family in ("fidelity", "privacy"):
                if any(name in row[family] for row in leaderboard["rows"]):
                    raise SpecError(
                        f"--metric {name}: a {family} score, which ranks no arm; it stands in the "
                        "table 'synthetic patches', which is shown without --metric"
                    )
            known = list(leaderboard["metrics"])
            raise SpecError(f"--metric {name}: not scored here{did_you_mean(name, known)}")
    if classes and not any(row.get("classes") for row in leaderboard["rows"]):
        raise SpecError(
            "--classes: the labels have one class here; 'labels' of a spec's data set names several"
        )
    by = _columns(leaderboard, by)
    if form == "csv" and classes and by:
        raise click.UsageError("--classes and --by are two tables; ask for one as CSV")
    if form == "json":
        import json

        click.echo(json.dumps(leaderboard, indent=1, ensure_ascii=False))
    elif form == "csv":
        shown = table.classes_csv(leaderboard) if classes else table.to_csv(leaderboard)
        click.echo(subgroups_csv(leaderboard, by) if by else shown, nl=False)
    elif form == "latex":
        click.echo(table.latex(leaderboard, metrics, classes=classes, by=by), nl=False)
    elif form == "md":
        click.echo(table.markdown(leaderboard, metrics, classes=classes, by=by), nl=False)
    else:
        from vbench.cli.terminal import Console

        Console().print(table.render_table(leaderboard, metrics, classes=classes, by=by))


def _columns(leaderboard: dict[str, Any], by: tuple[str, ...]) -> tuple[str, ...]:
    """Return the columns as the spec names them, capitals or not.

    Raises:
        SpecError: When the spec does not name one.
    """
    from vbench.errors import SpecError, did_you_mean

    groups = leaderboard.get("subgroups") or {}
    known = list(dict.fromkeys(column for columns in groups.values() for column in columns))
    named = {column.lower(): column for column in known}
    for column in by:
        if column.lower() not in named:
            raise SpecError(
                f"--by {column}: "
                + (f"subgroups here are {', '.join(known)}" if known else "no subgroups here")
                + (did_you_mean(column, known) if known else "")
                + f'; to add one, put subgroups = ["{column}"] into the data set of the spec and '
                "run it again, which trains nothing anew"
            )
    return tuple(named[column.lower()] for column in by)
