import tomllib
from pathlib import Path

import numpy as np
import pytest
from command_line import vbench
from datasets import bids, manifest, nnunet, save, scene
from PIL import Image

from vbench.spec import load_spec


@pytest.mark.parametrize(("make", "layout"), [(nnunet, "nnunet"), (bids, "bids")])
def test_a_spec_for_a_data_set_is_sound(tmp_path: Path, make, layout: str) -> None:  # type: ignore[no-untyped-def]
    make(tmp_path / "My data.v2", 5)
    answer = vbench("init", tmp_path / "new", "--data", tmp_path / "My data.v2")
    assert answer.code == 0, answer.err
    assert f"{layout} layout, 5 subjects, 20 × 18 × 12 voxels of 0.5 × 0.6 × 0.8 mm" in answer.out
    spec = load_spec(tmp_path / "new" / "benchmark.toml")
    assert spec.benchmark.name == "My-data"
    assert spec.data.source.plugin == layout
    assert spec.data.source.split.wanted == 5
    assert spec.patches.size == [16, 16, 8]
    assert 'path = "../My data.v2"' in (tmp_path / "new" / "benchmark.toml").read_text()
    assert vbench("validate", tmp_path / "new" / "benchmark.toml").code == 0


def test_without_data_it_is_about_the_phantom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert vbench("init").out.endswith("then `vbench run benchmark.toml`\n")
    assert vbench("validate", "benchmark.toml").code == 0
    before = Path("benchmark.toml").read_bytes()
    answer = vbench("init")
    assert (answer.code, Path("benchmark.toml").read_bytes()) == (2, before)
    assert "benchmark.toml: is there already; name another folder" in answer.err


def test_slices_get_plane_patches_and_parameters_stand_in_the_spec(tmp_path: Path) -> None:
    for i in range(4):
        image, vessel, _ = scene(i, (70, 80, 12))
        save(tmp_path / "d" / "imagesTr" / f"c{i}_0000.nii.gz", image[:, :, 4:5])
        save(tmp_path / "d" / "labelsTr" / f"c{i}.nii.gz", vessel[:, :, 4:5])
    answer = vbench("init", tmp_path, "--data", tmp_path / "d", "--set", "classes=[1]")
    assert answer.code == 0, answer.err
    table = tomllib.loads((tmp_path / "benchmark.toml").read_text())
    assert table["patches"]["size"] == [64, 64]
    assert table["data"]["source"] == {
        "plugin": "nnunet",
        "path": "d",
        "classes": [1],
        "split": {"train": 2, "val": 1, "test": 1},
    }


def test_pictures_of_unknown_size_are_not_said_to_be_in_mm(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for i in range(4):
        for kind, low in (("images", 0), ("labels", 1)):
            (tmp_path / "pic" / kind).mkdir(parents=True, exist_ok=True)
            array = rng.integers(low, 255, (70, 80)).astype(np.uint8)
            Image.fromarray(array).save(tmp_path / "pic" / kind / f"p{i}.png")
    answer = vbench("init", tmp_path / "a", "--data", tmp_path / "pic")
    assert answer.code == 0, answer.err
    assert "80 × 70 × 1 pixels of unknown size, without a mask\n" in answer.out
    assert "the size of a pixel is not known: distances count pixels; pixel_size in" in answer.out
    assert "mm," not in answer.out
    answer = vbench("init", tmp_path / "b", "--data", tmp_path / "pic", "--set", "pixel_size=0.5")
    assert "80 × 70 × 1 voxels of 0.5 × 0.5 × 0.5 mm" in answer.out


def test_what_is_printed_can_be_pasted_and_a_folder_of_any_name_has_a_benchmark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder, written, name in (
        ("my vessels", "'my vessels/benchmark.toml'", "my-vessels"),
        ("./-x", "./-x/benchmark.toml", "x"),
        ("Gefäße", "'Gefäße/benchmark.toml'", "Gefasse"),
        ("血管", "'血管/benchmark.toml'", "first"),
    ):
        answer = vbench("init", folder)
        assert f"`vbench validate {written}`" in answer.out
        table = tomllib.loads((tmp_path / folder / "benchmark.toml").read_text())
        assert table["benchmark"]["name"] == name


def test_of_many_faults_the_first_and_their_number_are_said(tmp_path: Path) -> None:
    nnunet(tmp_path / "d", 6)
    for i in range(4):
        file = tmp_path / "d" / "labelsTr" / f"case{i}.nii.gz"
        file.write_bytes(file.read_bytes()[:-30])
    answer = vbench("init", tmp_path / "x", "--data", tmp_path / "d", "--layout", "nnunet")
    assert answer.code == 2
    assert "case0.nii.gz: the file is damaged or cut short" in answer.err
    assert f"(3 more: `vbench data check {tmp_path / 'd'} --layout nnunet`)" in answer.err


def test_what_cannot_be_begun_with_is_said_and_nothing_is_written(tmp_path: Path) -> None:
    manifest(tmp_path / "two")
    (tmp_path / "dicom").mkdir()
    (tmp_path / "dicom" / "1.dcm").write_bytes(b"")
    for arguments, words in (
        (["--data", tmp_path / "two"], "2 subjects; training, validation and test need one each"),
        (["--data", tmp_path / "dicom"], "dcm2niix"),
        (["--data", tmp_path / "none"], "no such file or folder"),
        (["--layout", "bids"], "name it with --data"),
        (["--data", tmp_path / "two", "--set", "clases=[1]"], "did you mean 'classes'"),
    ):
        answer = vbench("init", tmp_path / "x", *arguments)
        assert answer.code == 2
        assert words in answer.err
    assert not (tmp_path / "x").exists()


def test_help_says_where_to_begin_and_where_the_documentation_is() -> None:
    said = vbench("--help").out
    assert "vbench run smoke" in said
    assert "Documentation: " in said
