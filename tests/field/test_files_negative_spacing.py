"""ITK issue 1484: a spacing below 0 was written; what is saved from it lies elsewhere."""

import gzip
import struct
from pathlib import Path

from command_line import vbench
from datasets import save, scene


def test_a_spacing_below_0_is_refused(tmp_path: Path) -> None:
    truth = save(tmp_path / "truth.nii.gz", scene()[1])
    path = save(tmp_path / "pred.nii.gz", scene()[1])
    raw = bytearray(gzip.decompress(path.read_bytes()))
    struct.pack_into("<f", raw, 84, -0.6)
    path.write_bytes(gzip.compress(bytes(raw)))
    answer = vbench("score", "--pred", path, "--truth", truth)
    assert answer.code == 2
    assert "(pixdim), expected positive numbers; correct the header" in answer.err
    assert len(answer.err.splitlines()) == 1
