"""The reader of a benchmark folder: what an arm selected, and what it says of other files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fabricate import Fabricated, fabricate

from vbench.analysis.chosen import Chosen
from vbench.analysis.folder import read_results
from vbench.errors import StoreError

SMALL = {
    "real": 0.9,
    "synthetic/dcgan": 0.8,
    "mixed/dcgan": 0.91,
    "transfer/dcgan/n1": 0.85,
    "scratch/n1": 0.84,
}


@pytest.fixture
def made(tmp_path: Path) -> Fabricated:
    return fabricate(tmp_path, truth=SMALL, failed="synthetic/broken", seeds=(0,))


def chosen(made: Fabricated, arm: str) -> Chosen | None:
    results = read_results(made.folder)
    return results.chosen(next(a for a in results.arms if a.name == arm), 0)


@pytest.mark.parametrize("arm", ["synthetic/dcgan", "mixed/dcgan", "transfer/dcgan/n1"])
def test_arms_that_learn_from_samples_name_them_and_their_generator(made, arm):
    found = chosen(made, arm)
    assert found.candidate == 1
    assert found.samples.record.label == "dcgan · seed 0 · checkpoint 2/2"
    assert found.generator.record.label == "dcgan · seed 0"
    assert found.generator.key == found.samples.inputs.generator
    assert found.generator.result.candidates[found.candidate].step == 200


def test_the_trial_is_the_one_that_was_evaluated(made):
    for name in ("real", "transfer/dcgan/n1"):
        found = chosen(made, name)
        keys = made.arm(name)["trials"]["0"]
        assert found.trial.key == keys[found.evaluated.trial]
        assert found.trial.result.score == found.evaluated.validation_score
    assert found.start.record.arm == "synthetic/dcgan"


def test_an_arm_without_a_generator_or_a_result_has_none(made):
    real = chosen(made, "real")
    assert (real.candidate, real.samples, real.generator, real.start) == (None, None, None, None)
    assert chosen(made, "synthetic/broken") is None


def test_records_that_do_not_name_their_samples_are_read(made):
    for record in made.records:
        for name in ("samples", "start", "budget"):
            (record["result"] or {}).pop(name, None)
    made.rewrite()
    found = chosen(made, "synthetic/dcgan")
    assert found.samples.record.label == "dcgan · seed 0 · checkpoint 2/2"


def test_a_record_that_cannot_be_read_is_refused_in_one_line(made):
    evaluate = made.arm("real")["evaluate"]["0"]
    del made.record(evaluate)["result"]["threshold"]
    made.rewrite()
    number = [record["key"] for record in made.records].index(evaluate) + 1
    with pytest.raises(StoreError) as raised:
        read_results(made.folder)
    place = f"{made.folder / 'records.jsonl'}:{number}"
    said = "result.threshold: Field required; run the benchmark again"
    assert str(raised.value) == f"{place}: {said}"


def test_a_line_that_was_cut_off_is_left_out(made):
    path = made.folder / "records.jsonl"
    path.write_text(path.read_text() + json.dumps(made.records[-1])[:40])
    assert len(read_results(made.folder).records) == len(made.records)


def test_separators_of_lines_within_a_message_are_text(made):
    record = next(record for record in made.records if record["status"] == "failed")
    said = "first\u2028second\x85third"
    record["failure"]["message"] = said
    made.rewrite()
    assert said in (made.folder / "records.jsonl").read_text("utf-8")
    assert read_results(made.folder).records[record["key"]].failure.message == said
