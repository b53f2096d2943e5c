"""``vbench plugins``: what is installed, with version, origin, load errors; scaffold a new one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from vbench.cli.common import json_option
from vbench.types import Kind

if TYPE_CHECKING:
    from vbench.cli.terminal import Console
    from vbench.registry import Registry

KINDS: tuple[Kind, ...] = get_args(Kind)


@click.group("plugins", invoke_without_command=True)
@json_option
@click.option("--verbose", is_flag=True, help="With parameters, papers and full load errors.")
@click.option("--kind", type=click.Choice(KINDS), help="Only this kind.")
@click.option(
    "--file",
    "files",
    multiple=True,
    type=click.Path(dir_okay=False),
    help="Also load this plugin file.",
)
@click.pass_context
def command(
    ctx: click.Context, as_json: bool, verbose: bool, kind: str | None, files: tuple[str, ...]
) -> None:
    """List the plugins that vbench finds, and those that it could not load.

    The environment variable VBENCH_PLUGINS=a,b limits loading to the built-in plugins and these
    distributions or entry points; VBENCH_PLUGINS_STRICT=1 makes a load error fatal.
    """
    if ctx.invoked_subcommand is not None:
        return
    from vbench import registry
    from vbench.registry import catalogue

    found = registry.load(files)
    entries = [e for e in found.entries() if kind in (None, e.cls.kind)]
    plugins = [catalogue.describe(entry) for entry in entries]
    if as_json:
        failures = [vars(failure) for failure in found.failures]
        click.echo(json.dumps({"plugins": plugins, "failures": failures}, indent=1))
        return
    from vbench.cli.terminal import Console

    console = Console()
    for wanted in KINDS:
        chosen = [about for about in plugins if about["kind"] == wanted]
        if chosen:
            _table(console, wanted, chosen, verbose)
    _failures(console, found, verbose)


def _table(console: Console, kind: str, plugins: list[dict[str, Any]], verbose: bool) -> None:
    if verbose:
        for about in plugins:
            _details(console, about)
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column(f"{kind}s", no_wrap=True, min_width=20)
    table.add_column("from", no_wrap=True)
    table.add_column("")
    for about in plugins:
        table.add_row(Text(about["name"], "cyan"), Text(_from(about)), Text(about["description"]))
    console.print(table)
    console.print()


def _from(about: dict[str, Any]) -> str:
    if about["origin"] == "file":
        return Path(about["distribution"]).name
    return f"{about['distribution']} {about['version']}"


def _details(console: Console, about: dict[str, Any]) -> None:
    from rich.text import Text

    from vbench.registry.catalogue import limits_text, tune_text

    origin = about["origin"] if about["origin"] != "file" else "a local file"
    title = Text.assemble(
        (about["name"], "bold cyan"), f"  {about['kind']}, {_from(about)} ({origin})"
    )
    console.print(title)
    facts = [about["description"], about["paper"] and f"Paper: {about['paper']}"]
    if "ndims" in about:
        facts.append("Patches: " + ", ".join(f"{n}D" for n in about["ndims"]))
    if "classes" in about:
        facts.append(f"Classes: {about['classes']}; channels: {about['channels']}")
    if "unit" in about:
        better = {True: "higher is better", False: "lower is better", None: "no direction"}
        unit = f"in {about['unit']}, " if about["unit"] else ""
        facts.append(f"{about['id']}: {about['family']}, {unit}{better[about['higher_is_better']]}")
    for fact in filter(None, facts):
        console.print(Text(f"  {fact}"))
    for p in about["parameters"]:
        default = "required" if p["required"] else f"= {json.dumps(p['default'])}"
        line = Text.assemble(("    " + p["name"], "cyan"), f"  {p['type']} {default}")
        if p["unit"]:
            line.append(f" {p['unit']}")
        for fact in (limits_text(p), p["tune"] and f"tuned over {tune_text(p)}"):
            line.append(f"  {fact}" if fact else "", "yellow")
        console.print(line, soft_wrap=True)
        console.print(Text(f"        {p['help']}"), soft_wrap=True)
    console.print()


def _failures(console: Console, found: Registry, verbose: bool) -> None:
    from rich.text import Text

    for failure in found.failures:
        console.print(Text.assemble(("not loaded  ", "bold red"), failure.origin))
        console.print(Text(f"  {failure.message}"))
        if verbose and failure.traceback:
            console.print(Text(failure.traceback, "dim"))
    if found.failures and not verbose:
        console.print("`vbench plugins --verbose` shows these errors in full.")


@command.command("show")
@click.argument("name")
@json_option
def show(name: str, as_json: bool) -> None:
    """Show all that is known of the plugin NAME: parameters, ranges, paper."""
    from vbench.cli.terminal import Console
    from vbench.registry import catalogue
    from vbench.registry.named import entries_called

    plugins = [catalogue.describe(entry) for entry in entries_called(name)]
    if as_json:
        click.echo(json.dumps(plugins, indent=1))
        return
    for about in plugins:
        _details(Console(), about)


@command.command("new")
@click.argument("name")
@click.option("--kind", type=click.Choice(KINDS), required=True, help="What it is.")
@click.option(
    "--dir",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder to write; must be empty or new.  [default: NAME]",
)
def new(name: str, kind: Kind, folder: Path | None) -> None:
    """Write a small, complete package with a plugin NAME that works and passes its tests.

    It holds one module to change, its conformance test, a spec that runs it, and a
    pyproject.toml that makes vbench find it when it is installed.
    """
    from vbench.cli.scaffold import write_package
    from vbench.usertext import shell_word

    folder = folder or Path(name)
    for path in write_package(name, kind, folder):
        click.echo(path)
    module = name.replace("-", "_")
    click.echo(f"\nNow: cd {shell_word(folder)} && vbench check {module}.py && vbench run try.toml")
