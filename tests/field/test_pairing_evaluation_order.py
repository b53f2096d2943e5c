"""SinGAN pull request 136: listings in two orders compared one image with another."""

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


def test_names_decide_not_places(tmp_path: Path) -> None:
    code, out, _ = score(
        tmp_path,
        {"sub-1_run-1_acq-b_pred": 2, "sub-1_acq-a_run-1_pred": 1, "sub-1_acq-a_run-2_pred": 3},
        {"sub-1_acq-a_run-1_dseg": 1, "sub-1_acq-b_run-01_dseg": 2, "sub-1_run-2_acq-a_dseg": 3},
    )
    assert code == 0
    assert [case["value"] for case in json.loads(out)["cases"]] == [1.0, 1.0, 1.0]
