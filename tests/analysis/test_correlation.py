"""Do cheap scores predict the segmenter's? Rank correlations, by hand and with made-up results."""

from __future__ import annotations

import json

import numpy as np
import pytest
from command_line import vbench
from fabricate import fabricate

from vbench.analysis.correlation import correlations, spearman
from vbench.analysis.folder import read_results

#: DSC of five generators, and a fidelity score that orders them alike but for one pair.
DSC = {"a": 0.60, "b": 0.65, "c": 0.70, "d": 0.75, "e": 0.80}
FID = {"a": 9.0, "b": 7.0, "c": 8.0, "d": 3.0, "e": 1.0}


def made(out, name="demo", fid=FID, shift=0.0):
    """A benchmark whose audits say these FID; ``noise-score`` says the same of all."""
    truth = {"real": 0.9 + shift} | {f"synthetic/{g}": dsc + shift for g, dsc in DSC.items()}
    benchmark = fabricate(out, name=name, truth=truth, failed=None, n_test=4)
    for generator, value in fid.items():
        for seed in (0, 1, 2):
            audit = benchmark.record(benchmark.arm(f"synthetic/{generator}")["audit"][str(seed)])
            audit["result"]["fidelity"] = {"fid": {"value": value}, "noise-score": {"value": 1.0}}
    benchmark.rewrite()
    return benchmark.folder


def test_spearman_by_hand():
    """Ranks 1 2 3 4 against 2 1 3 4: 1 - 6 × 2 / (4 × 15) = 0.8."""
    values = np.array([[1.0, 20], [2, 10], [3, 30], [4, 40]])
    assert spearman(values, np.zeros(4)) == pytest.approx(0.8)
    assert np.isnan(spearman(np.ones((4, 2)), np.zeros(4)))


def test_ranks_within_groups_do_not_see_what_differs_between_them():
    """In each group the order is reversed; over both, the groups' levels hide it."""
    values = np.array([[1.0, 2], [2, 1], [11, 12], [12, 11]])
    assert spearman(values, np.array([0, 0, 1, 1])) == pytest.approx(-1)
    assert spearman(values, np.zeros(4)) > 0.5


def test_a_score_is_positive_when_what_scores_better_trains_better(tmp_path):
    """FID orders five arms with one pair exchanged: 1 - 6 × 2 / (5 × 24) = 0.9; lower is better."""
    found = {c.metric: c for c in correlations([read_results(made(tmp_path))], draws=200)}
    fid = found["fid"]
    assert fid.directed
    assert fid.rho == fid.within == pytest.approx(0.9)
    assert (fid.arms, fid.generators, fid.benchmarks) == (5, 5, 1)
    assert fid.rho_ci95[0] < 0.9 <= fid.rho_ci95[1] <= 1
    noise = found["noise-score"]
    assert noise.rho is noise.rho_ci95 is None
    assert not noise.directed, "it is not in the plan, so nobody knows its direction"


def test_distances_count_as_well_as_overlaps(tmp_path):
    (fid, *_) = correlations([read_results(made(tmp_path))], "hd95", draws=50)
    assert fid.rho > 0


def test_benchmarks_on_other_scales_are_ranked_among_themselves(tmp_path):
    first = made(tmp_path, "first")
    second = made(tmp_path, "second", {g: 100 * v for g, v in FID.items()}, shift=0.05)
    results = [read_results(first), read_results(second)]
    found = {c.metric: c for c in correlations(results, draws=100)}["fid"]
    assert found.within == pytest.approx(0.9)
    assert found.rho < 0.9
    assert (found.arms, found.benchmarks) == (10, 2)


def test_the_command_prints_a_table_or_json(tmp_path):
    made(tmp_path)
    answer = vbench("correlate", "--out", tmp_path)
    assert answer.code == 0
    assert "| fid | +0.90 [" in answer.out
    assert "| noise-score (no direction) | – | – |" in answer.out
    assert json.loads(vbench("correlate", "demo", "--out", tmp_path, "--json").out)[0]["arms"] == 5


def test_too_few_arms_are_one_clear_line(tmp_path):
    fabricate(tmp_path, truth={"real": 0.9, "synthetic/a": 0.8}, failed=None)
    answer = vbench("correlate", "--out", tmp_path)
    assert answer.code == 2
    assert "fewer than 4 arms have a fidelity score" in answer.err
    assert vbench("correlate", "nowhere", "--out", tmp_path).code == 2
    assert vbench("correlate", "--out", tmp_path / "empty").code == 2
