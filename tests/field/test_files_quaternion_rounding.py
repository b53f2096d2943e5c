"""spinalcordtoolbox issue 3703: "w2 should be positive": a quaternion is too long by a rounding."""

import gzip
import struct
from pathlib import Path

from command_line import vbench
from datasets import save, scene


def test_a_rotation_that_rounding_made_too_long_is_read(tmp_path: Path) -> None:
    path = save(tmp_path / "a.nii.gz", scene()[1])
    raw = bytearray(gzip.decompress(path.read_bytes()))
    struct.pack_into("<2h3f", raw, 252, 1, 0, 0.70710705, 0.70710705, 0.0006)
    path.write_bytes(gzip.compress(bytes(raw)))
    answer = vbench("score", "--pred", path, "--truth", path, "--metric", "dsc")
    assert answer.code == 0, answer.err
