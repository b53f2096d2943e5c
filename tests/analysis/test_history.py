"""Boards that changed specs leave behind: kept once, listed with what changed, shown again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from command_line import vbench
from fabricate import fabricate
from toml_text import write_toml
from toy_benchmark import toy_table

from vbench.analysis.history import differences, history, keep, kept_board
from vbench.analysis.leaderboard import write_leaderboard
from vbench.errors import StoreError
from vbench.files import read_json, write_json
from vbench.records.plan import PlanFile

TRUTH = {"real": 0.89, "synthetic/wgan-gp": 0.83}


def changed(plan: dict[str, Any], **parts: Any) -> PlanFile:
    """Return a plan with other parts of its spec."""
    return PlanFile.read({**plan, "spec": {**plan["spec"], **parts}}, "plan.json")


@pytest.fixture
def made(tmp_path: Path) -> Any:
    found = fabricate(tmp_path, truth=TRUTH, failed=None, n_test=3, trials=1)
    write_leaderboard(found.folder)
    (found.folder / "cases.csv").write_text("arm\n")
    return found


def test_a_table_that_was_filled_is_not_said_to_be_gone(made: Any) -> None:
    one, two = (changed(made.plan, segmenter={"params": x}) for x in ({}, {"lr": 0.1}))
    assert differences(one, two) == ["segmenter.params.lr: 0.1 (new)"]
    assert differences(two, one) == ["segmenter.params.lr: 0.1 (gone)"]


def test_the_same_plan_keeps_nothing_wherever_it_was_made(made: Any) -> None:
    same = PlanFile.read({**made.plan, "provenance": {"python": "9"}}, "plan.json")
    assert keep(made.folder, same) is None
    assert not (made.folder / "history").exists()
    (former,) = history(made.folder)
    assert (former.number, former.changed) == (None, ())


def test_a_changed_plan_keeps_board_cases_and_plan_once(made: Any) -> None:
    board = (made.folder / "leaderboard.json").read_bytes()
    new = changed(made.plan, tune={"trials": 4, "metric": "dsc"})
    assert keep(made.folder, new) is not None
    # A run that is killed before it has a board of its own.
    write_json(made.folder / "plan.json", new.to_json())
    assert keep(made.folder, changed(made.plan, tune={"trials": 9})) is None
    kept = made.folder / "history" / "1"
    assert {path.name for path in kept.iterdir()} == {
        *("about.json", "cases.csv", "leaderboard.json", "plan.json")
    }
    assert (kept / "leaderboard.json").read_bytes() == board
    assert read_json(kept / "plan.json") == made.plan
    assert [each.number for each in history(made.folder)] == [1]
    assert kept_board(made.folder, 1) == json.loads(board)


def test_each_board_says_what_changed_since_the_one_before(made: Any) -> None:
    keep(made.folder, changed(made.plan, tune={"trials": 4, "metric": "dsc"}))
    made.plan["spec"]["tune"]["trials"] = 4
    made.plan["spec"]["generators"][0]["params"] = {"steps": 300}
    made.rewrite()
    board = read_json(made.folder / "leaderboard.json")
    board["rows"][0]["metrics"]["dsc"]["mean"] = 0.5
    write_json(made.folder / "leaderboard.json", board)
    now, first = history(made.folder)
    assert (now.number, first.number) == (None, 1)
    assert first.changed == ()
    assert now.changed == (
        "tune.trials: 1 → 4",
        "generators[wgan-gp].params.steps: 300 (new)",
    )
    assert now.best == {"arm": board["rows"][0]["arm"], "metric": "dsc", "value": 0.5}
    assert first.commit == "0123abcd"


def test_a_change_that_no_key_tells_is_of_data_version_or_code(made: Any) -> None:
    before = PlanFile.read(made.plan, "plan.json")
    made.plan["data"]["source"]["fingerprint"] = "0" * 32
    newer = PlanFile.read({**made.plan, "vbench": "0.2.0"}, "plan.json")
    assert differences(before, newer) == [
        "the content of the source data changed",
        "vbench: 0.1.0 → 0.2.0",
    ]
    code = before.model_copy(update={"jobs": before.jobs[1:]})
    assert differences(before, code) == ["the code of a plugin, or a file that one reads, changed"]


def test_a_board_that_is_not_there_or_of_another_version_is_one_line(made: Any) -> None:
    with pytest.raises(StoreError, match=r"no board 3 \(none was kept so far\)"):
        kept_board(made.folder, 3)
    keep(made.folder, changed(made.plan, tune={"trials": 4}))
    with pytest.raises(StoreError, match=r"no board 3 \(has 1\)"):
        kept_board(made.folder, 3)
    write_json(made.folder / "history/1/leaderboard.json", {"vbench": "0.0.1", "rows": []})
    with pytest.raises(StoreError, match=r"vbench 0\.0\.1 wrote it") as raised:
        kept_board(made.folder, 1)
    assert "\n" not in str(raised.value)
    assert history(made.folder)[-1].best is None


def test_the_command_lists_boards_and_shows_one(made: Any, tmp_path: Path) -> None:
    words = ("leaderboard", "demo", "--out", tmp_path, "--history")
    assert "no former board" in vbench(*words).out
    keep(made.folder, changed(made.plan, tune={"trials": 4, "metric": "dsc"}))
    made.plan["spec"]["tune"]["trials"] = 4
    made.rewrite()
    write_json(made.folder / "leaderboard.json", {"benchmark": "demo"})
    shown = vbench(*words)
    assert shown.code == 0, shown.err
    assert "tune.trials: 1 → 4" in shown.out
    assert "0123abcd" in shown.out
    listed = json.loads(vbench(*words, "--format", "json").out)
    assert [each["number"] for each in listed] == [None, 1]
    assert "synthetic/wgan-gp" in vbench(*words, "1", "--metric", "dsc").out
    assert vbench(*words, "1", "--format", "csv").out.startswith("arm,")
    for wrong, said in (("demo", "a board's number"), ("2", "no board 2 (has 1)")):
        answer = vbench(*words, wrong)
        assert (answer.code, answer.err.count("\n")) == (2, 1)
        assert said in answer.err
    assert "--history 1 --format md" in vbench(*words, "--format", "md").err


def test_a_run_of_a_changed_spec_says_where_the_board_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A board of arms that have not run yet is one, too.
    monkeypatch.setattr("vbench.engine.session.execute", lambda *_: None)
    table, out = toy_table(generators=[], regimes={"real": True}), tmp_path / "out"
    words = ("--out", out, "--no-tracking")
    first = vbench("run", write_toml(tmp_path / "a.toml", table), *words)
    assert "is kept" not in first.err
    board = (out / "toys" / "leaderboard.json").read_bytes()
    table["metrics"]["segmentation"] = ["dsc", "hd95"]
    spec = write_toml(tmp_path / "a.toml", table)
    second = vbench("run", spec, *words)
    assert f"is kept: vbench leaderboard toys --history --out {out}" in second.err
    assert (out / "toys/history/1/leaderboard.json").read_bytes() == board
    assert "is kept" not in vbench("run", spec, *words).err
    now, _ = history(out / "toys")
    assert now.changed == ('metrics.segmentation: ["dsc"] → ["dsc", "hd95"]',)
