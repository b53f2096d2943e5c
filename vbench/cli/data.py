"""``vbench data``: make, check and show data sets of files."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import click

from vbench.cli.common import PluginGroup, json_option, set_option, settings, written_layout_option
from vbench.cli.recipes import convert, recipes
from vbench.usertext import counted

_DATASET = click.Path(path_type=Path)


@click.group("data", cls=PluginGroup)
def command() -> None:
    """Make, check and show data sets."""


command.add_command(recipes)
command.add_command(convert)


def _layout_options(function: Any) -> Any:
    function = set_option("Set a parameter of the layout.")(function)
    return click.option(
        "--layout",
        help="nnunet, bids, manifest, images, or a recipe.  [default: what it looks like]",
    )(function)


@command.command()
@click.argument("plugin")
@click.argument("folder", metavar="DIR", type=_DATASET)
@written_layout_option
@click.option("--subjects", type=click.IntRange(min=1), help="How many.  [default: all it has]")
@click.option("--seed", type=click.IntRange(min=0), help="The source's parameter 'seed'.")
@set_option("Set a parameter of the source; VALUE is TOML. Such as --set shape=[312,384,127].")
def make(
    plugin: str,
    folder: Path,
    layout: str,
    subjects: int | None,
    seed: int | None,
    overrides: tuple[str, ...],
) -> None:
    """Write what the data source PLUGIN makes as NIfTI files below DIR.

    The truth that a phantom knows (tree, seeds, parameters) goes beside each label, as JSON, and
    its tree as SWC centre lines.
    """
    from rich.progress import track

    from vbench.data.write import write_dataset

    values = settings(overrides) | ({} if seed is None else {"seed": seed})
    source = build(plugin, values)
    names = source.subjects(subjects)[:subjects]
    loaded = (source.load(name) for name in track(names, "writing", transient=True))
    origin = {"plugin": plugin, "params": source.params.model_dump(mode="json")}
    written = write_dataset(folder, layout, loaded, origin, source.attachments)
    click.echo(f"{folder}: {len(written)} subjects, {layout} layout")


@command.command()
@click.argument("folder", metavar="DIR", type=_DATASET)
@_layout_options
@json_option
def check(folder: Path, layout: str | None, overrides: tuple[str, ...], as_json: bool) -> None:
    """Say all that is wrong with the data set in DIR, with file and mend.

    DIR is a folder in the nnU-Net or BIDS layout, one of 2D pictures, or a CSV manifest. Exit code
    0 when the data set is sound (there may be remarks), 2 when it has faults.
    """
    from vbench.cli.terminal import Console
    from vbench.data.check import SHOWN, check_source, kind_of, more_of
    from vbench.data.folder import Fault

    source = open_folder(folder, layout, overrides)
    faults: list[Fault] = []
    seen: defaultdict[tuple[bool, str, str], list[Fault]] = defaultdict(list)
    console = Console(stderr=True)
    with console.status("reading") as status:
        for found in check_source(source):
            if isinstance(found, Fault):
                faults.append(found)
                alike = seen[found.serious, kind_of(found), found.mend]
                alike.append(found)
                if not as_json and len(alike) <= SHOWN:
                    console.file.flush()
                    click.echo(f"{_word(found)}: {found}")
            else:
                status.update(f"reading {found}")
    for alike in seen.values():
        if not as_json and len(alike) > SHOWN:
            click.echo(f"{_word(alike[0])}: {more_of(alike[0], len(alike) - SHOWN)}")
    serious = sum(fault.serious for fault in faults)
    n = len(source.listing.subjects)
    if as_json:
        rows = [
            {"file": str(f.file), "message": f.message, "mend": f.mend, "serious": f.serious}
            for f in faults
        ]
        click.echo(json.dumps({"layout": source.name, "subjects": n, "faults": rows}, indent=1))
    else:
        verdict = counted(serious, "fault") if serious else "sound"
        click.echo(f"{folder}: {source.name} layout, {n} subjects, {verdict}")
    sys.exit(2 if serious else 0)


@command.command()
@click.argument("folder", metavar="DIR", type=_DATASET)
@_layout_options
@click.option("--png", type=_DATASET, help="Write maximum-intensity projections here, as PNG.")
@json_option
def show(
    folder: Path,
    layout: str | None,
    overrides: tuple[str, ...],
    png: Path | None,
    as_json: bool,
) -> None:
    """Show the data set in DIR: fingerprint, shape, spacing, intensities, label fraction.

    Intensities and the label fraction are of the voxels within the mask.
    """
    from vbench.data.describe import describe, write_projections
    from vbench.data.write import make_folder

    source = open_folder(folder, layout, overrides)
    if png is not None:
        make_folder(png)
    rows = []
    for name in source.subjects():
        subject = source.load(name)
        rows.append(describe(subject) | {"fingerprint": source.fingerprint(name)})
        if png is not None:
            write_projections(png / f"{name}.png", subject)
    if as_json:
        click.echo(json.dumps({"layout": source.name, "subjects": rows}, indent=1))
    else:
        _print_table(rows, f"{folder} · {source.name} layout")


def _word(fault: Any) -> str:
    return "fault" if fault.serious else "remark"


def build(plugin: str, values: dict[str, Any]) -> Any:
    """Build a data source from a plugin's name and parameters."""
    from vbench import registry
    from vbench.spec.check import build_params

    cls = registry.default().source(plugin)
    return cls(build_params(cls.Params, values, plugin))


def open_folder(folder: Path, layout: str | None, overrides: tuple[str, ...]) -> Any:
    """Build the source of files that reads a folder: the layout named, or the one it looks like."""
    from vbench.cli.recipes import parameters, that_read
    from vbench.data.foreign import what_reads
    from vbench.data.layouts import detect, layouts
    from vbench.errors import DataError, did_you_mean
    from vbench.spec.shipped import recipes as recipe_names

    names = list(layouts())
    expected = f"one of {', '.join(names)}"
    if layout is None:
        found = detect(folder)
        if found is None:
            known = that_read(folder) if folder.is_dir() else []
            hint = what_reads(folder) or "see --layout"
            if known:
                hint = f"its names are those of the recipe '{known[0]}': --layout {known[0]}"
            raise DataError(f"{folder}: looks like {expected.replace('one', 'none')}; {hint}")
        layout = found.name
    if layout in recipe_names():
        plugin, values = parameters(layout, overrides)
        return build(plugin, values | {"path": str(folder)})
    if layout not in names:
        near = did_you_mean(layout, [*names, *recipe_names()])
        raise DataError(f"--layout {layout}: expected {expected}, or a recipe{near}")
    return build(layout, settings(overrides) | {"path": str(folder)})


def _print_table(rows: list[dict[str, Any]], title: str) -> None:
    from rich import box
    from rich.table import Table

    from vbench.cli.terminal import Console

    # Spacing in the file's own unit reads well for microscopy as for MR.
    units = {"mm": (1.0, "mm"), "micron": (1e3, "µm"), "meter": (1e-3, "m")}
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for name in ("subject", "shape", "spacing", "p1", "median", "p99", "vessel", "fingerprint"):
        left = name in {"subject", "fingerprint"}
        table.add_column(name, justify="left" if left else "right", no_wrap=True)
    for row in rows:
        edges = "unknown"
        if row["unit"] in units:
            factor, unit = units[row["unit"]]
            edges = "×".join(f"{edge * factor:.3g}" for edge in row["spacing"]) + f" {unit}"
        marks = row["intensity"]
        table.add_row(
            row["id"],
            "×".join(map(str, row["shape"])),
            edges,
            *(f"{marks[name]:.4g}" for name in ("p1", "median", "p99")),
            f"{row['label_fraction']:.2%}",
            row["fingerprint"][:12],
        )
    console = Console(markup=False)  # a path is no markup
    if not console.is_terminal:
        console = Console(width=200, markup=False)
    console.print(table)
    for origin in sorted({row["mask"] for row in rows} - {"given"}):
        named = [row["id"] for row in rows if row["mask"] == origin]
        console.print(f"mask {origin}: {', '.join(named)}")
