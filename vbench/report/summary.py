"""Writes a small summary of a benchmark to commit: Markdown, with its charts and pictures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vbench.analysis.dose import dose_table
from vbench.analysis.folder import Results, read_results
from vbench.analysis.leaderboard import leaderboard as build
from vbench.analysis.table import markdown
from vbench.analysis.wording import headline
from vbench.figures import audits, costs, dose, gallery, leakage, steps, strips, transfer
from vbench.figures.figure import Figure
from vbench.markdown import escape, table
from vbench.report.discretion import without_places
from vbench.report.reference import comparison
from vbench.report.words import summary


def write_summary(folder: Path, target: Path, *, images: bool = True) -> Path:
    """Write ``README.md`` and its pictures.

    Args:
        folder: ``<out>/<benchmark>/``.
        target: Where to; made when it is missing. Files of the same names are replaced.
        images: Whether pictures of patients may be among them.

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
        text = without_places("\n".join(_lines(results, board, Path(folder), target, images)))
        temporary.write_text(text + "\n", encoding="utf-8")
    return target / "README.md"


def _lines(
    results: Results, board: dict[str, Any], folder: Path, target: Path, images: bool
) -> Iterator[str]:
    spec = results.plan.spec
    yield f"# {escape(results.benchmark)}"
    description = (spec.get("benchmark") or {}).get("description")
    yield from ("", escape(description), "") if description else ("",)
    yield from (f"- {escape(sentence)}" for sentence in summary(board))
    yield ""
    yield markdown(board).partition("\n")[2].strip()
    published = comparison(results.plan.spec, board)
    if published:
        yield "\n### Beside published figures\n"
        yield from table(
            published.header, ([escape(cell) for cell in row] for row in published.rows)
        )
        source = escape(f"{published.citation} {published.url}".strip())
        yield f"\n{escape(published.note)} Published: {source}.".replace("\n ", "\n")
    store, shown = folder.parent / "store", headline(board)
    yield from _pictures(
        "Scores per subject", "scores", strips.strips(results, board, shown), target
    )
    yield from _pictures("Transfer", "transfer", transfer.transfer(board, shown), target)
    yield from _pictures("Dose", "dose", dose.dose(board, shown), target)
    header, rows = dose_table(board, shown)
    yield from table(header, ([escape(cell) for cell in row] for row in rows)) if rows else ()
    yield from _pictures("Steps of the segmenter", "steps", steps.steps(board, shown), target)
    yield from _pictures(
        "Samples", "samples", gallery.samples(results, store) if images else [], target
    )
    yield from _pictures(
        "Best, median and worst subject: image, reference, prediction, errors (white found, "
        "blue missed, orange false)",
        "projection",
        gallery.projections(results, board, store) if images else [],
        target,
    )
    yield from _pictures("Fidelity", "fidelity", audits.audits(results, board, "fidelity"), target)
    yield from _pictures("Privacy", "privacy", audits.audits(results, board, "privacy"), target)
    yield from _pictures(
        "Utility against leakage", "leakage", leakage.leakage(results, board), target
    )
    yield from _pictures("Cost", "cost", costs.costs(board), target)
    yield "\n### Provenance\n"
    for name, part in results.plan.data.items():
        if part is not None:
            about = f"{escape(part.plugin)}, {part.counts}; fingerprint {part.fingerprint}"
            yield f"- {name} data: {about}"
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
        shown, *others = figure.write(target, name)
        words = escape(figure.title)
        yield f"**{words}** {escape(figure.caption)}".rstrip()
        yield f"\n![{words}]({shown.name})\n"
        if others:
            yield ", ".join(f"[{path.suffix[1:].upper()}]({path.name})" for path in others) + "\n"
