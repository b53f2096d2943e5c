"""``vbench check``: the conformance kit on plugins, without pytest."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict
from itertools import groupby
from textwrap import indent
from typing import TYPE_CHECKING, Any

import click

from vbench.cli.common import json_option, set_option, settings
from vbench.cli.plugins import KINDS

if TYPE_CHECKING:
    from vbench.cli.terminal import Console
    from vbench.testing import Outcome

_SIGN = {"passed": ("ok", "green"), "failed": ("FAILED", "bold red"), "skipped": ("-", "yellow")}


@click.command("check")
@click.argument("names", nargs=-1, metavar="NAME...")
@click.option("--all", "everything", is_flag=True, help="Check every plugin that is installed.")
@click.option(
    "--kind", type=click.Choice(KINDS), help="Only this kind, if several kinds share a name."
)
@set_option("A parameter for the checks, such as --set path=/data/Dataset001; VALUE is TOML.")
@click.option("--only", multiple=True, metavar="CHECK", help="Only this check; may be repeated.")
@click.option(
    "--seconds", default=120.0, show_default=True, help="A check that takes longer has failed."
)
@click.option("--verbose", is_flag=True, help="With tracebacks.")
@json_option
def command(
    names: tuple[str, ...],
    everything: bool,
    kind: str | None,
    overrides: tuple[str, ...],
    only: tuple[str, ...],
    seconds: float,
    verbose: bool,
    as_json: bool,
) -> None:
    """Check that the plugin NAME does what vbench relies on.

    NAME is an installed plugin, or a Python file with plugins. Contract, shapes and ranges, seeds,
    saving and resuming, random state, network: the same checks as `vbench.testing` for pytest.
    Each plugin is checked in a process of its own, so one that prints, exits or hangs harms
    nothing. A check that does not end has failed, and the rest of that plugin's are skipped.
    Exit code 0 when all pass, 1 when a check fails, 2 when there is no such plugin.
    """
    from vbench.testing.apart import Wanted, check

    if everything == bool(names):
        raise click.UsageError("name the plugins to check, or use --all")
    wanted = Wanted(names, kind, settings(overrides), only, seconds)
    reports = []
    try:
        for checked in check(wanted):
            outcomes = checked.outcomes()
            if not as_json:
                outcomes = _printed(checked.about, outcomes, verbose)
            reports.append(_report(checked.about, list(outcomes)))
            if verbose and checked.printed and not as_json:
                click.echo(f"it printed:\n{indent(checked.printed, '  ')}\n")
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        click.echo(json.dumps({"plugins": reports}, indent=1))
    elif len(reports) > 1:
        total = {word: sum(report[word] for report in reports) for word in ("ran", "failed")}
        click.echo(f"{len(reports)} plugins: {total['ran']} checks ran, {total['failed']} failed")
    sys.exit(1 if any(report["failed"] for report in reports) else 0)


def _printed(
    about: Mapping[str, Any], outcomes: Iterable[Outcome], verbose: bool
) -> Iterator[Outcome]:
    """Print outcomes as they come: one line for the cases of a check that ended alike."""
    from vbench.cli.terminal import Console

    console = Console(highlight=False)
    console.print(f"{about['kind']} {about['name']}", style="bold", end=", ")
    console.print(about["distribution"], markup=False, end=" ")
    console.print(about["version"])
    counts: Counter[str] = Counter()
    said: dict[tuple[str, str], list[str]] = {}  # the checks that ended in the same words
    spent = 0.0
    for _, group in groupby(outcomes, key=lambda outcome: outcome.check):
        alike: dict[tuple[str, str], list[Outcome]] = {}
        for outcome in group:
            alike.setdefault((outcome.status, outcome.message), []).append(outcome)
            counts[outcome.status] += 1
            spent += outcome.seconds
            yield outcome
        for words, same in alike.items():
            checks = said.setdefault(words, [])
            checks.append(same[0].check)
            if verbose or len(checks) == 1 or not same[0].message:
                _print_line(console, same, verbose)
    if not verbose:
        _print_folded(console, said)
    console.print(
        f"  {counts['passed'] + counts['failed']} checks ran: {counts['passed']} passed, "
        f"{counts['failed']} failed; {counts['skipped']} skipped ({spent:.1f} s)\n"
    )


def _print_line(console: Console, same: list[Outcome], verbose: bool) -> None:
    from rich.text import Text

    first = same[0]
    sign, style = _SIGN[first.status]
    cases = ", ".join(outcome.case for outcome in same if outcome.case)
    line = Text.assemble(("  " + sign.ljust(8), style), first.about)
    if cases:
        line.append(f"  {cases}", "dim")
    console.print(line, soft_wrap=True)
    if first.status == "failed":
        console.print(Text(f"          {first.check}: {first.message}"), soft_wrap=True)
        if verbose and first.traceback:
            console.print(Text(first.traceback, "dim"), soft_wrap=True)
    elif first.status == "skipped":
        console.print(Text(f"          skipped: {first.message}", "dim"), soft_wrap=True)


def _print_folded(console: Console, said: Mapping[tuple[str, str], Collection[str]]) -> None:
    """Print once for all what further checks ended in, when its first one stands above."""
    from rich.text import Text

    for (status, message), (first, *more) in said.items():
        if message and more:
            sign, style = _SIGN[status]
            count = (
                f"The same as {first} in {len(more)} more check{'s' * (len(more) > 1)}: {message}"
            )
            console.print(Text.assemble(("  " + sign.ljust(8), style), count), soft_wrap=True)
            console.print(Text(f"          {', '.join(more)}", "dim"), soft_wrap=True)


def _report(about: Mapping[str, Any], outcomes: list[Outcome]) -> dict[str, Any]:
    counts = Counter(outcome.status for outcome in outcomes)
    return {
        **about,
        "ran": counts["passed"] + counts["failed"],
        "failed": counts["failed"],
        "skipped": counts["skipped"],
        "checks": [asdict(outcome) for outcome in outcomes],
    }
