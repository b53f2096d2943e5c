"""A folder is whole or absent, whatever happens while it is built."""

from pathlib import Path

import pytest

from vbench.errors import StoreError
from vbench.share.aside import built_aside


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
        with pytest.raises(StoreError, match="not empty"), built_aside(tmp_path / name):
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
