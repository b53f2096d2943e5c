"""``vbench score``: predictions against truths, of files or folders, without a benchmark."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vbench.cli.common import json_option

if TYPE_CHECKING:
    from rich.table import Table

    from vbench.cli.terminal import Console
    from vbench.scoring.score import Case, Scores

#: Characters that a value takes in a table, with its mark, and those between two columns.
_VALUE, _GAP = 11, 2
#: Subjects without a prediction that are named.
_NAMED = 8
#: Pictures that ``--overlays`` writes.
_WORST = 5


def _pixel(
    context: click.Context, option: click.Parameter, value: str | None
) -> tuple[float, float] | None:
    """Read ``W`` or ``W,H``."""
    if value is None:
        return None
    try:
        edges = [float(part) for part in value.split(",")]
    except ValueError:
        edges = []
    if len(edges) not in (1, 2) or not all(0 < edge < float("inf") for edge in edges):
        raise click.BadParameter(
            f"{value!r}: expected an edge in mm above 0, such as 0.011, or width and height, such "
            "as 0.02,0.01",
            context,
            option,
        )
    return edges[0], edges[-1]


@click.command()
@click.option("--pred", required=True, metavar="P", help="Predicted masks: a file or folder.")
@click.option("--truth", required=True, metavar="T", help="True masks: a file or folder.")
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    metavar="NAME",
    help="Such as hd95; may be repeated.  [default: all segmentation metrics]",
)
@click.option("--classes", is_flag=True, help="Score each value of the label maps on its own.")
@click.option(
    "--class",
    "named",
    multiple=True,
    metavar="NAME=N[,N…]",
    help="Name a class by its value or values, such as artery=1,2,3; may be repeated. Scores each "
    "class that is there, and their mean over a subject, as a benchmark does. background=9 and "
    "background=rest leave values out.",
)
@click.option(
    "--ignore",
    "ignore",
    type=click.IntRange(min=1),
    multiple=True,
    metavar="N",
    help="The truth's value of voxels that nobody labelled: they do not count; may be repeated.  "
    "[default: what dataset.json beside the truth's folder calls ignore]",
)
@click.option(
    "--pixel-size",
    "pixel_size",
    callback=_pixel,
    metavar="W[,H]",
    help="Of pictures: edge of a pixel in mm, or its width and height.  [default: distances count "
    "pixels]",
)
@json_option
@click.option("--csv", "csv_path", metavar="F", help="Write all values to this CSV file.")
@click.option(
    "--overlays",
    metavar="DIR",
    help=f"Write pictures of the {_WORST} worst subjects, by the first metric: white is found, "
    "blue missed, orange false; the patient's right is on the left.",
)
@click.option("--seed", default=0, show_default=True, help="For metrics that draw at random.")
def command(
    pred: str,
    truth: str,
    metrics: tuple[str, ...],
    classes: bool,
    named: tuple[str, ...],
    ignore: tuple[int, ...],
    pixel_size: tuple[float, float] | None,
    as_json: bool,
    csv_path: str | None,
    overlays: str | None,
    seed: int,
) -> None:
    """Score predictions against truths: NIfTI files, or pictures (PNG, TIFF, JPEG …).

    Folders are matched by file name: BIDS names by all their entities, in any order; others
    without what says of which kind the file is (_pred, _label, _seg, _0000). References without a
    prediction are named and left out; a prediction without a reference is an error. Spacing and
    orientation are read from the headers; the size of a picture's pixels is given by --pixel-size.
    All label values above 0 count as vessel, unless --classes is given. Without --metric, all
    segmentation metrics that are installed.

    Exits with 1 when a metric failed on some subject, with 2 when the files do not fit, or --csv
    or --overlays cannot be written; the scores are printed all the same.
    """
    from vbench.data.datasetjson import ignore_beside
    from vbench.data.pictures import UNMEASURED
    from vbench.scoring.score import score_files

    if classes and named:
        raise click.UsageError("--classes and --class: take one; --class names the classes")
    ignored = ignore or ignore_beside(Path(truth))
    if ignored and not ignore:
        values = ", ".join(map(str, ignored))
        click.echo(f"voxels of label {values} (ignore, in dataset.json) do not count", err=True)
    outputs: dict[str, tuple[str, Callable[[Scores], None]]] = {}
    if csv_path is not None:
        outputs["--csv"] = csv_path, lambda scores: _write_csv(Path(csv_path), scores)
    if overlays is not None:
        outputs["--overlays"] = (
            overlays,
            lambda scores: _write_overlays(
                Path(overlays), pred, truth, scores, as_json, ignored, classes or bool(named)
            ),
        )
    # Said before hours of scoring; the scores are printed all the same.
    unwritten = {
        option
        for option, (place, _) in outputs.items()
        if not _succeeds(option, place, partial(_probe, place, folder=option == "--overlays"))
    }
    scores = score_files(
        pred,
        truth,
        metrics or None,
        classes=_classes(named) if named else classes,
        ignore=ignore or None,
        pixel_size=pixel_size,
        seed=seed,
        progress=_progress(as_json),
    )
    if scores.unmeasured:
        click.echo(f"{UNMEASURED}; --pixel-size gives it, in mm", err=True)
    if as_json:
        import json

        click.echo(json.dumps(to_json(scores), indent=1))
    else:
        show(scores)
    for option, (place, write) in outputs.items():
        if option not in unwritten and not _succeeds(option, place, partial(write, scores)):
            unwritten.add(option)
    if scores.missing:
        scored = len({case.subject for case in scores.cases})
        names = ", ".join(scores.missing[:_NAMED])
        more = f" and {len(scores.missing) - _NAMED} more" if len(scores.missing) > _NAMED else ""
        click.echo(
            f"{len(scores.missing)} of {scored + len(scores.missing)} references have no "
            f"prediction, and are in no mean: {names}{more}",
            err=True,
        )
    failed = [case for case in scores.cases if case.status == "failed"]
    for case in failed:
        click.echo(f"vbench: {case.metric} failed on {case.subject}: {case.fault}", err=True)
    if unwritten or failed:
        sys.exit(2 if unwritten else 1)


def _classes(named: Sequence[str]) -> dict[str, Any]:
    """Read ``NAME=N,N`` as the table that a spec has.

    Raises:
        UsageError: When one is no such thing.
    """
    table: dict[str, Any] = {}
    for text in named:
        name, equals, values = text.rpartition("=")
        parts = [part.strip() for part in values.split(",")]
        rest = (name.strip(), values.strip()) == ("background", "rest")
        if not equals or not name.strip() or not (rest or all(p.isdecimal() for p in parts)):
            raise click.UsageError(
                f"--class {text!r}: expected NAME=N or NAME=N,N, such as artery=1,2,3"
            )
        if name.strip() in table:
            raise click.UsageError(f"--class {name.strip()}: named twice; list its values in one")
        table[name.strip()] = "rest" if rest else [int(part) for part in parts]
    return table


def _succeeds(option: str, place: str, write: Callable[[], None]) -> bool:
    """Return whether something can be written; else say in one line why not."""
    from vbench.errors import VbenchError

    try:
        write()
    except (OSError, ValueError, VbenchError) as error:
        why = getattr(error, "strerror", None) or error
        click.echo(
            f"vbench: {option} '{place}': cannot be written ({why}), the scores are only printed; "
            "name another place",
            err=True,
        )
        return False
    return True


def _probe(place: str, *, folder: bool) -> None:
    """Raise what writing to a place would raise, as far as that can be known before."""
    import tempfile

    path = Path(place)
    if not place:
        raise ValueError("the name is empty")
    if path.exists() and not (path.is_dir() if folder else path.is_file()):
        raise ValueError("not a folder" if folder else "not a file")
    folders = (path, *path.absolute().parents) if folder else path.absolute().parents
    there = next(place for place in folders if place.exists())
    with tempfile.TemporaryFile(dir=there):
        pass


def to_json(scores: Scores) -> dict[str, Any]:
    """Return what ``--json`` prints.

    ``missing``: subjects without a prediction. ``cases``: a list of ``{"subject", "class",
    "metric", "value", "status"}``; ``summary``: by metric ``{"mean", "sd", "ci95", "n",
    "n_undefined", "n_failed", "unit", "higher_is_better"}``. With ``--classes``, ``summary`` has
    one such table by class; with ``--class``, too, and that of the mean over classes under ``""``.
    """
    from dataclasses import asdict

    tables = {
        label: {name: asdict(s) for name, s in scores.summary(label).items()}
        for label in scores.labels
    }
    return {
        "metrics": [metric.id for metric in scores.metrics],
        "cases": [_row(case) for case in scores.cases],
        "missing": list(scores.missing),
        "summary": (
            tables[None]
            if list(tables) == [None]
            else {"" if label is None else str(label): table for label, table in tables.items()}
        ),
    }


def _row(case: Case) -> dict[str, Any]:
    return {
        "subject": case.subject,
        "class": case.label,
        "metric": case.metric,
        "value": case.value,
        "status": case.status,
    }


def _progress(silent: bool) -> Any:
    """Return what is called before each subject: a line on the terminal that replaces itself."""
    if silent or not sys.stderr.isatty():
        return lambda subject, done, total: None
    from rich.control import Control
    from rich.segment import ControlType

    from vbench.cli.terminal import Console

    console = Console(stderr=True)
    begin = Control(ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 0))

    def show(subject: str, done: int, total: int) -> None:
        console.control(begin)
        if done < total:
            console.out(f"{done}/{total} {subject}", end="", highlight=False)

    return show


def _write_csv(path: Path, scores: Scores) -> None:
    from vbench.files import write_csv

    names = ("subject", "class", "metric", "value", "status")
    write_csv(path, [names, *(_row(case).values() for case in scores.cases)])


def _write_overlays(
    folder: Path,
    pred: str,
    truth: str,
    scores: Scores,
    silent: bool,
    ignored: tuple[int, ...],
    classes: bool,
) -> None:
    from dataclasses import replace

    import numpy as np

    from vbench.scoring.overlay import write_overlay
    from vbench.scoring.pairing import find_pairs

    first = scores.metrics[0]
    sign = -1 if first.higher_is_better is False else 1
    worth: dict[str, float] = {}
    for case in scores.cases:
        if case.metric == first.name and case.value is not None:
            worth[case.subject] = min(sign * case.value, worth.get(case.subject, float("inf")))
    values = bool(classes or ignored)
    pairs = {pair.subject: replace(pair, values=values) for pair in find_pairs(pred, truth)}
    for rank, subject in enumerate(sorted(worth, key=lambda s: worth[s])[:_WORST], start=1):
        maps = pairs[subject].read()
        path = folder / f"{rank}-{subject}.png"
        counts = ~np.isin(maps.truth, ignored)
        found, wanted = maps.prediction * counts, maps.truth * counts
        if not classes:
            found, wanted = found > 0, wanted > 0
        write_overlay(path, found, wanted, maps.spacing, maps.affine)
        if not silent:
            click.echo(f"{path}: {first.name} {sign * worth[subject]:.4g}")


def show(scores: Scores) -> None:
    """Print a table of the subjects and one of the means, for each class."""
    from vbench.cli.terminal import Console

    console = Console(markup=False)  # names of files are no markup
    for label in scores.labels:
        title = f"class {label}" if label is not None else "all classes" if scores.classes else ""
        cases = [case for case in scores.cases if case.label == label]
        subjects = list(dict.fromkeys(case.subject for case in cases))
        if len(subjects) > 1:
            _show_subjects(console, cases, subjects, [m.name for m in scores.metrics], title)
        console.print(_summary_table(scores, label, title))
    if any(case.status == "undefined" for case in scores.cases):
        console.print(
            "* undefined: a mask is empty, or has none of what is measured; "
            "the value is the metric's rule",
            style="dim",
        )


def _show_subjects(
    console: Console, cases: list[Case], subjects: list[str], names: list[str], title: str
) -> None:
    """Print a row a subject, in several tables where the metrics do not fit beside each other."""
    found = {(case.subject, case.metric): case for case in cases}
    room = console.width - max(map(len, subjects))
    while names:
        # As many side by side as fit: a value must not be cut.
        ends = itertools.accumulate(max(len(name), _VALUE) + _GAP for name in names)
        count = max(1, sum(end <= room for end in ends))
        shown, names = names[:count], names[count:]
        table = _table(title, "subject", shown)
        for subject in subjects:
            cells = (found.get((subject, name)) for name in shown)
            table.add_row(subject, *("" if case is None else _value(case) for case in cells))
        console.print(table, "")


def _table(title: str, first: str, others: Sequence[str]) -> Table:
    """Return a table whose first column may be folded, and no other."""
    from rich.table import Table

    table = Table(title=title or None, title_justify="left", box=None, header_style="bold")
    table.add_column(first, overflow="fold")
    for name in others:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _summary_table(scores: Scores, label: int | str | None, title: str) -> Table:
    several = len({case.subject for case in scores.cases}) > 1
    columns = ["mean", "sd", "95 % interval", "n", "undefined"] if several else ["value"]
    table = _table(title, "metric", [*columns, "unit", "better"])
    single = {case.metric: _value(case) for case in scores.cases if case.label == label}
    ids = {metric.name: metric.id for metric in scores.metrics}
    for name, row in scores.summary(label).items():
        interval = "" if row.ci95 is None else f"{row.ci95[0]:.4g} … {row.ci95[1]:.4g}"
        if not row.n:
            continue  # it scores all classes at once, and none alone
        numbers = [_number(row.mean), _number(row.sd), interval, str(row.n), str(row.n_undefined)]
        better = {True: "higher", False: "lower", None: ""}[row.higher_is_better]
        table.add_row(ids[name], *(numbers if several else [single[name]]), row.unit, better)
    return table


def _value(case: Case) -> str:
    mark = {"ok": "", "undefined": " *", "failed": "failed"}[case.status]
    return mark if case.value is None else _number(case.value) + mark


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
