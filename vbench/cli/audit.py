"""``vbench audit``: an export again, or any synthetic set against patients in folders."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vbench.cli.common import json_option, out_option, stop_as_by_hand

if TYPE_CHECKING:
    from vbench.audit.verdict import Verdict
    from vbench.share.folder_audit import FolderAudit

#: Flagged patches that are listed; all are in ``--json``.
_SHOWN = 10
#: Exit codes, by what the audit concludes.
_CODES = {"no alarm": 0, "alarm": 1, "not judged": 2}


def _edges(context: click.Context, option: click.Parameter, value: str | None) -> Any:
    """Split a size such as ``16,16,16``."""
    try:
        return None if value is None else tuple(int(edge) for edge in value.split(","))
    except ValueError as error:
        raise click.BadParameter(f"'{value}': expected voxels such as 16,16,16") from error


@click.command("audit")
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--synthetic", metavar="C", help="What is to be shared: a folder or file.")
@click.option("--training", metavar="A", help="The patients that its generator learnt from.")
@click.option("--heldout", metavar="B", help="Patients that it never saw.")
@click.option(
    "--size",
    callback=_edges,
    metavar="X,Y,Z",
    help="The patch to compare at.  [default: that of the sets that hold patches]",
)
@click.option(
    "--per-subject",
    type=click.IntRange(min=1),
    default=400,
    show_default=True,
    help="Patches that each whole volume is cut into.",
)
@click.option(
    "--group",
    metavar="PATTERN",
    help="Whose NIfTI file it is: what the first parentheses match, as in '(.+)_(left|right)'.",
)
@click.option("--seed", default=0, show_default=True, help="Of the places of patches, and draws.")
@out_option
@json_option
def command(
    folder: Path | None,
    synthetic: str | None,
    training: str | None,
    heldout: str | None,
    size: tuple[int, ...] | None,
    per_subject: int,
    group: str | None,
    seed: int,
    out: str,
    as_json: bool,
) -> None:
    """Audit what a synthetic set gives away of the patients behind it.

    Either the set that `vbench export` wrote to FOLDER, against the patients in the results folder
    --out; or, without any benchmark, the set in --synthetic against the patients in --training and
    --heldout. Each is a folder of NIfTI files (nnU-Net, BIDS, a manifest) or of arrays (images.npy
    and labels.npy; for patients also subjects.csv, or a sub-folder each): patches or whole volumes,
    in any range of intensities.

    Exits with 0 when there is no alarm, with 1 on an alarm, with 2 when it cannot be judged.
    """
    from vbench.errors import VbenchError
    from vbench.usertext import one_line

    stop_as_by_hand()
    three = {"--synthetic": synthetic, "--training": training, "--heldout": heldout}
    lacking = [name for name, value in three.items() if value is None]
    if folder is not None and len(lacking) < 3:
        raise click.UsageError("name FOLDER, or --synthetic, --training and --heldout; not both")
    if folder is None and lacking:
        raise click.UsageError(
            f"{', '.join(lacking)} missing; without held-out patients, too, nothing tells how near "
            "unseen patients come"
            if len(lacking) < 3
            else "name FOLDER, or --synthetic, --training and --heldout"
        )
    try:
        if folder is not None:
            word = _again(folder, out, as_json)
        else:
            from vbench.share.folder_audit import audit_folders

            found = audit_folders(
                synthetic or "", training or "", heldout or "",
                size=size, per_subject=per_subject, group=group, seed=seed,
            )  # fmt: skip
            if as_json:
                click.echo(json.dumps(found.to_json(), indent=1))
            else:
                _show(found)
            word = found.verdict.word
    except VbenchError:
        raise
    except Exception as error:  # a traceback's exit code, 1, would be an alarm
        why = one_line(f"{type(error).__name__}: {error}")
        click.echo(f"vbench: cannot be judged: {why}", err=True)
        sys.exit(2)
    sys.exit(_CODES[word])


def _again(folder: Path, out: str, as_json: bool) -> str:
    """Audit an export again; return the verdict's word."""
    from vbench.audit.verdict import verdict
    from vbench.share.rerun import audit_export

    scores = audit_export(folder, out=out)
    found = verdict(scores["privacy"])
    if as_json:
        click.echo(json.dumps({"verdict": found.word, **scores}, indent=1))
    else:
        _table(scores)
        click.echo(_sentence(found))
    return found.word


def _show(found: FolderAudit) -> None:
    """Print the table, the verdict, the worst patient and the flagged patches."""
    from vbench.data.holdings import by

    made, known, unseen = (found.sets[name] for name in ("synthetic", "training", "heldout"))
    click.echo(
        f"{made['patches']} synthetic patches of {by(found.options['size'])}, "
        f"{known['patches']} of {len(known['patients'])} training patients, "
        f"{unseen['patches']} of {len(unseen['patients'])} held-out patients"
    )
    _table({"privacy": found.scores})
    click.echo(_sentence(found.verdict))
    risk = found.worst_risk
    if risk is not None and risk.value > 0:
        between = ""
        if risk.interval is not None:
            between = f" ({risk.interval[0]:.3g} to {risk.interval[1]:.3g})"
        click.echo(f"worst patient: {found.worst}, {risk.value:.3g}{between} by {risk.metric}")
    if found.flagged:
        n = len(found.flagged)
        click.echo(f"{n} patch{'es' if n > 1 else ''} of training patients in {made['path']}:")
        for patch in found.flagged[:_SHOWN]:
            click.echo(
                f"  {patch.place}  is {patch.patient}'s {patch.training_place}  "
                f"({patch.kind}, similarity {patch.similarity:.3f})"
            )
        if n > _SHOWN:
            click.echo(f"  … and {n - _SHOWN} more: --json lists all")
    for remark in found.remarks:
        click.echo(f"remark: {remark}", err=True)


def _sentence(found: Verdict) -> str:
    """Say the verdict in a sentence."""
    if found.word == "alarm":
        return (
            f"ALARM: the set gives training patients away, by {', '.join(found.alarms)}. "
            "Do not share it as it is."
        )
    if found.word == "no alarm":
        return (
            "No alarm: by these scores the set is no nearer to training patients than to unseen "
            "ones. That is no proof of anonymity."
        )
    return "Not judged: no privacy score could be computed."


def _table(scores: Mapping[str, Mapping[str, Any]]) -> None:
    """Print each score on its scale."""
    from rich.table import Table

    from vbench.analysis.wording import number
    from vbench.cli.terminal import Console

    table = Table(box=None, header_style="bold")
    for name in ("", "score", "this set", "as good as can be", "as bad as can be", ""):
        table.add_column(name, justify="left" if name in ("", "score") else "right")
    for family, metrics in scores.items():
        for name, found in metrics.items():
            note = found.get("fault") or ("ALARM" if found.get("alarm") else "")
            scale = (found["value"], found["floor"], found["ceiling"])
            table.add_row(family, name, *map(number, scale), note)
    Console(markup=False).print(table)  # a message is no markup
