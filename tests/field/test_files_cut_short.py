"""MRIQC issue 379: "CRC check failed" for a fifth of the subjects, after hours."""

from pathlib import Path

from command_line import vbench
from datasets import save, scene


def test_a_file_without_its_last_bytes_is_refused(tmp_path: Path) -> None:
    truth = save(tmp_path / "truth.nii.gz", scene()[1])
    path = save(tmp_path / "pred.nii.gz", scene()[1])
    path.write_bytes(path.read_bytes()[:-8])
    answer = vbench("score", "--pred", path, "--truth", truth)
    assert answer.code == 2
    assert "the compressed data ends too early); copy or download it again" in answer.err
    assert len(answer.err.splitlines()) == 1
