"""fMRIPrep issue 2549: CRCError within a run; other readers take the same file."""

from pathlib import Path

from command_line import vbench
from datasets import save, scene


def test_a_wrong_checksum_is_refused(tmp_path: Path) -> None:
    truth = save(tmp_path / "truth.nii.gz", scene()[1])
    path = save(tmp_path / "pred.nii.gz", scene()[1])
    raw = bytearray(path.read_bytes())
    raw[-8] ^= 1
    path.write_bytes(raw)
    answer = vbench("score", "--pred", path, "--truth", truth)
    assert answer.code == 2
    assert "pred.nii.gz: the file is damaged or cut short (incorrect data check)" in answer.err
    assert len(answer.err.splitlines()) == 1
