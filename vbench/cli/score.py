"""``vbench score``: predictions against truths, of files or folders, without a benchmark."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vbench.cli.common import json_option
from vbench.cli.scores import WORST, show, to_csv, to_json, to_overlays

if TYPE_CHECKING:
    from vbench.scoring.score import Scores

#: Subjects without a prediction that are named.
_NAMED = 8


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
    help=f"Write pictures of the {WORST} worst subjects, by the first metric: white is found, "
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
        outputs["--csv"] = csv_path, lambda scores: to_csv(Path(csv_path), scores)
    if overlays is not None:
        outputs["--overlays"] = (
            overlays,
            lambda scores: to_overlays(
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
