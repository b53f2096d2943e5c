"""Fixtures that several folders of tests share."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import hypothesis
import pytest
import warm_python as warm
from installing import Installer
from searching import examples
from warm_workers import warm_workers as kept_warm

# A busy machine is no fault of the code under test.
hypothesis.settings.register_profile("vbench", deadline=None, max_examples=examples(100))
hypothesis.settings.load_profile("vbench")

#: Files with the longest tests, or fixtures: begun first, so that none of them is left at the end.
LONGEST = (
    "test_documents.py",
    "test_notebook.py",
    "test_reference.py",
    "test_browser.py",
    "test_ui.py",
    "test_ui_ends.py",
    "test_executors.py",
    "test_audit.py",
    "test_export.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest first; each file stays in one piece, in its order."""
    last = len(LONGEST)
    items.sort(
        key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else last
    )


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs a GPU where there is none, for one reason."""
    if item.get_closest_marker("gpu") is not None:
        import torch

        if not torch.cuda.is_available():
            pytest.skip("needs a GPU: torch sees no CUDA device here")


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an empty MLflow store once, to be copied: creating one takes seconds."""
    from vbench_plugins.tracking.backend import client

    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    client(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture(scope="session")
def warm_python() -> str:
    """Start a server of forked programs, once; return the script to call in Python's place."""
    return warm.start()


@pytest.fixture(scope="module")
def forked_workers(warm_python: str) -> Iterator[None]:
    """Fork this module's workers, where neither their memory nor their death is looked at."""
    from vbench.engine import process

    python = SimpleNamespace(executable=warm_python, path=sys.path)
    with patch.object(process, "sys", python):
        yield


@pytest.fixture(scope="module")
def warm_workers() -> Iterator[None]:
    """Lend the workers of one run of this module to its next ones."""
    with kept_warm():
        yield


@pytest.fixture
def install(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installer]:
    """Install plugins of ``tests/fixtures/plugins`` as distributions, for this test only."""
    folder: Path = tmp_path_factory.mktemp("site")
    installer = Installer(folder)
    yield installer
    installer.uninstall()
