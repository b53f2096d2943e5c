"""MNE-BIDS issue 1387: run-1 fitted run-1 and run-10; which is meant must not be guessed."""

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


def test_a_prediction_of_two_truths_is_refused(tmp_path: Path) -> None:
    code, out, err = score(tmp_path, {"sub-1": 1}, {"sub-1_run-1_dseg": 1, "sub-1_run-10_dseg": 2})
    assert (code, out) == (2, "")
    assert "sub-1_run-1_dseg.nii.gz" in err
    assert "sub-1_run-10_dseg.nii.gz" in err


def test_run_1_is_not_run_10(tmp_path: Path) -> None:
    code, _, err = score(
        tmp_path,
        {"sub-1_run-1": 1, "sub-1_run-10": 2},
        {"sub-1_run-10_dseg": 2, "sub-1_run-1_dseg": 1},
    )
    assert (code, err) == (0, "")
