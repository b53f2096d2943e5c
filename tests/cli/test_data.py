import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from datasets import bids, manifest, nnunet

from vbench.cli import cli
from vbench.errors import VbenchError


def run(*args: object) -> Result:
    result = CliRunner().invoke(cli, ["data", *map(str, args)])
    if isinstance(result.exception, VbenchError):
        raise result.exception
    return result


@pytest.mark.parametrize(("make", "layout"), [(nnunet, "nnunet"), (bids, "bids")])
def test_a_sound_data_set_is_recognised_and_passes(tmp_path: Path, make, layout) -> None:  # type: ignore[no-untyped-def]
    result = run("check", make(tmp_path))
    assert result.exit_code == 0
    assert f"{layout} layout, 2 subjects, sound" in result.output


def test_a_manifest_passes_as_file_and_as_folder(tmp_path: Path) -> None:
    file = manifest(tmp_path)
    assert run("check", file).exit_code == run("check", tmp_path).exit_code == 0


def test_faults_are_listed_with_their_file_and_exit_code_2(tmp_path: Path) -> None:
    folder = nnunet(tmp_path)
    (folder / "imagesTr" / "case0_0000.nii.gz").write_bytes(b"")
    (folder / "labelsTr" / "case1.nii.gz").unlink()
    result = run("check", folder)
    assert result.exit_code == 2
    assert (
        "case0_0000.nii.gz: the file is empty (0 bytes); copy or download it again" in result.output
    )
    assert "case1_0000.nii.gz: no label" in result.output
    machine = run("check", folder, "--json")
    assert machine.exit_code == 2
    listed = json.loads(machine.stdout)
    assert listed["layout"] == "nnunet"
    assert all(set(fault) == {"file", "message", "mend", "serious"} for fault in listed["faults"])


def test_a_layout_is_named_or_guessed_or_said_to_be_unknown(tmp_path: Path) -> None:
    folder = nnunet(tmp_path / "n")
    assert run("check", folder, "--layout", "nnunet", "--set", "classes=[1]").exit_code == 0
    for args, message in (
        ((tmp_path,), "looks like none of bids, images, manifest, nnunet"),
        ((tmp_path / "gone",), "no such file or folder"),
        ((folder, "--layout", "phantom"), "expected one of bids, images, manifest, nnunet"),
        ((folder, "--set", "clases=[1]"), "clases.*did you mean 'classes'"),
    ):
        with pytest.raises(VbenchError, match=message):
            run("check", *args)


def test_show_prints_a_table_and_writes_projections(tmp_path: Path) -> None:
    folder = nnunet(tmp_path / "n")
    result = run("show", folder, "--png", tmp_path / "png")
    assert result.exit_code == 0
    assert "20×18×12" in result.output
    assert "0.5×0.6×0.8 mm" in result.output
    assert sorted(p.name for p in (tmp_path / "png").iterdir()) == ["case0.png", "case1.png"]
    rows = json.loads(run("show", folder, "--json").stdout)["subjects"]
    assert [row["id"] for row in rows] == ["case0", "case1"]
    assert len({row["fingerprint"] for row in rows}) == 2
    with pytest.raises(VbenchError, match=r"dataset\.json: cannot write here"):
        run("show", folder, "--png", folder / "dataset.json")


def test_make_writes_a_phantom_that_check_finds_sound(tmp_path: Path) -> None:
    settings = ["--subjects", 1, "--seed", 4, "--set", "shape=[32,32,24]"]
    result = run("make", "phantom", tmp_path / "d", "--layout", "bids", *settings)
    assert result.exit_code == 0, result.output
    about = json.loads((tmp_path / "d" / "dataset_description.json").read_text())
    assert about["vbench"]["params"]["seed"] == 4
    assert run("check", tmp_path / "d").exit_code == 0
    (lines,) = (tmp_path / "d").rglob("*.swc")
    assert "| bifurcations per brain | measured | 1 |" in run("morphology", lines).output
    with pytest.raises(VbenchError, match="not an empty folder"):
        run("make", "phantom", tmp_path / "d")
    with pytest.raises(VbenchError, match="no source is called 'fantom'; did you mean 'phantom'"):
        run("make", "fantom", tmp_path / "e")
    assert run("make", "phantom", tmp_path / "e", "--set", "shape").exit_code == 2


def test_morphology_measures_centre_lines(tmp_path: Path) -> None:
    lines = [f"{i + 1} 1 {i} 0 0 1 {i or -1}" for i in range(20)]
    (tmp_path / "a.swc").write_text("\n".join(lines))
    result = run("morphology", tmp_path / "a.swc")
    assert result.exit_code == 0
    assert "| branch length (mm) | measured | 1 | 19 |" in result.output
    table = json.loads(run("morphology", tmp_path / "a.swc", "--json").stdout)
    assert table["tortuosity"]["p50"] == pytest.approx(1)
