"""Puts the report together and writes it: one HTML file that opens offline, and the viewer."""

from __future__ import annotations

import base64
import hashlib
import json
from importlib import resources
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

from vbench.analysis.budgets import patches_text, search_text, steps_text
from vbench.analysis.folder import Results, read_results
from vbench.analysis.layout import has_budgets, short_name
from vbench.analysis.leaderboard import leaderboard as build
from vbench.analysis.wording import duration, headline, lapses, legend, number, signs, span
from vbench.figures import costs, svg
from vbench.figures.figure import style
from vbench.figures.looks import MARKS, regime_class
from vbench.figures.sections import sections
from vbench.regimes import MAIN_REFERENCES
from vbench.report import paper
from vbench.report.words import summary


def write_report(folder: Path) -> Path:
    """Write ``report.html`` into ``<out>/<benchmark>/``, and ``viewer.html`` beside it.

    The same results give the same bytes.

    Returns:
        The report's path.

    Raises:
        StoreError: When the folder is not a benchmark's.
    """
    from vbench.files import atomic_write
    from vbench.report.viewer import write_viewer

    folder = Path(folder)
    results = read_results(folder)
    board = build(results)
    viewer = write_viewer(folder, results, board)
    page = render(results, board, folder, viewer=viewer is not None)
    path = folder / "report.html"
    with atomic_write(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return path


def render(results: Results, board: dict[str, Any], folder: Path, *, viewer: bool = False) -> str:
    """Return the report as HTML, complete in itself.

    Args:
        results: The benchmark.
        board: Its leaderboard.
        folder: ``<out>/<benchmark>/``, for the pictures of the store beside it.
        viewer: Whether there is a ``viewer.html`` beside it.
    """
    script = resource("report.js")
    return environment().get_template("report.html").render(
        board=board,
        cohorts=cohorts(board),
        failed=[row for row in board["rows"] if row["status"] != "ok"],
        tracebacks=_tracebacks(results),
        legend=legend(board),
        budgets=has_budgets(board),
        paper=paper.comparison(board),
        paper_note=paper.NOTE,
        plan=results.plan,
        description=(results.plan.spec.get("benchmark") or {}).get("description", ""),
        spec_text=json.dumps(dict(results.plan.spec), indent=2, ensure_ascii=False),
        provenance=results.plan.provenance,
        shown=headline(board),
        regimes=[
            (name, svg.key(name, mark, regime_class(name)))
            for name, mark in MARKS.items()
            if any(row["regime"] == name for row in board["rows"])
        ],
        stages=costs.stage_legend(board),
        finished=max((r.started or "" for r in results.records.values()), default=""),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        style=Markup(style() + resource("report.css")),
        summary=summary(board),
        viewer=viewer,
        **sections(results, board, folder.parent / "store"),
    )  # fmt: skip


def environment() -> Any:
    """Return the templates' environment: everything is escaped, a missing name is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("vbench.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"number": number, "span": span, "duration": duration, "short": short_name}
    made.filters |= {"steps": steps_text, "patches": patches_text, "search": search_text}
    made.filters["breakable"] = breakable
    made.globals |= {"signs": signs, "lapses": lapses, "regime_class": regime_class}
    return made


def breakable(name: str) -> Markup:
    """Let a name break after its regime, where the screen is too narrow for it."""
    return escape(name).replace("/", Markup("/<wbr>"), 1)


def resource(name: str) -> str:
    """Return the text of a file that is shipped with the templates."""
    return resources.files("vbench.report").joinpath("templates", name).read_text("utf-8")


def cohorts(board: dict[str, Any]) -> list[tuple[str, int, list[dict[str, Any]], str | None]]:
    """Return name, number of test subjects, finished rows and reference of each cohort."""
    found = []
    for name, subjects in board["cohorts"].items():
        rows = [row for row in board["rows"] if row["cohort"] == name and row["status"] == "ok"]
        references = {key for row in rows for key in row["versus"]}
        reference = next((key for key in MAIN_REFERENCES if key in references), None)
        if rows:
            found.append((name, len(subjects), rows, reference))
    return found


def _tracebacks(results: Results) -> list[dict[str, Any]]:
    """Return the failures that are causes, with what they said."""
    return [
        {"label": record.label, "stage": record.stage, **record.failure.to_json()}
        for record in results.records.values()
        if record.failure is not None and record.failure.reason != "upstream"
    ]
