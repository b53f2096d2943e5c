"""nnU-Net issue 1602: a ``dataset.json`` of version 1 in version 2: keys are missing."""

import json
from pathlib import Path

from command_line import vbench
from datasets import nnunet
from vbench_plugins.sources.nnunet import NnUNet


def test_labels_of_version_1_are_read(tmp_path: Path) -> None:
    about = {
        "modality": {"0": "MRA"},
        "labels": {"0": "background", "1": "vessel", "2": "ignore"},
        "numTraining": 2,
        "numTest": 0,
        "training": [{"image": "./imagesTr/case0.nii.gz", "label": "./labelsTr/case0.nii.gz"}],
    }
    (nnunet(tmp_path) / "dataset.json").write_text(json.dumps(about))
    assert vbench("data", "check", tmp_path).code == 0
    (first, _) = NnUNet(NnUNet.Params(path=tmp_path)).listing.subjects
    assert (first.classes, first.ignore) == ((1,), (2,))
