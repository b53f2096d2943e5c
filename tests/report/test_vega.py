"""The script that draws charts: kept by user and version, and never taken from anyone else."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
import vl_convert

from vbench.report import vega as module


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where the script is kept, with one that says that it was."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(vl_convert, "javascript_bundle", lambda snippet: f"fresh {snippet}")
    assert "fresh" in module.vega.__wrapped__()
    (path,) = tmp_path.rglob("*.js.gz")
    path.write_bytes(gzip.compress(b"kept"))
    return path


def test_it_is_put_together_once(kept: Path) -> None:
    assert module.vega.__wrapped__() == "kept"


@pytest.mark.parametrize("mode", [0o777, 0o770])
def test_what_others_can_write_is_not_run(kept: Path, mode: int) -> None:
    kept.parent.chmod(mode)
    assert "fresh" in module.vega.__wrapped__()
    assert gzip.decompress(kept.read_bytes()) == b"kept"


def test_a_link_to_a_folder_elsewhere_is_not_followed(kept: Path) -> None:
    there = kept.parent.rename(kept.parent.with_name("elsewhere"))
    kept.parent.symlink_to(there)
    assert "fresh" in module.vega.__wrapped__()


@pytest.mark.parametrize(
    "cut",
    [b"", b"no gzip", gzip.compress(b"kept" * 99)[:-12]],
    ids=["empty", "no gzip", "cut off"],  # gzip holds the time: workers would differ in the name
)
def test_a_spoilt_file_is_made_again(kept: Path, cut: bytes) -> None:
    kept.write_bytes(cut)
    assert "fresh" in module.vega.__wrapped__()
    assert "fresh" in gzip.decompress(kept.read_bytes()).decode()


def test_spoilt_content_is_made_again(kept: Path) -> None:
    whole = bytearray(gzip.compress(b"kept" * 99))
    whole[12] ^= 0xFF
    kept.write_bytes(whole)
    assert "fresh" in module.vega.__wrapped__()


def test_without_a_home_it_is_put_together_each_time(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("os.getuid", lambda: 2**30)  # no user of this machine
    assert "fresh" in module.vega.__wrapped__()
