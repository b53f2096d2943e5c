"""Takes pictures of what a benchmark shows: report, viewer, MLflow's pages, terminal.

``python benchmarks/screenshots.py results/paper results/summaries/screenshots``. Needs Chromium and
its driver; starts ``vbench ui`` for MLflow's pages and ends it.
"""

from __future__ import annotations

import base64
import io
import json
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from browsing import browser
from selenium.webdriver.support.ui import WebDriverWait

from vbench.analysis import build_leaderboard, render_table

#: Name, width and height in pixels, whether dark.
LOOKS = (("report", 1366, 1500, False), ("report-dark", 1366, 1500, True),
         ("report-phone", 390, 1500, False))  # fmt: skip
#: Bytes above which a picture is reduced to 256 colours.
LARGEST = 300_000
#: Hides where on this machine an artifact is.
HIDE_PATH = """[...document.querySelectorAll('*')].forEach((e) => {
  if (!e.children.length && e.innerText?.includes('file://')) e.innerText = '…';
});"""
#: Sections that have their own picture.
ANCHORS = ("subjects", "transfer", "samples", "projections", "audits", "training")


def shoot(page: Any, path: Path, width: int, height: int, dark: bool, anchor: str = "") -> None:
    """Write what a screen of this size shows, from an element on."""
    command = page.execute_cdp_cmd
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    command("Emulation.setEmulatedMedia", {"features": [scheme]})
    screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
    command("Emulation.setDeviceMetricsOverride", screen)
    top = "document.getElementById(arguments[0])?.getBoundingClientRect().top ?? 0"
    page.execute_script(f"scrollTo(0, scrollY + ({top}))", anchor)
    time.sleep(1)
    data = base64.b64decode(command("Page.captureScreenshot", {"format": "png"})["data"])
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    picture.save(path, optimize=True)
    if path.stat().st_size > LARGEST:
        picture.quantize(256).save(path, optimize=True)


def wait_for(page: Any, *words: str) -> None:
    """Wait until the page says all of these."""
    text = "return document.body.innerText"
    WebDriverWait(page, 300).until(lambda p: all(w in p.execute_script(text) for w in words))


def report(page: Any, folder: Path, target: Path) -> None:
    """Take pictures of the report and of its sections."""
    page.get((folder / "report.html").as_uri())
    for name, width, height, dark in LOOKS:
        shoot(page, target / f"{name}.png", width, height, dark)
    page.execute_script("document.querySelectorAll('details').forEach((e) => { e.open = true; })")
    for anchor in ANCHORS:
        if page.execute_script("return document.getElementById(arguments[0]) !== null", anchor):
            shoot(page, target / f"report-{anchor}.png", 1366, 1000, False, anchor)


def viewer(page: Any, folder: Path, target: Path) -> None:
    """Take a picture of a volume with truth and prediction over it."""
    page.get((folder / "viewer.html").as_uri())
    shown = "return document.body.dataset.shown"
    WebDriverWait(page, 300).until(lambda p: p.execute_script(shown))
    shoot(page, target / "viewer.png", 1280, 720, True)
    time.sleep(4)
    shoot(page, target / "viewer.png", 1280, 720, True)


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Run ``vbench ui`` and give the address of the benchmark's runs."""
    call = [sys.executable, "-m", "vbench", "ui", "--out", str(folder.parent), "--port", "0"]
    with subprocess.Popen(call, stdout=subprocess.PIPE, text=True) as process:
        try:
            said = ""
            while "Ctrl-C" not in said and (line := process.stdout.readline()):
                said += line
            address = re.search(rf"{re.escape(folder.name)}: (http\S+/runs\?\S+)", said).group(1)
            base = address.partition("/#/")[0]
            for _ in range(240):
                try:
                    urllib.request.urlopen(base).close()
                    break
                except OSError:
                    time.sleep(0.5)
            yield address
        finally:
            process.terminate()


def mlflow_pages(page: Any, address: str, board: dict[str, Any], target: Path) -> None:
    """Take pictures of the list of runs, of one run's samples, and of a comparison."""
    page.get(address)
    wait_for(page, *(row["arm"] for row in board["rows"][:3]), "dsc", "hd95")
    shoot(page, target / "mlflow.png", 1600, 800, False)
    links = page.find_elements("css selector", "a[href*='/runs/']")
    runs = {a.text: a.get_attribute("href").rpartition("/")[2] for a in links if a.text}
    base, _, place = address.partition("/#/experiments/")
    experiment = place.partition("/")[0]
    arm = next(name for name in runs if name.startswith("synthetic/"))
    page.get(
        f"{base}/#/experiments/{experiment}/runs/{runs[arm]}/artifacts/figures/samples.png"
        "?workflowType=machine_learning"
    )
    wait_for(page, "samples.png")
    time.sleep(8)
    page.execute_script(HIDE_PATH)
    shoot(page, target / "mlflow-samples.png", 1600, 800, False)
    chosen = json.dumps([runs[name] for name in list(runs)[:2]])
    page.get(f"{base}/#/compare-runs?runs={chosen}&experiments={json.dumps([experiment])}")
    wait_for(page, "Comparing 2 Runs")
    time.sleep(8)
    page.execute_script(
        "[...document.querySelectorAll('h2, h3, div, button')].filter((e) =>"
        "e.innerText?.trim() === 'Metrics').at(-1)?.scrollIntoView()"
    )
    shoot(page, target / "mlflow-comparison.png", 1600, 800, False)


def terminal(page: Any, board: dict[str, Any], path: Path, columns: int) -> None:
    """Take a picture of what ``vbench leaderboard`` prints in a terminal of so many columns."""
    from rich.console import Console

    console = Console(record=True, width=columns, file=io.StringIO(), force_terminal=True)
    console.print(render_table(board))
    svg = console.export_svg(title=f"vbench leaderboard {board['benchmark']}")
    wide, high = (float(x) for x in re.search(r'viewBox="0 0 (\S+) (\S+)"', svg).groups())
    width = 10 * columns
    page.get("about:blank")
    page.execute_script("document.body.style.margin = 0; document.body.innerHTML = arguments[0]",
                        re.sub(r"@font-face \{.*?\}", "", svg, flags=re.S))  # fmt: skip
    shoot(page, path, width, int(width * high / wide) + 1, False)


def main() -> None:
    """Take the pictures."""
    folder, target = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    target.mkdir(parents=True, exist_ok=True)
    board = build_leaderboard(folder)
    with browser() as page:
        terminal(page, board, target / "terminal.png", 130)
        terminal(page, board, target / "terminal-80.png", 80)
        report(page, folder, target)
        if (folder / "viewer.html").is_file():
            viewer(page, folder, target)
        with serving(folder) as address:
            mlflow_pages(page, address, board, target)


if __name__ == "__main__":
    main()
