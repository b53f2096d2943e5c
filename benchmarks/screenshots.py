"""Takes pictures of a benchmark's report, viewer and MLflow view, for README.md.

``python benchmarks/screenshots.py results/paper results/summaries/screenshots [MLFLOW-URL]``, where
the address is one that ``vbench ui`` prints. Needs Chromium and its driver.
"""

from __future__ import annotations

import base64
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from browsing import browser

#: Name, width and height in pixels, whether dark.
LOOKS = (("report", 1280, 1500, False), ("report-dark", 1280, 1500, True),
         ("report-phone", 390, 1500, False))  # fmt: skip


def shoot(page: Any, path: Path, width: int, height: int, dark: bool, anchor: str = "") -> None:
    """Write what a screen of this size shows, from an element on."""
    command = page.execute_cdp_cmd
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    command("Emulation.setEmulatedMedia", {"features": [scheme]})
    screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
    command("Emulation.setDeviceMetricsOverride", screen)
    top = "document.getElementById(arguments[0])?.getBoundingClientRect().top ?? 0"
    page.execute_script(f"scrollTo(0, scrollY + ({top}))", anchor)
    time.sleep(0.5)
    data = command("Page.captureScreenshot", {"format": "png"})["data"]
    path.write_bytes(base64.b64decode(data))


def main() -> None:
    """Take the pictures."""
    folder, target = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    target.mkdir(parents=True, exist_ok=True)
    with browser() as page:
        page.get((folder / "report.html").as_uri())
        for name, width, height, dark in LOOKS:
            shoot(page, target / f"{name}.png", width, height, dark)
        for anchor in ("subjects", "samples", "projections"):
            shoot(page, target / f"report-{anchor}.png", 1280, 1000, False, anchor)
        if (folder / "viewer.html").is_file():
            page.get((folder / "viewer.html").as_uri())
            while not page.execute_script("return document.body.dataset.shown"):
                time.sleep(0.5)
            time.sleep(2)
            shoot(page, target / "viewer.png", 1280, 720, True)
        if len(sys.argv) > 3:
            page.get(sys.argv[3])
            time.sleep(15)
            shoot(page, target / "mlflow.png", 1500, 800, False)


if __name__ == "__main__":
    main()
