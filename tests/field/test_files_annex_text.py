"""CONP issue 431: the downloaded scan is one line of text, the place in git-annex."""

from pathlib import Path

from command_line import vbench
from datasets import save, scene


def test_a_pointer_of_git_annex_is_named(tmp_path: Path) -> None:
    truth = save(tmp_path / "truth.nii.gz", scene()[1])
    path = save(tmp_path / "pred.nii.gz", scene()[1])
    path.write_bytes(b"/annex/objects/MD5E-s11057707--6248ded9.nii.gz\n")
    answer = vbench("score", "--pred", path, "--truth", truth)
    assert answer.code == 2
    assert "a git-annex pointer, not the volume; fetch the content with" in answer.err
    assert len(answer.err.splitlines()) == 1
