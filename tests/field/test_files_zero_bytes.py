"""BrainStat issue 344: a template "is not a gzip file": the download left 0 bytes."""

from pathlib import Path

from command_line import vbench
from datasets import save, scene


def test_an_empty_file_is_named(tmp_path: Path) -> None:
    truth = save(tmp_path / "truth.nii.gz", scene()[1])
    path = save(tmp_path / "pred.nii.gz", scene()[1])
    path.write_bytes(b"")
    answer = vbench("score", "--pred", path, "--truth", truth)
    assert answer.code == 2
    assert "the file is empty (0 bytes); copy or download it again" in answer.err
    assert len(answer.err.splitlines()) == 1
