"""Source: found in review of vbench. A bright diaphragm made right labels look mirrored."""

from pathlib import Path

import numpy as np
from command_line import vbench
from datasets import save
from masks import tubes


def test_contrast_beside_the_label_decides(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    for number in range(2):
        vessel = tubes((96, 96), rng, 3, 1.5)
        vessel[:, 40:] = False
        image = rng.normal(100, 5, (96, 96)) + 25 * vessel
        image[:, 70:] += 300  # the organ lies where the mirrored label would
        save(tmp_path / f"imagesTr/c{number}_0000.nii.gz", image[..., None].astype(np.float32))
        save(tmp_path / f"labelsTr/c{number}.nii.gz", vessel[..., None])
    found = vbench("data", "check", tmp_path)
    assert found.code == 0, found.out
    assert "exchanged" not in found.out
