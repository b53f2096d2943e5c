"""nlp-in-practice issue 1: "not in gzip format": what was downloaded is the page about the file."""

from pathlib import Path

from command_line import vbench
from datasets import save, scene


def test_a_web_page_is_named(tmp_path: Path) -> None:
    truth = save(tmp_path / "truth.nii.gz", scene()[1])
    path = save(tmp_path / "pred.nii.gz", scene()[1])
    path.write_text('\n\n<!DOCTYPE html>\n<html lang="en"><head>')
    answer = vbench("score", "--pred", path, "--truth", truth)
    assert answer.code == 2
    assert "an HTML page, not a NIfTI file; a server sent it instead of the volume" in answer.err
    assert len(answer.err.splitlines()) == 1
