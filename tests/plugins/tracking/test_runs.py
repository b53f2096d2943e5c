"""What MLflow is to hold of an arm, without MLflow."""

from __future__ import annotations

import pytest
from fabricate import fabricate
from vbench_plugins.tracking.runs import arm_run, safe_name

from vbench import read_result


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    result = read_result(fabricate(tmp_path_factory.mktemp("out")).folder)
    return {arm.name: arm_run(arm) for arm in result.arms}, result.board


def test_final_metrics_have_their_own_names(runs):
    found, board = runs
    rows = {row["arm"]: row for row in board["rows"]}
    metrics, row = found["synthetic/wgan-gp-sn"].metrics, rows["synthetic/wgan-gp-sn"]
    assert metrics["dsc"] == row["metrics"]["dsc"]["mean"]
    assert metrics["hd95"] == row["metrics"]["hd95"]["mean"]
    assert metrics["dsc_ratio_to_real"] == row["versus"]["real"]["dsc"]["ratio"]
    assert metrics["seconds"] == row["seconds"]
    assert metrics["fidelity_fid"] == row["fidelity"]["fid"]["value"]
    assert "dsc_ratio_to_scratch" in found["transfer/wgan-gp-sn/n1"].metrics


def test_tags_say_what_the_arm_is(runs):
    tags = runs[0]["transfer/wgan-gp-sn/n2"].tags
    assert tags["regime"] == "transfer"
    assert tags["generator"] == "wgan-gp-sn"
    assert (tags["n_subjects"], tags["seeds"], tags["status"]) == ("2", "0, 1, 2", "ok")


def test_the_description_is_the_leaderboard_row(runs):
    text = runs[0]["synthetic/wgan-gp"].tags["mlflow.note.content"]
    assert "| dsc |" in text
    assert "| hd95 mm |" in text


def test_a_generator_that_collapsed_is_said(runs):
    fault = "dcgan collapsed: seed 0, step 50: all labels are empty (it recovered)"
    assert runs[0]["synthetic/dcgan"].tags["collapsed"] == fault
    assert fault in runs[0]["synthetic/dcgan"].tags["mlflow.note.content"]
    assert "collapsed" not in runs[0]["real"].tags


def test_a_failed_arm_is_a_failed_run_with_its_reason(runs):
    run = runs[0]["synthetic/broken"]
    assert run.status == "FAILED"
    assert run.tags["failure"] == "fit-generator: diverged"
    assert "loss is NaN" in run.tags["mlflow.note.content"]
    assert "dsc" not in run.metrics


def test_trials_are_children_and_do_not_carry_the_test_scores(runs):
    run = runs[0]["real"]
    assert len(run.children) == 6
    assert all(child.tags["level"] == "trial" for child in run.children)
    assert all("dsc" not in child.metrics for child in run.children)
    assert sum(child.tags["chosen"] == "true" for child in run.children) == 3
    assert run.start <= min(child.start for child in run.children)


def test_curves_are_those_of_the_chosen_trial_and_of_the_generator(runs):
    curves = runs[0]["synthetic/dcgan"].curves
    assert "segmenter seed 0/loss" in curves
    assert "generator seed 0/critic_loss" in curves
    assert curves["segmenter seed 0/validation score"][-1][0] == 100


def test_parameters_that_seeds_chose_differently_are_all_shown(runs):
    value = runs[0]["real"].params["learning_rate"]
    assert [part.split(":")[0] for part in value.split(", ")] == ["seed 0", "seed 1", "seed 2"]


def test_the_digest_changes_with_the_content_only(tmp_path):
    def digest(made):
        return arm_run(read_result(made.folder).arms[0]).digest

    made = fabricate(tmp_path / "a", truth={"real": 0.9}, failed=None)
    first = digest(made)
    assert digest(fabricate(tmp_path / "b", truth={"real": 0.9}, failed=None)) == first
    made.cases("real")[0]["value"] += 0.001
    made.rewrite()
    assert digest(made) != first


def test_names_that_mlflow_refuses_are_mended():
    assert safe_name("recall<1 mm>") == "recall_1 mm_"
    assert safe_name("dsc") == "dsc"
    assert safe_name("") == "_"


def test_the_verdict_is_a_tag_and_the_risk_of_the_worst_patient_a_metric(tmp_path):
    truth = {"real": 0.9, "synthetic/copy": 0.88}
    made = fabricate(tmp_path, truth=truth, seeds=(0,), n_test=1, failed=None)
    made.privacy("synthetic/copy")["nn-ratio"] |= {
        "alarm": True,
        "patients": [{"subject": 3, "value": 0.75, "ci95": None}],
    }
    made.rewrite()
    real, copy = (arm_run(arm) for arm in read_result(made.folder).arms)
    assert (copy.tags["verdict"], copy.metrics["worst_patient_risk"]) == ("alarm", 0.75)
    note = copy.tags["mlflow.note.content"]
    assert "Privacy: ALARM (nn-ratio); worst patient's risk 0.75" in note
    assert "source-03" not in note
    assert "verdict" not in real.tags
    assert "worst_patient_risk" not in real.metrics
