"""Fixtures that several folders of tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from installing import Installer

# A busy machine is no fault of the code under test.
hypothesis.settings.register_profile("vbench", deadline=None)
hypothesis.settings.load_profile("vbench")


@pytest.fixture
def install(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installer]:
    """Install plugins of ``tests/fixtures/plugins`` as distributions, for this test only."""
    folder: Path = tmp_path_factory.mktemp("site")
    installer = Installer(folder)
    yield installer
    installer.uninstall()
