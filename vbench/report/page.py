"""Puts the report together and writes it: one HTML file that opens offline, and the viewer."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from markupsafe import Markup

from vbench.analysis.classes import RULE, class_sections
from vbench.analysis.dose import dose_table
from vbench.analysis.folder import Results, read_results
from vbench.analysis.layout import has_budgets
from vbench.analysis.leaderboard import leaderboard as build
from vbench.analysis.subgroups import rules, subgroup_sections
from vbench.analysis.trials import trial_sections
from vbench.analysis.wording import headline, legend
from vbench.colours import LEGEND, class_colour, css, style
from vbench.errors import StoreError
from vbench.figures.sections import sections
from vbench.regimes import EXTRA_REFERENCES, MAIN_REFERENCES, REGIMES
from vbench.report import reference
from vbench.report.discretion import discreet, of_people, patients
from vbench.report.html import environment, resource, script_hash
from vbench.report.vega import vega
from vbench.report.viewer import write_viewer
from vbench.report.words import summary

logger = logging.getLogger(__name__)

#: What a report without pictures is called where one with pictures cannot be made again.
DISCREET = "report-without-images.html"
#: What each picture in a page begins with.
_PICTURE = "data:image/"


def write_report(
    folder: Path,
    results: Results | None = None,
    board: dict[str, Any] | None = None,
    *,
    images: bool = True,
) -> Path:
    """Write ``report.html`` into ``<out>/<benchmark>/``, and ``viewer.html`` beside it.

    The same results give the same bytes.

    Args:
        folder: ``<out>/<benchmark>/``.
        results: What was read from it; None: it is read here.
        board: Its leaderboard; None: it is computed here.
        images: Whether to show patients' volumes, and patches of them. Without, there is no viewer,
            and one that is there is removed; where the store cannot draw them again, both that are
            there stay, and this one is ``report-without-images.html``.

    Returns:
        The report's path.

    Raises:
        StoreError: When the folder is not a benchmark's; when its store is not there, and the
            report that is there would lose its pictures.
    """
    from vbench.files import atomic_write

    folder = Path(folder)
    path = folder / "report.html"
    results = results or read_results(folder)
    gone = f"{folder.parent / 'store'}: nothing of '{results.benchmark}' is there"
    if images and not _drawable(results, folder.parent / "store"):
        if _pictures(path):
            raise StoreError(
                f"{gone}, so that a new report would lose the pictures of {path}, which is kept; "
                "bring the store back, or write one without pictures beside it: "
                f"--no-patient-images, as {DISCREET}"
            )
        logger.warning("%s: the report is without pictures", gone)
    board = board or build(results)
    viewer = write_viewer(folder, results, board) if images else None
    if not images and (held := _held(path)):
        again = 0
        if _drawable(results, folder.parent / "store"):
            again = render(results, board, folder, viewer=True).count(_PICTURE)
        path = _without(path, held, results.benchmark, remade=again >= max(_pictures(path), 1))
    page = render(results, board, folder, viewer=viewer is not None, images=images)
    with atomic_write(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return path


def _drawable(results: Results, store: Path) -> bool:
    """Whether a store holds any job of a benchmark that pictures are of; or there is none."""
    drawn = [
        key
        for key, record in results.records.items()
        if record.status == "ok" and record.stage in {"prepare", "synthesise", "evaluate"}
    ]
    return not drawn or any((store / key).is_dir() for key in drawn)


def _pictures(report: Path) -> int:
    """Return how many pictures a report has; 0 when there is none."""
    return report.read_text(encoding="utf-8").count(_PICTURE) if report.is_file() else 0


def _held(report: Path) -> list[Path]:
    """Return what is there with pictures: the report, the viewer."""
    viewer = report.with_name("viewer.html")
    return [*([report] if _pictures(report) else []), *([viewer] if viewer.is_file() else [])]


def _without(report: Path, held: list[Path], benchmark: str, *, remade: bool) -> Path:
    """Make room for a report without pictures, and say what became of those that were there.

    Returns:
        Where to write it: over the other one only when the store can draw its pictures again.
    """
    names = " and ".join(path.name for path in held)
    if not remade:
        logger.warning(
            "%s: kept %s, since the store beside it cannot draw all their pictures again; the "
            "report without pictures is %s; share that file, not the folder",
            *(report.parent, names, DISCREET),
        )
        return report.with_name(DISCREET)
    report.with_name("viewer.html").unlink(missing_ok=True)
    logger.warning(
        "%s: replaced or removed %s, which had pictures; 'vbench report %s' draws them again",
        *(report.parent, names, benchmark),
    )
    return report


def render(
    results: Results,
    board: dict[str, Any],
    folder: Path,
    *,
    viewer: bool = False,
    images: bool = True,
) -> str:
    """Return the report as HTML, complete in itself.

    Args:
        results: The benchmark.
        board: Its leaderboard.
        folder: ``<out>/<benchmark>/``, for the pictures of the store beside it.
        viewer: Whether there is a ``viewer.html`` beside it.
        images: Whether to show patients' volumes, and patches of them.
    """
    board, people = discreet(board), of_people(results, "source")
    scripts = [vega(), resource("report.js")]
    return environment().get_template("report.html").render(
        board=board,
        cohorts=cohorts(board),
        failed=[row for row in board["rows"] if row["status"] != "ok"],
        tracebacks=_tracebacks(results),
        legend=legend(board),
        budgets=has_budgets(board),
        reference=reference.comparison(results.plan.spec, board),
        plan=results.plan,
        abouts=_abouts(results),
        description=(results.plan.spec.get("benchmark") or {}).get("description", ""),
        spec_text=json.dumps(discreet(results.plan.spec), indent=2, ensure_ascii=False),
        patients=images and patients(results),
        provenance=discreet(results.plan.provenance),
        shown=headline(board),
        known_regimes=list(REGIMES),
        errors=LEGEND,
        finished=max((r.started or "" for r in results.records.values()), default=""),
        scripts=[Markup(script) for script in scripts],
        hashes=[script_hash(script) for script in scripts],
        style=Markup(style() + resource("report.css")),
        summary=summary(board, named=True, people=people),
        people=people,
        viewer=viewer,
        dose_table=dose_table(board, headline(board)),
        extras=_extras(board),
        class_tables=list(class_sections(board, headline(board))),
        class_rule=RULE,
        trial_tables=list(trial_sections(results)),
        subgroup_tables=list(subgroup_sections(board)),
        subgroup_rules=rules(board),
        class_names=class_names(board),
        shared=[row for row in board["rows"] if row.get("verdict")],
        **sections(results, board, folder.parent / "store", images=images),
    )  # fmt: skip


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


def _abouts(results: Results) -> dict[str, Any]:
    """Return what the spec says of each data set in words."""
    data = results.plan.spec.get("data") or {}
    sets = {name: table for name, table in data.items() if isinstance(table, dict)}
    sets |= {table.get("name"): table for table in data.get("targets") or () if table}
    return {name: table.get("about") for name, table in sets.items()}


def _extras(board: dict[str, Any]) -> list[str]:
    """Name the references with a column beside the main one that some arm is compared with."""
    found = {name for row in board["rows"] for name in row["versus"]}
    return [name for name in EXTRA_REFERENCES if name in found]


def class_names(board: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the classes of a benchmark with the colours of pictures; none with one class."""
    names: dict[str, Any] = next(
        (row["classes"] for row in board["rows"] if row.get("classes")), {}
    )
    return [(name, css(class_colour(index))) for index, name in enumerate(names, start=1)]


def _tracebacks(results: Results) -> list[dict[str, Any]]:
    """Return the failures that are causes, with what they said."""
    return [
        {
            "label": record.label,
            "stage": record.stage,
            **discreet(record.failure.to_json()),
        }
        for record in results.records.values()
        if record.failure is not None and record.failure.reason != "upstream"
    ]
