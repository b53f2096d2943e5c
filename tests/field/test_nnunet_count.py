"""nnU-Net issue 2346: "Did not find the expected number of training cases (100). Found 1"."""

import json
from pathlib import Path

from command_line import vbench
from datasets import nnunet


def test_a_wrong_count_is_said_even_beside_a_remark(tmp_path: Path) -> None:
    file = nnunet(tmp_path) / "dataset.json"
    about = json.loads(file.read_text())
    about["labels"]["ignore"] = 2
    file.write_text(json.dumps(about | {"numTraining": 100}))
    answer = vbench("data", "check", tmp_path)
    assert answer.code == 2
    assert "numTraining is 100, there are 2 pairs; correct the number, or find" in answer.out
