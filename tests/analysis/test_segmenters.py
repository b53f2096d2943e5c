"""Several segmenters on one board: each arm is compared with those of its own."""

from __future__ import annotations

import pytest
from fabricate import fabricate

from vbench.analysis import build_leaderboard
from vbench.analysis.merge import merge_folders
from vbench.analysis.wording import segmenters
from vbench.figures.dose import dose
from vbench.figures.transfer import transfer
from vbench.report import write_report
from vbench.report.summary import write_summary
from vbench.report.words import summary

#: The generator reaches 0.95 of real with one network, and 0.80 with the other.
TRUTH = {
    "baseline/threshold": 0.60,
    "real@unet3d": 0.80,
    "synthetic/weak@unet3d": 0.76,
    "synthetic/weak/x4@unet3d": 0.76,
    "transfer/weak/n1@unet3d": 0.85,
    "transfer/real/n1@unet3d": 0.88,
    "scratch/n1@unet3d": 0.80,
    "scratch/n1/equal-steps@unet3d": 0.80,
    "real@other": 0.70,
    "real/steps=400@other": 0.74,
    "synthetic/weak@other": 0.56,
    "synthetic/weak/x4@other": 0.60,
    "transfer/weak/n1@other": 0.72,
    "transfer/real/n1@other": 0.78,
    "scratch/n1@other": 0.70,
    "scratch/n1/equal-steps@other": 0.72,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return fabricate(tmp_path_factory.mktemp("two"), truth=TRUTH, failed=None).folder


@pytest.fixture(scope="module")
def board(folder):
    return build_leaderboard(folder)


def test_each_arm_is_compared_with_the_reference_of_its_segmenter(board):
    rows = {row["arm"]: row for row in board["rows"]}
    for name in ("unet3d", "other"):
        versus = rows[f"synthetic/weak@{name}"]["versus"]
        assert versus["real"]["dsc"]["arm"] == f"real@{name}"
        versus = rows[f"transfer/weak/n1@{name}"]["versus"]
        assert {name: found["dsc"]["arm"] for name, found in versus.items()} == {
            "scratch": f"scratch/n1@{rows[f'real@{name}']['segmenter']}",
            "control": f"scratch/n1/equal-steps@{name}",
            "ceiling": f"transfer/real/n1@{name}",
            "best": "transfer/real/n1@unet3d",
        }
    assert rows["synthetic/weak@unet3d"]["versus"]["real"]["dsc"]["ratio"] == pytest.approx(
        0.95, abs=0.02
    )
    # the best of all, whatever its network, is on the same board
    assert rows["real@other"]["versus"]["best"]["dsc"]["arm"] == "real@unet3d"
    # a rule is compared with the first that the spec lists
    assert rows["baseline/threshold"]["versus"]["real"]["dsc"]["arm"] == "real@unet3d"
    # each transfer curve is corrected by itself
    assert rows["transfer/weak/n1@other"]["versus"]["scratch"]["dsc"]["comparisons"] == 1


def test_curves_are_per_segmenter(board):
    gains = {
        (c["generator"], c["segmenter"]): (c["gain"][0], c["control"][0]["gain"])
        for c in board["transfer"]
        if c["metric"] == "dsc"
    }
    assert gains["weak", "unet3d"] == pytest.approx((0.05, 0.05), abs=0.02)
    assert gains["weak", "other"] == pytest.approx((0.02, 0.0), abs=0.02)
    doses = {c["segmenter"]: c["mean"] for c in board["dose"] if c["metric"] == "dsc"}
    assert doses["other"] == pytest.approx([0.56, 0.60], abs=0.03)
    (steps,) = (c for c in board["steps"] if c["metric"] == "dsc")
    assert steps["base"] == "real@other"


def test_figures_and_words_say_which(folder, board, tmp_path):
    titles = [figure.title for figure in transfer(board, ["dsc"])]
    assert titles == ["Transfer curve, DSC (unet3d)", "Transfer curve, DSC (other)"]
    (figure,) = dose(board, ["dsc"])
    assert figure.title == "Dose curve, DSC"
    lines = summary(board)
    assert any(line.startswith("Trained on real patches, other reaches") for line in lines)
    assert any("The best of its synthetic arms, synthetic/weak" in line for line in lines)
    assert any("pre-training on weak (other) changes" in line for line in lines)
    assert "synthetic/weak@other" in write_report(folder).read_text()
    assert "synthetic/weak@other" in write_summary(folder, tmp_path).read_text()


def test_a_board_of_one_segmenter_says_nothing_of_it(tmp_path):
    board = build_leaderboard(fabricate(tmp_path).folder)
    assert all("segmenter" not in curve for curve in board["transfer"] + board["dose"])
    assert segmenters(board["rows"]) == [None]


def test_folders_of_one_segmenter_each_merge_into_one_board(tmp_path):
    truth = {"real": 0.8, "synthetic/weak": 0.76}
    one = fabricate(tmp_path / "a", truth=truth, failed=None)
    other = fabricate(tmp_path / "b", truth={k: v - 0.1 for k, v in truth.items()}, failed=None)
    other.plan["spec"]["segmenter"] = {"plugin": "other", "name": "", "params": {}}
    for arm in other.plan["arms"]:
        arm["segmenter"] = "other"
    other.rewrite()
    rows = {row["arm"]: row for row in merge_folders([one.folder, other.folder])["rows"]}
    assert set(rows) == {"real", "synthetic/weak", "real @b", "synthetic/weak @b"}
    assert rows["synthetic/weak @b"]["versus"]["real"]["dsc"]["arm"] == "real @b"
    assert rows["synthetic/weak"]["versus"]["real"]["dsc"]["arm"] == "real"


def test_a_folder_with_a_list_of_one_pools_with_that_of_the_table(tmp_path):
    truth = {"real": 0.8}
    one = fabricate(tmp_path / "a", truth=truth, failed=None, seeds=(0, 1))
    other = fabricate(tmp_path / "b", truth=truth, failed=None, seeds=(2, 3))
    use = other.plan["spec"].pop("segmenter")
    other.plan["spec"]["segmenters"] = [use]
    other.rewrite()
    (row,) = merge_folders([one.folder, other.folder])["rows"]
    assert row["seeds"] == 4
