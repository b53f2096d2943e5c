"""PlantSeg issue 11: exact duplicates across train, validation and test, under other names.

Of 7,774 images 277 were redundant. A subject's twin in another part of the split is refused.
"""

from __future__ import annotations

import shutil

from command_line import vbench
from datasets import nnunet

SPEC = """
[benchmark]
name = "twins"
[data.source]
plugin = "nnunet"
path = "{path}"
split = {{ train = ["case0"], val = ["case1"], test = ["again"] }}
[patches]
size = [8, 8, 8]
[regimes]
real = true
"""


def test_a_copy_under_another_name_in_the_test_set_is_refused(tmp_path):
    folder = nnunet(tmp_path / "data", 2)
    shutil.copy(folder / "labelsTr" / "case0.nii.gz", folder / "labelsTr" / "again.nii.gz")
    shutil.copy(
        folder / "imagesTr" / "case1_0000.nii.gz", folder / "imagesTr" / "again_0000.nii.gz"
    )
    about = (folder / "dataset.json").read_text().replace('"numTraining": 2', '"numTraining": 3')
    (folder / "dataset.json").write_text(about)
    spec = tmp_path / "spec.toml"
    spec.write_text(SPEC.format(path=folder))
    answer = vbench("validate", spec)
    assert answer.code == 2
    assert "again" in answer.err
    assert "training and test" in answer.err
