"""A folder is whole or absent, whatever happens while it is built."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from vbench.errors import StoreError
from vbench.share.aside import built_aside, scratch


def test_what_is_built_takes_its_place(tmp_path: Path) -> None:
    for place in (tmp_path / "new" / "deep", tmp_path / "empty"):
        (tmp_path / "empty").mkdir(exist_ok=True)
        with built_aside(place) as part:
            (part / "a").write_text("1")
            assert not (place / "a").exists()
        assert [path.name for path in place.iterdir()] == ["a"]
        assert [path.name for path in place.parent.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("stop", [ValueError, KeyboardInterrupt, SystemExit])
def test_what_stops_half_way_leaves_nothing(tmp_path: Path, stop: type[BaseException]) -> None:
    def build() -> None:
        with built_aside(tmp_path / "new" / "deep") as part:
            (part / "a").write_text("1")
            raise stop

    with pytest.raises(stop):
        build()
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten_not_even_what_came_meanwhile(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a").write_text("mine")
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    for name in ("file", "full", "nowhere"):
        says = "is a file, expected a folder" if name == "file" else "not empty"
        with pytest.raises(StoreError, match=says), built_aside(tmp_path / name):
            raise AssertionError
    late = tmp_path / "late"

    def build() -> None:
        with built_aside(late):
            late.mkdir()
            (late / "a").write_text("mine")

    with pytest.raises(StoreError, match="name a new folder"):
        build()
    assert (late / "a").read_text() == "mine"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "full", "late", "nowhere"]


def test_what_a_killed_process_left_is_removed_and_a_living_ones_is_not(tmp_path: Path) -> None:
    dead = tmp_path / ".x.0123456789ab.part"
    dead.mkdir()
    (dead / "images.npy").write_text("half")
    with built_aside(tmp_path / "x") as first:
        assert not dead.exists()
        (first / "a").write_text("1")
        with built_aside(tmp_path / "x"):  # another process is quicker
            assert first.exists()
        (tmp_path / "x").rmdir()
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_a_link_to_an_empty_folder_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with built_aside(tmp_path / "link") as part:
        (part / "a").write_text("1")
    assert (tmp_path / "real" / "a").exists()


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_scratch_folder_is_ones_own_and_gone_in_the_end(temporary: Path) -> None:
    with scratch("vbench-x-") as place:
        assert place.parent == temporary
        assert place.stat().st_mode & 0o077 == 0
        (place / "patient.npy").write_text("secret")
    with pytest.raises(ValueError, match="as it came"), scratch("vbench-x-"):
        raise ValueError("as it came")
    assert list(temporary.iterdir()) == []


def test_scratch_folders_of_the_dead_are_removed_and_of_the_living_kept(temporary: Path) -> None:
    for name in ("vbench-x-dead", "vbench-other"):
        (temporary / name).mkdir()
    (temporary / "vbench-x-link").symlink_to(temporary / "vbench-other")
    with scratch("vbench-x-") as first, scratch("vbench-x-") as second:
        assert first.exists()
        assert second.exists()
        assert not (temporary / "vbench-x-dead").exists()
    assert (temporary / "vbench-other").exists()


def test_a_scratch_folder_goes_when_its_process_is_told_to_stop(temporary: Path) -> None:
    code = (
        "import signal, sys, time\n"
        "from vbench.share.aside import scratch\n"
        "signal.signal(signal.SIGTERM, signal.default_int_handler)\n"
        "with scratch('vbench-x-') as place:\n"
        "    print(place, flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        place = Path(process.stdout.readline().strip())
        assert place.parent == temporary
        process.terminate()
        process.wait(30)
    assert not place.exists()
