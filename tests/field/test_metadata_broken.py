"""Source: found by `make fuzz`. One distribution with broken metadata took every command down."""

from __future__ import annotations

import os
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


@pytest.mark.timeout(60)
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
@pytest.mark.parametrize("file", ["METADATA", "entry_points.txt"])
@pytest.mark.parametrize("what", ["pipe", "device"])
def test_so_is_what_has_no_end(installed: Path, file: str, what: str) -> None:
    (installed / file).unlink()
    if what == "pipe":
        os.mkfifo(installed / file)
    else:
        (installed / file).symlink_to("/dev/zero")
    Installer.forget()
    answer = vbench("plugins")
    assert answer.code == 0
    assert "wgan-gp-sn" in answer.out
    assert f"not loaded  {installed}" in answer.out
    assert "not a regular file" in answer.out
