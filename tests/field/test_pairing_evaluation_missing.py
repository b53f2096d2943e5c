"""evalutils issue 295: a truth had no prediction, since the two were named otherwise."""

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


def test_what_has_no_partner_is_named(tmp_path: Path) -> None:
    code, out, err = score(
        tmp_path, {"A151": 1, "sub-1_acq-a": 2}, {"A151_label": 1, "sub-1_acq-b": 2}
    )
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert "sub-1_acq-b" in err


def test_what_only_says_the_kind_is_no_difference(tmp_path: Path) -> None:
    code, _, err = score(
        tmp_path,
        {"A151_0000": 1, "pred_7": 2, "Case_3_PRED": 3},
        {"A151_label": 1, "label_7": 2, "case_3": 3},
    )
    assert (code, err) == (0, "")
