"""Writes a small summary of a benchmark to commit: Markdown, with its charts and pictures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vbench.analysis.folder import Results, read_results
from vbench.analysis.leaderboard import leaderboard as build
from vbench.analysis.table import escape, markdown
from vbench.analysis.wording import headline
from vbench.figures import audits, costs, gallery, strips, transfer
from vbench.figures.figure import Figure, standalone
from vbench.report import paper
from vbench.report.words import summary


def write_summary(folder: Path, target: Path) -> Path:
    """Write ``README.md`` and its pictures.

    Args:
        folder: ``<out>/<benchmark>/``.
        target: Where to; made when it is missing. Files of the same names are replaced.

    Returns:
        The Markdown file.

    Raises:
        StoreError: When the folder is not a benchmark's.
    """
    from vbench.files import atomic_write

    results = read_results(Path(folder))
    board = build(results)
    target.mkdir(parents=True, exist_ok=True)
    with atomic_write(target / "README.md") as temporary:
        text = "\n".join(_lines(results, board, Path(folder), target))
        temporary.write_text(text + "\n", encoding="utf-8")
    return target / "README.md"


def _lines(results: Results, board: dict[str, Any], folder: Path, target: Path) -> Iterator[str]:
    spec = results.plan.spec
    yield f"# {escape(results.benchmark)}"
    description = (spec.get("benchmark") or {}).get("description")
    yield from ("", escape(description), "") if description else ("",)
    yield from (f"- {escape(sentence)}" for sentence in summary(board))
    yield ""
    yield markdown(board).partition("\n")[2].strip()
    lines = paper.comparison(board)
    if lines:
        yield "\n### Beside the paper\n"
        yield "| experiment | paper DSC | DSC here | paper 95HD | 95HD here | arm here |"
        yield "| --- | --- | --- | --- | --- | --- |"
        for line in lines:
            cells = (line.what, line.paper_dsc, line.dsc, line.paper_hd95, line.hd95, line.arm)
            yield "| " + " | ".join(map(escape, cells)) + " |"
        yield f"\n{paper.NOTE}"
    store, shown = folder.parent / "store", headline(board)
    yield from _pictures(
        "Scores per subject", "scores", strips.strips(results, board, shown), target
    )
    yield from _pictures("Transfer", "transfer", transfer.transfer(board, shown), target)
    yield from _pictures("Samples", "samples", gallery.samples(results, store), target)
    yield from _pictures(
        "Best, median and worst subject: image, truth, prediction, errors (blue missed, orange "
        "found where there is none)",
        "projection",
        gallery.projections(results, board, store),
        target,
    )
    yield from _pictures("Fidelity", "fidelity", audits.audits(results, board, "fidelity"), target)
    yield from _pictures("Privacy", "privacy", audits.audits(results, board, "privacy"), target)
    yield from _pictures("Cost", "cost", costs.costs(board), target)
    yield "\n### Provenance\n"
    for name, part in results.plan.data.items():
        if part is not None:
            counts = ", ".join(f"{group} {len(ids)}" for group, ids in part.subjects.items())
            fingerprint = part.fingerprint
            yield f"- {name} data: {escape(part.plugin)}, {counts}; fingerprint {fingerprint}"
    yield f"- seeds: {', '.join(map(str, results.plan.seeds))}"
    for name, value in results.plan.provenance.items():
        words = (
            ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else value
        )
        yield f"- {name}: {escape(str(words))}"


def _pictures(title: str, start: str, figures: list[Figure], target: Path) -> Iterator[str]:
    if not figures:
        return
    yield f"\n### {title}\n"
    taken: set[str] = set()
    for figure in figures:
        slug = re.sub(r"[^a-z0-9]+", "-", figure.title.lower()).strip("-")[:60]
        name = f"{start}-{slug}"
        while name in taken:
            name += "-again"
        taken.add(name)
        path = target / f"{name}{'.png' if figure.png else '.svg'}"
        path.write_bytes(figure.png or standalone(figure.body).encode("utf-8"))
        words = escape(figure.title)
        yield f"**{words}** {escape(figure.caption)}".rstrip()
        yield f"\n![{words}]({path.name})\n"
