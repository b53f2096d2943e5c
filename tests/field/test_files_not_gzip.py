"""nibabel issue 898: a viewer opens ``.nii.gz``, and nothing else does: it was never compressed."""

import gzip
from pathlib import Path

from command_line import vbench
from datasets import save, scene


def test_an_uncompressed_file_is_to_be_renamed(tmp_path: Path) -> None:
    truth = save(tmp_path / "truth.nii.gz", scene()[1])
    path = save(tmp_path / "pred.nii.gz", scene()[1])
    path.write_bytes(gzip.decompress(path.read_bytes()))
    answer = vbench("score", "--pred", path, "--truth", truth)
    assert answer.code == 2
    assert "not compressed, though its name says so; rename it to .nii" in answer.err
    assert len(answer.err.splitlines()) == 1
