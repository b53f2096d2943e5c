"""A headless Chromium for tests that look at pages as a reader does."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")

#: Marks for tests that need it; in CI they run and fail where it is missing.
needs_browser = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not ((CHROMIUM and DRIVER) or os.environ.get("CI")),
        reason="Chromium and its driver are missing",
    ),
]
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
)  # fmt: skip


@contextmanager
def browser(width: int = 1280, height: int = 900) -> Iterator[Any]:
    """Start a browser with its own profile; what its console and network did is logged."""
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = Options()
        options.binary_location = str(CHROMIUM)
        for flag in (*FLAGS, f"--user-data-dir={profile}", f"--window-size={width},{height}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        driver = webdriver.Chrome(options=options, service=Service(DRIVER))
        try:
            driver.get("about:blank")
            requests(driver)
            yield driver
        finally:
            driver.quit()


def requests(driver: Any) -> list[str]:
    """Return the addresses that were asked for since the last call."""
    messages = (json.loads(entry["message"])["message"] for entry in driver.get_log("performance"))
    sent = [m["params"]["request"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    return [request["url"] for request in sent]


def complaints(driver: Any) -> list[str]:
    """Return the console's warnings and errors since the last call."""
    entries = driver.get_log("browser")
    return [e["message"] for e in entries if e["level"] in ("WARNING", "SEVERE")]
