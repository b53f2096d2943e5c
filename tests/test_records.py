"""Records: what is on disk is read and written through typed models, without a change."""

from __future__ import annotations

import json

import pytest
from fabricate import fabricate

from vbench.analysis import write_leaderboard
from vbench.engine.stages import stage
from vbench.errors import StoreError
from vbench.records.board import Board
from vbench.records.job import JobRecord
from vbench.records.judging import EvaluateResult
from vbench.records.parts import TrialSpec
from vbench.records.stages import STAGES
from vbench.records.statistics import RankedSummary
from vbench.records.training import FitGeneratorResult, PrepareInputs

PLUGIN = {"name": "p", "distribution": "d", "version": "1", "source": "abc"}
PREPARE = {
    "plugin": PLUGIN,
    "params": {"shape": [4, 4, 4], "x": 1.0, "n": None},
    "subject": "a",
    "fingerprint": "f",
    "normalise": "percentile",
}


def record(**changed: object) -> dict[str, object]:
    return {"key": "k", "stage": "prepare", "status": "failed", "inputs": PREPARE, **changed}


def test_inputs_are_written_as_they_were_read() -> None:
    read = JobRecord.read(record(), "here")
    assert isinstance(read.inputs, PrepareInputs)
    assert read.inputs.to_json() == PREPARE


def test_what_is_optional_is_written_only_where_it_is() -> None:
    assert "seconds" not in TrialSpec().to_json()
    assert TrialSpec(seconds=2.0).to_json()["seconds"] == 2.0


def test_names_of_the_file_and_of_python_are_one() -> None:
    preview = {"step": 1, "vessel_fraction": 0.1, "variety": 0.2, "file": "look-1.npy"}
    read = FitGeneratorResult.read({"looks": [preview]}, "here")
    assert read.previews[0].file == "look-1.npy"
    assert "looks" in read.to_json()
    assert "previews" not in read.to_json()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"stage": "bake"}, "stage 'bake' is not known"),
        ({"inputs": {**PREPARE, "more": 1}}, "inputs.more"),
        ({"inputs": {"subject": "a"}}, r"inputs.plugin: Field required \(3 more\)"),
        ({"status": "well"}, "status"),
    ],
)
def test_what_does_not_fit_is_one_line(changed: dict[str, object], said: str) -> None:
    with pytest.raises(StoreError, match=said) as error:
        JobRecord.read(record(**changed), "records.jsonl:3")
    assert str(error.value).startswith("records.jsonl:3: ")
    assert "\n" not in str(error.value)


def test_a_result_of_another_stage_is_refused() -> None:
    read = JobRecord.read(record(), "here")
    with pytest.raises(StoreError, match="has no EvaluateResult"):
        read.result_as(EvaluateResult)


def test_every_stage_of_the_engine_has_its_models() -> None:
    for name, (inputs, result) in STAGES.items():
        found = stage(name)
        assert (found.name, found.Inputs, found.Result) == (name, inputs, result)


def test_an_unknown_stage_is_said() -> None:
    with pytest.raises(StoreError, match="stage 'os' is not known"):
        stage("os")


@pytest.mark.parametrize("seeds", [(0, 1, 2), (0,)])
def test_the_leaderboard_is_written_through_its_models_and_read_back(tmp_path, seeds) -> None:
    content = write_leaderboard(fabricate(tmp_path, seeds=seeds).folder)
    read = Board.read(content, "leaderboard.json")
    assert json.dumps(read.to_json()) == json.dumps(content)
    rows = {row.arm: row for row in read.rows}
    assert isinstance(rows["real"].metrics["dsc"], RankedSummary)
    assert not isinstance(rows["synthetic/broken"].metrics["dsc"], RankedSummary)
    with pytest.raises(StoreError, match=r"board\.json: rows\.0\.status"):
        Board.read({**content, "rows": [{**content["rows"][0], "status": "well"}]}, "board.json")
