from pathlib import Path

import numpy as np
import pytest

from vbench.files import atomic_write, parse_json, read_json, write_json, write_npy


def test_a_file_appears_whole_and_alone(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "a.nii.gz"
    with atomic_write(target) as temporary:
        assert temporary.parent == target.parent
        assert temporary.name.endswith(".nii.gz")
        temporary.write_text("x")
        assert not target.exists()
    assert target.read_text() == "x"
    assert list(target.parent.iterdir()) == [target]


def test_a_failed_write_keeps_the_old_file_and_leaves_nothing_behind(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")

    def fail() -> None:
        with atomic_write(target) as temporary:
            temporary.write_text("half")
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_json_takes_numpy_values_and_paths(tmp_path: Path) -> None:
    value = {"n": np.int64(3), "x": np.float32(0.5), "a": np.eye(2), "p": Path("b/c"), "s": "µm"}
    write_json(tmp_path / "v.json", value)
    assert read_json(tmp_path / "v.json") == {
        "n": 3,
        "x": 0.5,
        "a": [[1.0, 0.0], [0.0, 1.0]],
        "p": "b/c",
        "s": "µm",
    }


@pytest.mark.parametrize("value", [float("nan"), np.float64("inf"), {1, 2}])
def test_json_refuses_what_has_no_form(tmp_path: Path, value: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        write_json(tmp_path / "v.json", {"v": value})
    assert not list(tmp_path.iterdir())


def test_npy_is_never_pickled(tmp_path: Path) -> None:
    write_npy(tmp_path / "a.npy", np.arange(4, dtype=np.float16))
    assert np.load(tmp_path / "a.npy", allow_pickle=False).tolist() == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="Object arrays"):
        write_npy(tmp_path / "b.npy", np.array([{}], dtype=object))


@pytest.mark.parametrize("text", ['"\\uDE00"', '{"\\ud800": 1}', '["a\\uD83Dx"]'])
def test_half_of_a_surrogate_pair_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="half of a surrogate pair"):
        parse_json(text)


def test_a_whole_pair_and_a_backslash_are_read() -> None:
    assert parse_json('"\\uD83D\\uDE00 \\\\ud800"') == "😀 \\ud800"
