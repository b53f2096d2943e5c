"""One undisturbed run for each file of faults; each test has its own ground."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from faulting.ground import Ground, grounds


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory, warm_workers: None) -> Iterator[Path]:
    with grounds(tmp_path_factory.mktemp("calm")) as folder:
        yield folder


@pytest.fixture
def ground(tmp_path: Path, calm: Path) -> Ground:
    return Ground(tmp_path, calm, {})
