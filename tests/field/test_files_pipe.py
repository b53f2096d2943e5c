"""Source: found by `make fuzz`. A pipe, or a device, in place of a file: vbench waited for ever."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from command_line import vbench
from datasets import bids, manifest, nnunet
from fabricate import fabricate

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")


def instead(path: Path, what: str) -> None:
    path.unlink(missing_ok=True)
    if what == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")


@pytest.mark.timeout(60)
@pytest.mark.parametrize("what", ["pipe", "device"])
def test_what_has_no_end_is_refused_in_a_line(tmp_path: Path, what: str) -> None:
    instead(nnunet(tmp_path / "n") / "dataset.json", what)
    instead(manifest(tmp_path / "m"), what)
    instead(bids(tmp_path / "b") / "derivatives" / "manual" / "dataset_description.json", what)
    instead(tmp_path / "a.swc", what)
    instead(tmp_path / "a.toml", what)
    instead(fabricate(tmp_path / "r", truth={"real": 0.9}).folder / "plan.json", what)
    for name in ("images", "labels"):
        np.save(tmp_path / f"{name}.npy", np.zeros((30, 4, 4)))
    instead(tmp_path / "subjects.csv", what)
    answers = [
        vbench("data", "check", tmp_path / "n"),
        vbench("data", "check", tmp_path / "m" / "manifest.csv", "--layout", "manifest"),
        vbench("data", "morphology", tmp_path / "a.swc"),
        vbench("plan", tmp_path / "a.toml"),
        vbench("leaderboard", "demo", "--out", tmp_path / "r"),
        vbench(
            *("audit", "--synthetic", tmp_path), *("--training", tmp_path, "--heldout", tmp_path)
        ),
    ]
    for answer in answers:
        assert answer.code == 2
        assert "not a regular file" in answer.err + answer.out
        assert len(answer.err.splitlines()) <= 1
    assert vbench("data", "check", tmp_path / "b").code in (0, 2)
