"""ivadomed pull request 837: a prediction of one class was compared with the truth of another."""

import json
from pathlib import Path

import numpy as np
from command_line import vbench
from datasets import save, scene


def score(folder: Path, pred: dict[str, int], true: dict[str, int]) -> tuple[int, str, str]:
    """Score masks of scenes by their numbers."""
    for side, files in (("pred", pred), ("true", true)):
        for name, seed in files.items():
            save(folder / side / f"{name}.nii.gz", scene(seed)[1].astype(np.uint8))
    found = vbench(
        "score", "--pred", folder / "pred", "--truth", folder / "true", "--metric", "dsc", "--json"
    )
    return found.code, found.out, found.err


def test_labels_of_one_person_go_by_class(tmp_path: Path) -> None:
    code, out, _ = score(
        tmp_path,
        {"sub-1_label-artery_pred": 1, "sub-1_label-vein_pred": 2},
        {"sub-1_label-artery_mask": 1, "sub-1_label-vein_mask": 2},
    )
    assert code == 0
    assert [case["value"] for case in json.loads(out)["cases"]] == [1.0, 1.0]


def test_another_class_is_no_partner(tmp_path: Path) -> None:
    code, out, err = score(tmp_path, {"sub-1_label-artery_pred": 1}, {"sub-1_label-vein_mask": 1})
    assert (code, out) == (2, "")
    assert "sub-1_label-vein_mask" in err
    assert "sub-1_label-artery_pred" in err
