"""KiTS19 issue 5: cloned without Git LFS, every volume is a few lines of text."""

from pathlib import Path

from command_line import vbench
from datasets import save, scene


def test_a_pointer_of_git_lfs_is_named(tmp_path: Path) -> None:
    truth = save(tmp_path / "truth.nii.gz", scene()[1])
    path = save(tmp_path / "pred.nii.gz", scene()[1])
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    answer = vbench("score", "--pred", path, "--truth", truth)
    assert answer.code == 2
    assert "a Git LFS pointer, not the volume; run 'git lfs pull'" in answer.err
    assert len(answer.err.splitlines()) == 1
