"""MRI Viewer pull request 249: voxels from byte 348, the header says 352: all is shifted."""

import gzip
from pathlib import Path

from command_line import vbench
from datasets import save, scene


def test_voxels_that_lie_elsewhere_are_refused(tmp_path: Path) -> None:
    truth = save(tmp_path / "truth.nii.gz", scene()[1])
    path = save(tmp_path / "pred.nii.gz", scene()[1])
    raw = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(raw[:348] + raw[352:]))
    answer = vbench("score", "--pred", path, "--truth", truth)
    assert answer.code == 2
    assert "its header says 4672 (20×18×12 voxels of uint8 from byte 352)" in answer.err
    assert len(answer.err.splitlines()) == 1
