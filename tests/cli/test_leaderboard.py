"""``vbench leaderboard``."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from fabricate import fabricate

from vbench.cli.leaderboard import command
from vbench.errors import SpecError, StoreError


def call(*words):
    return CliRunner().invoke(command, [str(word) for word in words])


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    fabricate(out)
    return out


def test_the_only_benchmark_needs_no_name(out):
    result = call("--out", out)
    assert result.exit_code == 0
    assert "synthetic/wgan-gp-sn" in result.output


@pytest.mark.parametrize("form", ["table", "md", "csv", "json"])
def test_every_format_names_every_arm(out, form):
    result = call("demo", "--out", out, "--format", form)
    assert result.exit_code == 0
    assert all(arm in result.output for arm in ("real", "synthetic/broken", "scratch/n4"))


def test_json_is_the_content_of_leaderboard_json(out):
    from vbench.analysis import write_leaderboard

    written = write_leaderboard(out / "demo")
    assert json.loads(call("--out", out, "--format", "json").output) == written


def test_several_folders_are_merged(out, tmp_path):
    fabricate(tmp_path, seeds=(5,))
    result = call("--out", out, "--out", tmp_path, "--format", "json")
    rows = {row["arm"]: row for row in json.loads(result.output)["rows"]}
    assert rows["real"]["seeds"] == 4


def test_two_benchmarks_need_a_name(tmp_path):
    fabricate(tmp_path, name="one", truth={"real": 0.9})
    fabricate(tmp_path, name="two", truth={"real": 0.9})
    result = call("--out", tmp_path)
    assert isinstance(result.exception, StoreError)
    assert "one, two" in str(result.exception)
    assert "demo" not in call("two", "--out", tmp_path).output


def test_a_misspelt_benchmark_or_metric_names_the_nearest(out):
    assert "did you mean 'demo'" in str(call("dmeo", "--out", out).exception)
    result = call("--out", out, "--metric", "hd59")
    assert isinstance(result.exception, SpecError)
    assert "did you mean 'hd95'" in str(result.exception)


@pytest.mark.parametrize(("name", "family"), [("fid", "fidelity"), ("near-copies", "privacy")])
def test_a_score_of_patches_is_told_from_one_that_is_unknown(out, monkeypatch, name, family):
    from vbench import analysis

    board = analysis.merge_folders([out / "demo"])
    row = {**board["rows"][0], "fidelity": {"fid": {}}, "privacy": {"near-copies": {}}}
    monkeypatch.setattr(analysis, "merge_folders", lambda _: {**board, "rows": [row]})
    said = str(call("--out", out, "--metric", name).exception)
    assert said.startswith(f"--metric {name}: a {family} score, which ranks no arm")
    assert "'synthetic patches'" in said


@pytest.mark.parametrize(
    ("form", "title"),
    [
        ("table", "demo · synthetic patches"),
        ("md", "### synthetic patches"),
        ("latex", "{demo, synthetic patches}"),
    ],
)
def test_scores_of_patches_have_a_table_unless_metrics_are_named(out, form, title):
    assert title in call("--out", out, "--format", form).output
    assert title not in call("--out", out, "--format", form, "--metric", "dsc").output


def test_an_empty_folder_says_what_to_do(tmp_path):
    assert "vbench run" in str(call("--out", tmp_path).exception)
