"""ReproIn issue 69: DataLad installed links; the scans that they stand for were never fetched."""

from pathlib import Path

from command_line import vbench
from datasets import save, scene


def test_a_link_of_git_annex_is_named(tmp_path: Path) -> None:
    truth = save(tmp_path / "truth.nii.gz", scene()[1])
    path = save(tmp_path / "pred.nii.gz", scene()[1])
    path.unlink()
    path.symlink_to("../.git/annex/objects/x9/25/MD5E-s152998--c8d2.nii.gz")
    answer = vbench("score", "--pred", path, "--truth", truth)
    assert answer.code == 2
    assert "a git-annex link, not the volume; fetch the content" in answer.err
    assert len(answer.err.splitlines()) == 1
