"""The leaderboard of a made-up folder."""

from __future__ import annotations

import json

import numpy as np
import pytest
from fabricate import TRUTH, fabricate

from vbench.analysis import build_leaderboard, write_leaderboard
from vbench.analysis.layout import sections
from vbench.errors import StoreError
from vbench.figures import costs


def rows_of(folder):
    board = build_leaderboard(folder)
    return board, {row["arm"]: row for row in board["rows"]}


@pytest.fixture
def made(tmp_path):
    return fabricate(tmp_path)


def test_every_planned_arm_is_a_row_with_the_fields_of_the_contract(made):
    board, rows = rows_of(made.folder)
    assert set(rows) == {arm["arm"] for arm in made.plan["arms"]}
    assert board["benchmark"] == "demo"
    assert board["finished"] is True
    row = rows["synthetic/wgan-gp-sn"]
    expected = {"arm", "regime", "generator", "n_subjects", "status", "seeds", "cases", "seconds"}
    assert expected | {"metrics", "versus", "best_params", "fidelity", "privacy"} <= set(row)
    assert (row["regime"], row["generator"], row["n_subjects"]) == ("synthetic", "wgan-gp-sn", None)
    assert (row["status"], row["seeds"], row["cases"]) == ("ok", 3, 18)
    assert {"mean", "sd", "ci95", "n", "n_undefined"} <= set(row["metrics"]["dsc"])
    assert {"ratio", "difference", "ci95", "p"} <= set(row["versus"]["real"]["dsc"])
    assert rows["transfer/wgan-gp-sn/n2"]["n_subjects"] == 2


def test_mean_and_sd_by_hand(made):
    for seed, shift in ((0, 0.0), (1, 0.1), (2, 0.2)):
        for i, case in enumerate(c for c in made.cases("real", seed) if c["metric"] == "dsc"):
            case["value"] = 0.5 + 0.1 * (i % 2) + shift
    made.rewrite()
    dsc = rows_of(made.folder)[1]["real"]["metrics"]["dsc"]
    assert dsc["mean"] == pytest.approx(0.65)
    assert dsc["sd"] == pytest.approx(np.std([0.6, 0.7] * 3, ddof=1))
    assert dsc["sd_seeds"] == pytest.approx(0.1)
    assert dsc["median"] == pytest.approx(0.65)
    assert dsc["n"] == 18


def test_means_recover_what_was_put_in(made):
    _, rows = rows_of(made.folder)
    for arm, mean in TRUTH.items():
        if arm != "synthetic/dcgan":
            low, high = rows[arm]["metrics"]["dsc"]["ci95"]
            assert low - 0.02 <= mean <= high + 0.02
    ratio = rows["synthetic/wgan-gp-sn"]["versus"]["real"]["dsc"]
    assert ratio["ratio"] == pytest.approx(0.85 / 0.89, abs=0.01)
    assert ratio["ratio_ci95"][0] <= ratio["ratio"] <= ratio["ratio_ci95"][1]
    assert ratio["difference"] < 0
    assert ratio["effect"] == -1.0


def test_undefined_cases_count_with_their_value(made):
    dcgan = rows_of(made.folder)[1]["synthetic/dcgan"]["metrics"]
    assert (dcgan["hd95"]["n"], dcgan["hd95"]["n_undefined"]) == (18, 1)
    without = [
        case["value"]
        for seed in (0, 1, 2)
        for case in made.cases("synthetic/dcgan", seed)
        if case["metric"] == "hd95"
    ]
    assert dcgan["hd95"]["mean"] == pytest.approx(np.mean(without))
    assert 55.4 in without


def test_a_case_whose_metric_failed_is_counted_and_the_rest_stand(made):
    case = next(c for c in made.cases("real") if c["metric"] == "cldice")
    case |= {"value": None, "status": "failed"}
    made.rewrite()
    row = rows_of(made.folder)[1]["real"]
    assert row["status"] == "ok"
    assert (row["metrics"]["cldice"]["n"], row["metrics"]["cldice"]["n_failed"]) == (17, 1)
    assert row["metrics"]["dsc"]["n_failed"] == 0


def test_a_failed_arm_is_last_with_the_reason_of_the_job_that_failed_first(made):
    board, _ = rows_of(made.folder)
    row = board["rows"][-1]
    assert (row["arm"], row["status"], row["seeds"]) == ("synthetic/broken", "failed", 0)
    failure = row["failure"]
    assert (failure["stage"], failure["reason"]) == ("fit-generator", "diverged")
    assert "NaN" in failure["message"]
    assert failure["traceback"].startswith("Traceback")
    assert failure["seconds"] > 0
    assert row["metrics"]["dsc"]["mean"] is None
    assert row["metrics"]["dsc"]["n_failed"] == 18
    assert row["seconds"] > 0


def test_one_failed_seed_fails_the_arm_but_its_other_scores_are_shown(made):
    key = made.arm("real")["evaluate"]["1"]
    record = made.record(key)
    failure = {"reason": "memory", "message": "too much", "traceback": "", "seconds": 1.0}
    record |= {"status": "failed", "result": None, "failure": failure}
    made.rewrite()
    board, rows = rows_of(made.folder)
    row = rows["real"]
    assert (row["status"], row["seeds"], row["seeds_failed"]) == ("failed", 2, 1)
    assert (row["metrics"]["dsc"]["n"], row["metrics"]["dsc"]["n_failed"]) == (12, 6)
    assert row["failure"]["reason"] == "memory"
    assert "rank" not in row["metrics"]["dsc"]
    assert board["rows"].index(row) >= len(board["rows"]) - 2


def test_a_failed_trial_does_not_fail_the_arm(made):
    key = made.arm("real")["trials"]["0"][0]
    failure = {"reason": "error", "message": "x", "traceback": "", "seconds": 1.0}
    made.record(key).update(status="failed", result=None, failure=failure)
    made.rewrite()
    assert rows_of(made.folder)[1]["real"]["status"] == "ok"


def test_an_arm_without_its_record_is_pending(tmp_path):
    made = fabricate(tmp_path, finished=False, failed=None)
    board, rows = rows_of(made.folder)
    assert board["finished"] is False
    assert rows["scratch/n4/equal-steps"]["status"] == "pending"
    assert rows["scratch/n4"]["failure"] is None
    assert [row["status"] for row in board["rows"]].count("ok") == len(TRUTH) - 1


def test_a_job_that_failed_upstream_fails_an_arm_that_has_no_record_of_its_own(made):
    keys = set(made.arm("synthetic/broken")["evaluate"].values())
    made.records[:] = [record for record in made.records if record["key"] not in keys]
    made.rewrite()
    row = rows_of(made.folder)[1]["synthetic/broken"]
    assert (row["status"], row["failure"]["reason"]) == ("failed", "diverged")


def test_ranks_are_within_the_arms_of_the_same_test_subjects(made):
    board, rows = rows_of(made.folder)
    firsts = [row["arm"] for row in board["rows"] if row["metrics"]["dsc"].get("rank") == 1]
    assert firsts == ["mixed/wgan-gp-sn", "transfer/wgan-gp-sn/n4"]
    assert rows["mixed/wgan-gp-sn"]["metrics"]["hd95"]["rank"] == 1
    assert rows["mixed/wgan-gp-sn"]["metrics"]["dsc"]["win_rate"] == 1.0
    # Last on every subject but the one whose prediction was empty in one seed of dcgan.
    worst = rows["baseline/threshold"]["metrics"]["dsc"]
    assert (worst["rank"], worst["average_rank"]) == (6, pytest.approx(6 - 1 / 6))


def test_equal_arms_share_a_rank_and_no_test_tells_them_apart(made):
    for seed in (0, 1, 2):
        values = {(c["subject"], c["metric"]): c for c in made.cases("real", seed)}
        for case in made.cases("mixed/wgan-gp-sn", seed):
            case |= values[case["subject"], case["metric"]]
    made.rewrite()
    _, rows = rows_of(made.folder)
    for arm in ("real", "mixed/wgan-gp-sn"):
        dsc = rows[arm]["metrics"]["dsc"]
        assert (dsc["rank"], dsc["tied"], dsc["like_best"]) == (1, True, True)
    against = rows["mixed/wgan-gp-sn"]["versus"]["real"]["dsc"]
    assert (against["p"], against["effect"], against["difference"]) == (1.0, 0.0, 0.0)
    assert against["ratio"] == 1.0
    assert rows["synthetic/wgan-gp-sn"]["metrics"]["dsc"]["rank"] == 3


def test_transfer_arms_are_compared_with_scratch_and_never_with_real(made):
    _, rows = rows_of(made.folder)
    row = rows["transfer/wgan-gp-sn/n1"]
    assert "real" not in row["versus"]
    assert row["versus"]["scratch"]["dsc"]["arm"] == "scratch/n1"
    assert row["versus"]["scratch"]["dsc"]["difference"] == pytest.approx(0.07, abs=0.01)
    assert "scratch" not in rows["scratch/n1"]["versus"]


def test_transfer_arms_on_the_same_test_subjects_are_compared_with_real(tmp_path):
    made = fabricate(tmp_path, failed=None)
    made.plan["data"]["target"] = made.plan["data"]["source"]
    for arm in ("transfer/wgan-gp-sn/n1", "scratch/n1"):
        for seed in (0, 1, 2):
            for case in made.cases(arm, seed):
                case["subject"] = case["subject"].replace("target", "source")
    made.rewrite()
    _, rows = rows_of(made.folder)
    assert rows["transfer/wgan-gp-sn/n1"]["versus"]["real"]["dsc"]["arm"] == "real"


def test_holm_counts_the_arms_of_the_table(made):
    _, rows = rows_of(made.folder)
    family = [r["versus"]["real"]["dsc"] for r in rows.values() if "real" in r["versus"]]
    assert len(family) == 5
    assert all(entry["comparisons"] == 5 for entry in family)
    assert min(entry["p"] for entry in family) == 5 * min(entry["p_raw"] for entry in family)
    assert all(entry["p"] >= entry["p_raw"] for entry in family)


def test_enough_subjects_make_a_real_difference_significant(tmp_path):
    made = fabricate(tmp_path, n_test=10, failed=None)
    _, rows = rows_of(made.folder)
    assert rows["synthetic/wgan-gp-sn"]["versus"]["real"]["dsc"]["p"] < 0.05


def test_cost_counts_shared_jobs_in_each_arm_and_trials_once(made):
    _, rows = rows_of(made.folder)
    real = rows["real"]["seconds_by_stage"]
    assert real == {"prepare": 24.0, "fit-segmenter": 30.0, "evaluate": 6.0}
    assert rows["real"]["seconds"] == 60.0
    assert rows["real"]["cpu_seconds"] == 90.0
    for arm in ("synthetic/wgan-gp-sn", "mixed/wgan-gp-sn"):
        assert rows[arm]["seconds_by_stage"]["fit-generator"] == 90.0


def test_gpu_memory_is_that_of_the_largest_job_and_left_out_where_there_was_no_gpu(tmp_path):
    made = fabricate(tmp_path)
    assert "peak_gpu_memory_mb" not in rows_of(made.folder)[1]["real"]
    peaks = iter((512.0, 2048.0))
    for record in made.records:
        if record["stage"] == "fit-generator" and "wgan-gp-sn" in record["label"]:
            record["peak_gpu_memory_mb"] = next(peaks, 1024.0)
    made.rewrite()
    board, rows = rows_of(made.folder)
    assert rows["synthetic/wgan-gp-sn"]["peak_gpu_memory_mb"] == 2048.0
    assert "peak_gpu_memory_mb" not in rows["real"]
    shown = {figure.title: figure for figure in costs.costs(board)}
    assert list(shown) == ["Time", "Memory", "GPU memory"]
    assert "2048 MB" in str(shown["GPU memory"].chart)


def test_audits_are_averaged_over_seeds(made):
    row = rows_of(made.folder)[1]["synthetic/wgan-gp-sn"]
    assert row["fidelity"]["fid"]["value"] == pytest.approx(3.0)
    assert row["fidelity"]["fid"]["floor"] == pytest.approx(1.2)
    ratio = row["privacy"]["nn-ratio"]
    assert ratio["value"] == pytest.approx(0.97)
    assert ratio["sd"] == pytest.approx(0.01)
    assert (ratio["n"], ratio["n_undefined"], ratio["defined"]) == (3, 0, True)
    assert row["privacy"]["membership-auc"]["ci95"] == pytest.approx([0.45, 0.59])


def test_best_params_are_those_of_the_chosen_trial_of_each_seed(made):
    row = rows_of(made.folder)[1]["real"]
    for seed, key in made.arm("real")["evaluate"].items():
        assert row["best_params"][seed] == made.record(key)["result"]["params"]


def test_the_same_folder_gives_the_same_bytes(made):
    first = write_leaderboard(made.folder)
    text = (made.folder / "leaderboard.json").read_text()
    assert write_leaderboard(made.folder) == first
    assert (made.folder / "leaderboard.json").read_text() == text
    assert json.loads(text) == first


def test_a_third_party_metric_appears_by_itself(made):
    for arm in made.plan["arms"]:
        for key in arm["evaluate"].values():
            result = made.record(key)["result"]
            for case in list((result or {}).get("cases", [])):
                if case["metric"] == "dsc":
                    result["cases"].append(case | {"metric": "my-score"})
    made.rewrite()
    board, rows = rows_of(made.folder)
    assert list(board["metrics"]) == ["dsc", "hd95", "cldice", "my-score"]
    assert rows["real"]["metrics"]["my-score"]["mean"] == rows["real"]["metrics"]["dsc"]["mean"]


def test_one_seed_and_one_subject_still_give_a_leaderboard(tmp_path):
    made = fabricate(tmp_path, seeds=(0,), n_test=1)
    _, rows = rows_of(made.folder)
    dsc = rows["real"]["metrics"]["dsc"]
    assert (dsc["sd"], dsc["ci95"], dsc["n"]) == (None, None, 1)
    assert rows["mixed/wgan-gp-sn"]["versus"]["real"]["dsc"]["ci95"] is None


def test_what_it_speaks_of_is_said_of_the_table_each_mean_and_each_comparison(made, tmp_path):
    board, rows = rows_of(made.folder)
    row = rows["synthetic/wgan-gp-sn"]
    entries = [board, row["metrics"]["dsc"], row["versus"]["real"]["dsc"], board["transfer"][0]]
    assert [entry["claim"] for entry in entries] == ["methods"] * 4
    assert (row["versus"]["real"]["dsc"]["seeds"], row["versus"]["real"]["dsc"]["n"]) == (3, 6)
    board, rows = rows_of(fabricate(tmp_path / "one", seeds=(0,)).folder)
    row = rows["synthetic/wgan-gp-sn"]
    entries = [board, row["metrics"]["dsc"], row["versus"]["real"]["dsc"], board["transfer"][0]]
    assert [entry["claim"] for entry in entries] == ["networks"] * 4


def test_a_line_that_was_cut_off_in_writing_is_left_out(made):
    with (made.folder / "records.jsonl").open("a") as file:
        file.write('{"key": "half')
    assert rows_of(made.folder)[1]["real"]["status"] == "ok"


def test_a_broken_line_in_the_middle_is_named(made):
    path = made.folder / "records.jsonl"
    path.write_text("not json\n" + path.read_text())
    with pytest.raises(StoreError, match=r"records\.jsonl:1"):
        build_leaderboard(made.folder)


def test_a_folder_that_is_no_benchmark_is_named(tmp_path):
    with pytest.raises(StoreError, match=r"plan\.json: missing"):
        build_leaderboard(tmp_path)


def test_an_interval_of_few_cases_stays_where_the_score_can_be(tmp_path):
    made = fabricate(tmp_path, seeds=(0,), n_test=2, failed=None)
    for i, case in enumerate(c for c in made.cases("real") if c["metric"] != "cldice"):
        case["value"] = [0.2, 1.0, 0.9, 50.0][i]
    made.rewrite()
    metrics = rows_of(made.folder)[1]["real"]["metrics"]
    assert metrics["dsc"]["ci95"] == [0.0, 1.0]
    assert metrics["hd95"]["ci95"][0] == 0.0
    assert metrics["hd95"]["ci95"][1] > 50
    ratio = rows_of(made.folder)[1]["synthetic/dcgan"]["versus"]["real"]["dsc"]
    assert ratio["ratio_ci95"] is None, "the reference may be 0: no ratio is too large"


def test_what_became_of_the_trials_is_counted_and_pruned_ones_are_in_the_table(made):
    keys = made.arm("real")["trials"]["0"]
    assert len(keys) >= 2
    made.record(keys[0])["result"]["pruned"] = True
    made.rewrite()
    board, rows = rows_of(made.folder)
    planned = sum(map(len, made.arm("real")["trials"].values()))
    assert rows["real"]["trials"] == {
        "planned": planned,
        "ended": planned - 1,
        "pruned": 1,
        "diverged": 0,
        "skipped": 0,
        "failed": 0,
    }
    assert {row["trials"]["planned"] for row in rows.values()} == {planned}
    section = next(sections(board))
    column = section.header.index("pruned")
    assert f"1 of {planned} trials" in {line[column].text for line in section.lines}
