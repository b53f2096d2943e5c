"""The MLflow store: complete, idempotent, rebuilt from records."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from fabricate import fabricate
from vbench_plugins.tracking.backend import client, tracking_uri
from vbench_plugins.tracking.mirror import moved, rebuild, sync
from vbench_plugins.tracking.view import SHARE_KEY, view_url

from vbench import read_result
from vbench.errors import StoreError

SMALL = {"real": 0.89, "synthetic/dcgan": 0.8, "scratch/n1": 0.84, "transfer/dcgan/n1": 0.9}


def runs_of(out, name="demo", level="arm"):
    mlflow = client(tracking_uri(out))
    experiment = mlflow.get_experiment_by_name(name)
    found = mlflow.search_runs([experiment.experiment_id], f"tags.level = '{level}'")
    return {run.info.run_name: run for run in found}


@pytest.fixture(autouse=True)
def own_store(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture
def out(tmp_path, empty_store):
    shutil.copyfile(empty_store, tmp_path / "mlflow.db")
    return tmp_path


def test_a_run_an_arm_with_metrics_artifacts_data_and_trials(out):
    made = fabricate(out, truth=SMALL, seeds=(0,), artifacts=True)
    weights = out / "store" / made.arm("real")["trials"]["0"][0]
    weights.mkdir(parents=True, exist_ok=True)
    (weights / "weights.safetensors").write_bytes(b"w")
    for record in made.records:
        if record["key"] in made.arm("real")["evaluate"].values():
            record["result"]["trial"] = 0
    made.rewrite()
    sync(read_result(out / "demo"))
    runs = runs_of(out)
    assert set(runs) == {*SMALL, "synthetic/broken"}
    run = runs["synthetic/dcgan"]
    cases = [c["value"] for c in made.cases("synthetic/dcgan") if c["metric"] == "dsc"]
    assert run.data.metrics["dsc"] == pytest.approx(np.mean(cases))
    assert {"hd95", "dsc_ratio_to_real", "seconds"} <= set(run.data.metrics)
    assert [i.dataset.name for i in run.inputs.dataset_inputs] == [
        "source: phantom",
        "target: phantom",
    ]
    assert runs["synthetic/broken"].info.status == "FAILED"
    trials = runs_of(out, level="trial")
    assert {t.data.tags["mlflow.parentRunId"] for t in trials.values()} <= {
        r.info.run_id for r in runs.values()
    }
    folder = out / "mlartifacts" / "demo" / run.info.run_id / "artifacts"
    assert json.loads((folder / "leaderboard_row.json").read_text())["arm"] == "synthetic/dcgan"
    assert (folder / "cases.csv").read_text().splitlines()[0] == "subject,seed,dsc,hd95,cldice"
    names = {path.name for path in (folder / "figures").iterdir()}
    assert {"dsc-per-subject.svg", "samples.png", "best subject.png"} <= names
    assert {"segmenter loss.svg", "generator loss.svg", "generator gradient norm.svg"} <= names
    looks = sorted(path.name for path in (folder / "figures" / "samples").iterdir())
    assert looks == [f"seed-0-step-{step:06d}.png" for step in (50, 100, 200)]
    fault = "dcgan collapsed: seed 0, step 50: all labels are empty (it recovered)"
    assert run.data.tags["collapsed"] == fault
    real = out / "mlartifacts" / "demo" / runs["real"].info.run_id / "artifacts"
    linked = real / "weights" / "seed-0.safetensors"
    assert linked.stat().st_ino == (weights / "weights.safetensors").stat().st_ino


def test_curves_have_their_steps(out):
    fabricate(out, truth={"real": 0.9}, seeds=(0,), failed=None)
    sync(read_result(out / "demo"))
    history = client(tracking_uri(out)).get_metric_history(
        runs_of(out)["real"].info.run_id, "segmenter seed 0/loss"
    )
    assert len(history) == 24
    assert history[-1].step == 100


def test_running_it_again_changes_nothing(out):
    fabricate(out, truth={"real": 0.9, "synthetic/dcgan": 0.8}, seeds=(0,), failed=None)
    sync(read_result(out / "demo"))
    before = {name: run.info.run_id for name, run in runs_of(out).items()}
    sync(read_result(out / "demo"))
    assert {name: run.info.run_id for name, run in runs_of(out).items()} == before


def test_changed_arms_are_replaced_and_those_that_left_the_plan_deleted(out):
    made = fabricate(out, truth=SMALL, seeds=(0,), failed=None)
    sync(read_result(out / "demo"))
    before = {name: run.info.run_id for name, run in runs_of(out).items()}
    for case in made.cases("scratch/n1"):
        case["value"] *= 0.9
    made.plan["arms"] = [a for a in made.plan["arms"] if a["arm"] != "transfer/dcgan/n1"]
    made.rewrite()
    sync(read_result(out / "demo"))
    after = {name: run.info.run_id for name, run in runs_of(out).items()}
    assert set(after) == set(SMALL) - {"transfer/dcgan/n1"}
    assert after["scratch/n1"] != before["scratch/n1"]
    assert after["real"] == before["real"]
    kept = {path.name for path in (out / "mlartifacts" / "demo").iterdir()}
    assert kept == set(after.values())


def test_an_experiment_that_was_deleted_comes_back(out):
    fabricate(out, truth={"real": 0.9}, seeds=(0,), failed=None)
    sync(read_result(out / "demo"))
    mlflow = client(tracking_uri(out))
    mlflow.delete_experiment(mlflow.get_experiment_by_name("demo").experiment_id)
    sync(read_result(out / "demo"))
    assert mlflow.get_experiment_by_name("demo").lifecycle_stage == "active"


def test_the_saved_view_shows_arms_by_score_with_the_columns_that_matter(out):
    fabricate(out, truth={"real": 0.9}, seeds=(0,), failed=None)
    sync(read_result(out / "demo"))
    tags = client(tracking_uri(out)).get_experiment_by_name("demo").tags
    view = json.loads(tags[f"mlflow.sharedViewState.{SHARE_KEY}"])
    assert {"metrics.`dsc`", "metrics.`hd95`", "tags.`regime`"} <= set(view["selectedColumns"])
    assert (view["orderByKey"], view["orderByAsc"]) == ("metrics.`dsc`", False)
    assert view["searchFilter"] == "tags.level = 'arm'"
    assert f"viewStateShareKey={SHARE_KEY}" in view_url("http://127.0.0.1:5000", "1")


def test_a_moved_results_folder_is_rebuilt_whole(out):
    fabricate(out, name="one", truth={"real": 0.9}, seeds=(0,), failed=None)
    fabricate(out, name="two", truth={"real": 0.8}, seeds=(0,), failed=None)
    (out / "mlartifacts" / "stale").mkdir(parents=True)
    assert rebuild(out) == ["one", "two"]
    assert set(runs_of(out, "two")) == {"real"}
    assert not (out / "mlartifacts" / "stale").exists()


def test_a_copied_folder_writes_its_store_anew_and_leaves_the_first_alone(out, tmp_path_factory):
    fabricate(out, truth=SMALL, seeds=(0,), artifacts=True)
    sync(read_result(out / "demo"))
    before = sorted(path for path in out.rglob("*") if path.is_file())
    copy = tmp_path_factory.mktemp("copied") / "out"
    shutil.copytree(out, copy)
    shutil.rmtree(copy / "mlartifacts")
    assert not moved(out)
    assert moved(copy)
    sync(read_result(copy / "demo"))
    assert not moved(copy)
    for run in runs_of(copy).values():
        assert run.info.artifact_uri.startswith((copy / "mlartifacts").as_uri())
    assert set(runs_of(copy)) == {*SMALL, "synthetic/broken"}
    assert sorted(path for path in out.rglob("*") if path.is_file()) == before


def test_another_store_is_named_by_argument_or_environment(tmp_path, monkeypatch):
    assert tracking_uri(tmp_path) == f"sqlite:///{tmp_path / 'mlflow.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://host:1")
    assert tracking_uri(tmp_path) == "http://host:1"
    assert tracking_uri(tmp_path, "postgresql://x") == "postgresql://x"


def test_telemetry_is_off_before_mlflow_is_imported():
    code = (
        "import os, sys; from vbench_plugins.tracking import backend; "
        "assert 'mlflow' not in sys.modules; backend.quiet_mlflow(); "
        "print(os.environ['MLFLOW_DISABLE_TELEMETRY'], "
        "os.environ['DO_NOT_TRACK'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == ["true", "true"], done.stderr


def test_a_store_that_is_away_is_one_line_without_the_password(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    fabricate(tmp_path, truth={"real": 0.9}, seeds=(0,), failed=None)
    with pytest.raises(StoreError, match="vbench ui --sync") as caught:
        sync(read_result(tmp_path / "demo"), "http://me:secret@127.0.0.1:9")
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_weights_that_are_wanted_later_are_added(out):
    fabricate(out, truth={"real": 0.9}, seeds=(0,), failed=None)
    sync(read_result(out / "demo"))
    before = runs_of(out)["real"].info.run_id
    sync(read_result(out / "demo"), weights=True)
    after = runs_of(out)["real"].info.run_id
    assert after != before
    sync(read_result(out / "demo"))
    assert runs_of(out)["real"].info.run_id == after
