"""``vbench data recipes`` and ``convert``: public data sets, as they are downloaded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vbench.cli.common import json_option, set_option, settings, written_layout_option

if TYPE_CHECKING:
    from vbench.spec.about import About

#: What the table shows, with the key of ``about`` that fills each; the terminal shows the first.
_COLUMNS = {
    "modality": "modality",
    "images": "subjects",
    "licence": "licence",
    "labels": "labels",
}
_SHOWN = 3
#: What is told of each below the table.
_TOLD = {
    "Cite": "citation",
    "Had from": "address",
    "`path` is": "folder",
    "Persons": "person",
    "Read at": "read",
    "Not checked": "unchecked",
}


@click.command()
@click.argument("name", required=False)
@click.option("--markdown", is_flag=True, help="Print the table as Markdown.")
@json_option
def recipes(name: str | None, markdown: bool, as_json: bool) -> None:
    """List the public data sets that a recipe reads; with NAME, say all that is known of one.

    vbench downloads nothing: a recipe says where a set is had from, and how its files are named.
    """
    from vbench.spec.about import About
    from vbench.spec.recipes import recipe
    from vbench.spec.shipped import recipes as names

    found = {each: recipe(each).about or About() for each in ([name] if name else names())}
    if as_json:
        click.echo(json.dumps({each: a.model_dump() for each, a in found.items()}, indent=1))
    elif name:
        _tell(name, found[name])
    else:
        (_print_markdown if markdown else _print)(found)


@click.command()
@click.argument("recipe")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
@written_layout_option
@set_option("Set a parameter of the source.")
def convert(recipe: str, folder: Path, out: Path, layout: str, overrides: tuple[str, ...]) -> None:
    """Write the data set in DIR, which RECIPE reads, as NIfTI files below OUT.

    vbench itself reads DIR as it is; this is for other tools.
    """
    from rich.progress import track

    from vbench.cli.data import open_folder
    from vbench.data.write import write_dataset
    from vbench.spec.recipes import recipe as find

    about = find(recipe).about
    source = open_folder(folder, recipe, overrides)
    loaded = (source.load(name) for name in track(source.subjects(), "writing", transient=True))
    origin = {
        "plugin": source.name,
        "recipe": recipe,
        "params": source.params.model_dump(mode="json", exclude={"path"}),
        "about": about.model_dump() if about else {},
    }
    written = write_dataset(out, layout, loaded, origin)
    click.echo(f"{out}: {len(written)} subjects, {layout} layout")


def that_read(folder: Path) -> list[str]:
    """Return the recipes whose patterns name the files of a folder, from names only."""
    from vbench.cli.data import open_folder
    from vbench.errors import DataError
    from vbench.spec.shipped import recipes as names

    found = []
    for name in names():
        try:
            if open_folder(folder, name, ()).subjects():
                found.append(name)
        except DataError:
            continue
    return found


def parameters(name: str, overrides: tuple[str, ...]) -> tuple[str, dict[str, object]]:
    """Return the plugin of a recipe's source, and its parameters with these over them."""
    from vbench.spec.recipes import recipe

    source = recipe(name)
    return source.plugin, source.params | settings(overrides)


def _tell(name: str, about: About) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from vbench.cli.terminal import Console

    table = Table(box=box.SIMPLE, show_header=False, title=about.title, title_justify="left")
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for key, value in about.model_dump(exclude={"title"}).items():
        shown = "\n".join(value) if isinstance(value, list) else value
        if shown:
            table.add_row(key, Text(shown))
    Console().print(table)
    click.echo(f"vbench data check DIR --layout {name}")
    click.echo(f"vbench run {name} --set data.source.path=DIR")


def _print(found: Mapping[str, About]) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from vbench.cli.terminal import Console

    table = Table(box=box.SIMPLE_HEAD)
    for column in ("recipe", *list(_COLUMNS)[:_SHOWN]):
        table.add_column(column, overflow="fold", no_wrap=column == "recipe")
    for name, about in found.items():
        cells = [getattr(about, key) for key in list(_COLUMNS.values())[:_SHOWN]]
        table.add_row(*map(Text, (name, *cells)))
    Console().print(table)
    click.echo("vbench data recipes NAME says more of one")


def _print_markdown(found: Mapping[str, About]) -> None:
    from vbench.markdown import escape, table

    rows = [
        (
            f"[{escape(about.title)}](#{name})",
            *(escape(getattr(about, key)) for key in _COLUMNS.values()),
        )
        for name, about in found.items()
    ]
    lines = table(("data set", *_COLUMNS), rows)
    for name, about in found.items():
        lines += ["", f"## {name}", "", f"**{escape(about.title)}.** {escape(about.labels)}.", ""]
        for word, key in _TOLD.items():
            value = getattr(about, key)
            text = ", ".join(value) if isinstance(value, list) else value
            if text:
                lines.append(f"- {word}: {_linked(escape(text))}")
    click.echo("\n".join(lines))


def _linked(text: str) -> str:
    """Return Markdown in which addresses are links."""
    import re

    return re.sub(r"https?://[^\s,;()]+", lambda found: f"<{found[0].replace(chr(92), '')}>", text)
