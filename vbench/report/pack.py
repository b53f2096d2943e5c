"""One file to share a benchmark's results: the board, the report, the spec, the records.

No picture and no volume of a patient is in it unless asked for, and no place on a disk. Names of
subjects, as in the data set, stand in the tables: they say which scores belong together.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

from vbench import registry
from vbench.analysis.folder import Results, read_results
from vbench.analysis.leaderboard import leaderboard
from vbench.analysis.table import markdown, to_csv
from vbench.errors import StoreError
from vbench.files import atomic_write
from vbench.report.citing import bibtex
from vbench.report.discretion import patients, without_places
from vbench.report.page import render
from vbench.report.viewer import write_viewer
from vbench.spec.load import stored_spec

#: The same results give the same bytes.
_DATE = (1980, 1, 1, 0, 0, 0)


def write_pack(folder: Path, target: Path, *, images: bool = False) -> list[str]:
    """Write a zip file, and return the names of what is in it.

    Args:
        folder: ``<out>/<benchmark>/``.
        target: The file; it must not exist.
        images: Whether pictures and volumes of patients may be in it.

    Raises:
        StoreError: When the folder is not a benchmark's, or the file is there already.
    """
    if target.exists():
        raise StoreError(f"{target}: is there already; name another file with --to")
    results = read_results(folder)
    names = []
    with atomic_write(target) as temporary, zipfile.ZipFile(temporary, "w") as file:
        for name, text in _files(folder, results, images):
            # By the folder's name: that of the plan may be a path, in results of others.
            about = zipfile.ZipInfo(f"{folder.resolve().name}/{name}", _DATE)
            about.compress_type = zipfile.ZIP_DEFLATED
            about.external_attr = 0o644 << 16
            file.writestr(about, text)
            names.append(name)
    return names


def _files(folder: Path, results: Results, images: bool) -> Iterator[tuple[str, str]]:
    """Yield name and text of each file."""
    board = leaderboard(results)
    whose = patients(results)
    yield "README.txt", _about(results, whose if images else "")
    viewer = images and write_viewer(folder, results, board) is not None
    yield "report.html", render(results, board, folder, viewer=viewer, images=images or not whose)
    if viewer:
        yield "viewer.html", (folder / "viewer.html").read_text("utf-8")
    yield "leaderboard.md", without_places(markdown(board))
    yield "leaderboard.csv", to_csv(board)
    yield "leaderboard.json", without_places(json.dumps(board, indent=1, ensure_ascii=False))
    spec = json.dumps(dict(results.plan.spec), indent=1, ensure_ascii=False)
    yield "spec.json", without_places(spec)
    planned = stored_spec(results.plan.spec, folder / "plan.json")
    yield "references.bib", bibtex(planned, registry.default())
    for name in ("plan.json", "records.jsonl", "cases.csv"):
        if (folder / name).is_file():
            yield name, without_places((folder / name).read_text("utf-8"))


def _about(results: Results, whose: str) -> str:
    lines = [
        f"Results of the benchmark {results.benchmark}, packed by vbench {results.plan.vbench}.",
        "",
        "report.html       opens offline, in a browser",
        "leaderboard.*     the comparison as Markdown, CSV and JSON",
        "spec.json         what was compared, on which data, and how",
        "plan.json         the same as planned: arms, jobs, versions, machine",
        "records.jsonl     one line for each job",
        "cases.csv         every score of every test subject",
        "references.bib    what to cite",
        "",
        f"It holds pictures of people ({whose}): keep it in the house."
        if whose
        else "It holds no picture or volume of a patient.",
        "Names of subjects, and the subgroups that the spec names, stand in it as they are in the "
        "data set; places on disks do not.",
        "",
    ]
    return "\n".join(lines)
