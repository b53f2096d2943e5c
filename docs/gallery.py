"""The gallery of reports: rendered, as the site is built, from small results of the repository.

``python docs/gallery.py results/gallery`` takes what the report of a run reads into
``results/summaries/gallery``: plan, records and the arrays of its pictures. Weights and whole
volumes are left out; without the volumes a report has all but the sheet of real patches.
mkdocs loads this module as a hook and puts a report for each of them beside ``gallery/index.md``.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vbench.analysis.folder import read_results
from vbench.analysis.leaderboard import leaderboard
from vbench.report.discretion import patients, without_places
from vbench.report.page import render

ROOT = Path(__file__).resolve().parents[1]
#: A results folder like any other: ``vbench report gallery --out results/summaries/gallery``.
KEPT = ROOT / "results" / "summaries" / "gallery"
#: Where the reports are on the site.
PLACE = "gallery"


def names() -> list[str]:
    """Name the benchmarks whose results are kept."""
    return sorted(path.parent.name for path in KEPT.glob("*/plan.json"))


def report(folder: Path) -> str:
    """Return the report of a benchmark's folder.

    Raises:
        SystemExit: When the volumes may be people's: their pictures stand in no gallery.
    """
    results = read_results(folder)
    if patients(results):
        sys.exit(f"{folder}: {patients(results)}: a gallery shows phantoms only")
    return render(results, leaderboard(results), folder)


def keep(folder: Path) -> list[Path]:
    """Take what the report of a benchmark reads; return the files that are kept."""
    opened: dict[str, None] = {}
    watching = True

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if watching and event == "open":
            opened[str(arguments[0])] = None

    sys.addaudithook(watch)
    report(folder)
    watching = False
    out = folder.resolve().parent
    kept = []
    for path in (Path(name).resolve() for name in opened):
        volume = (path.parent / "volume.json").is_file()
        if path.is_file() and path.is_relative_to(out) and not volume:
            place = KEPT / path.relative_to(out)
            place.parent.mkdir(parents=True, exist_ok=True)
            if path.suffix in (".json", ".jsonl"):
                place.write_text(without_places(path.read_text("utf-8")), "utf-8")
            else:
                shutil.copyfile(path, place)
            kept.append(place)
    return kept


def on_files(files: Any, config: Any) -> Any:
    """Put the reports beside the page that speaks of them."""
    from mkdocs.structure.files import File

    for name, page in pages():
        files.append(File.generated(config, f"{PLACE}/{name}.html", content=page))
    return files


def pages() -> Iterator[tuple[str, str]]:
    """Yield name and report of each."""
    for name in names():
        yield name, report(KEPT / name)


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        for path in keep(Path(argument)):
            print(path.relative_to(ROOT), path.stat().st_size)
