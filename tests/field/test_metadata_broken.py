"""Source: found by `make fuzz`. One distribution with broken metadata took every command down."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import vbench
from installing import Installer


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[Path]:
    installer = Installer(tmp_path)
    installer("fine")
    yield next(tmp_path.glob("*.dist-info"))
    installer.uninstall()


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("METADATA", b"Metadata-Version: 2.1\n"),
        ("METADATA", b"Metadata-Version: 2.1\nName: vbench-fine\xff\nVersion: 1.0\n"),
        ("entry_points.txt", b"[vbench]\nfine\n"),
        ("entry_points.txt", b"[vbench]\nfine = f\xa9ine\n"),
    ],
    ids=["no name", "not UTF-8", "no value", "points not UTF-8"],
)
def test_broken_metadata_is_reported_and_the_others_work(
    installed: Path, file: str, content: bytes
) -> None:
    (installed / file).write_bytes(content)
    Installer.forget()
    answer = vbench("plugins")
    assert answer.code == 0
    assert "Traceback" not in answer.err
    assert "wgan-gp-sn" in answer.out
    assert f"not loaded  {installed}" in answer.out
