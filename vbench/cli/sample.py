"""``vbench sample``."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import click

from vbench.cli.common import (
    benchmark_option,
    device_option,
    json_option,
    out_option,
    stop_as_by_hand,
)
from vbench.cli.common import repetition as read_repetition


@click.command("sample")
@click.argument("arm")
@click.argument("number", metavar="[N]", required=False, type=click.IntRange(min=1))
@click.option("--to", required=True, metavar="DIR", help="Folder of the patches; a new one.")
@benchmark_option
@click.option("--seed", default=0, show_default=True, help="Another seed gives other patches.")
@click.option(
    "--candidate",
    type=click.IntRange(min=0),
    metavar="K",
    help="Which of the states that the generator's training kept. [default: the arm's choice]",
)
@click.option(
    "--repetition",
    callback=read_repetition,
    metavar="SEED|'SEED fold K'",
    help="The arm's seed. [default: best on validation subjects]",
)
@click.option(
    "--like", metavar="SPEC", help="As many patches as this spec's segmenters learn from."
)
@click.option("--nifti", is_flag=True, help="NIfTI files in nnU-Net layout, instead of arrays.")
@device_option
@json_option
@out_option
def command(
    arm: str,
    number: int | None,
    to: str,
    benchmark: str | None,
    seed: int,
    candidate: int | None,
    repetition: int | str | None,
    like: str | None,
    nifti: bool,
    device: str,
    as_json: bool,
    out: str,
) -> None:
    """Sample N new labelled patches from the generator of ARM.

    They are images.npy and labels.npy, with samples.json, which says where they come from. No
    audit has looked at them: `vbench export` writes a set that may leave the house.
    """
    from vbench.cli.folders import benchmark_folders
    from vbench.cli.steps import Steps
    from vbench.trained.sample import count_like, write_samples

    stop_as_by_hand()
    if (number is None) == (like is None):
        raise click.UsageError("give either N or --like SPEC")
    count = number if like is None else count_like(like)
    assert count is not None
    (place,) = benchmark_folders(benchmark, [Path(out)])
    made = write_samples(
        arm,
        count,
        to,
        benchmark=place.name,
        out=out,
        seed=seed,
        candidate=candidate,
        repetition=repetition,
        nifti=nifti,
        device=device,
        progress=partial(Steps(), "patches"),
    )
    for remark in made.remarks:
        click.echo(f"note: {remark}", err=True)
    about = made.about
    if as_json:
        click.echo(json.dumps(about.to_json(), indent=1))
        return
    click.echo(
        f"{to}: {about.patches} patches by {made.generator}, repetition {about.repetition}, "
        f"candidate {about.candidate}, seed {about.seed}; not audited"
    )
