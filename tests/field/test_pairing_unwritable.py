"""Source: found in review of vbench. Hours of scores were lost when --csv could not be written."""

import json
from pathlib import Path

import pytest
from command_line import vbench
from datasets import save, scene


@pytest.mark.parametrize(
    "options", [["--csv", "folder"], ["--csv", "file/x.csv"], ["--overlays", "file"], ["--csv", ""]]
)
def test_scores_are_shown_all_the_same(
    tmp_path: Path, options: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for side in ("pred", "true"):
        save(tmp_path / side / "case.nii.gz", scene()[1])
    Path("folder").mkdir()
    Path("file").touch()
    found = vbench(
        "score", "--pred", "pred", "--truth", "true", "--metric", "dsc", "--json", *options
    )
    assert found.code == 2
    assert json.loads(found.out)["cases"][0]["value"] == 1.0
    assert len(found.err.splitlines()) == 1
    assert options[0] in found.err


def test_a_disk_that_fills_while_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("vbench.cli.score.to_csv", full)
    for side in ("pred", "true"):
        save(tmp_path / side / "case.nii.gz", scene()[1])
    words = ("--pred", tmp_path / "pred", "--truth", tmp_path / "true", "--csv", tmp_path / "x.csv")
    found = vbench("score", *words, "--metric", "dsc", "--overlays", tmp_path / "pictures")
    assert found.code == 2
    assert "dsc" in found.out
    assert "No space left on device" in found.err
    assert list((tmp_path / "pictures").iterdir())
