"""All figures of a benchmark by section: what the report and a notebook show."""

from __future__ import annotations

from pathlib import Path

from vbench.analysis.folder import Results
from vbench.analysis.wording import headline
from vbench.figures import (
    audits,
    costs,
    dose,
    gallery,
    leakage,
    steps,
    strips,
    training,
    transfer,
    tuning,
)
from vbench.figures.figure import Figure
from vbench.figures.strips import Board


def sections(
    results: Results, board: Board, store: Path, *, images: bool = True
) -> dict[str, list[Figure]]:
    """Return the figures of each section; an empty list where a benchmark has none.

    Args:
        results: The benchmark.
        board: Its leaderboard.
        store: The store, for samples and projections.
        images: Whether pictures of patients may be among them.
    """
    shown = headline(dict(board))
    return {
        "strips": strips.strips(results, board, shown),
        "transfer": transfer.transfer(board, shown),
        "dose": dose.dose(board, shown),
        "steps": steps.steps(board, shown),
        "samples": gallery.samples(results, store) if images else [],
        "looks": gallery.preview_figures(results, store) if images else [],
        "projections": gallery.projections(results, board, store) if images else [],
        "training": training.training(results),
        "history": tuning.history(results),
        "importance": tuning.importance(results),
        "costs": costs.costs(board),
        "leakage": leakage.leakage(results, board),
        "fidelity": audits.audits(results, board, "fidelity"),
        "privacy": audits.audits(results, board, "privacy"),
    }
