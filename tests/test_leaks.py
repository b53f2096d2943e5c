"""Leaks that are planted, and what is caught of them: docs/explanation/reliability.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from in_process import run
from known_answers import ANSWERS, answers
from toy_benchmark import toy_plan, toy_spec

from vbench import api
from vbench.errors import VbenchError
from vbench.records.training import FitGeneratorInputs


def split(**parts: Any) -> dict[str, Any]:
    return {"plugin": "blobs", "split": {"val": ["blob-4"], "test": ["blob-5"], **parts}}


@pytest.mark.parametrize("part", ["val", "test"])
def test_a_subject_in_two_parts_is_refused(part: str) -> None:
    both = {"train": ["blob-0", "blob-1"], part: ["blob-0"]}
    with pytest.raises(VbenchError, match="blob-0"):
        api.plan(toy_spec(data__source=split(**both), data__target=None))


def test_a_test_subject_of_one_data_set_is_not_learnt_from_in_the_other() -> None:
    same = {"plugin": "blobs", "seed": 0, "split": {"train": 2, "val": 1, "test": 1}}
    with pytest.raises(VbenchError, match="blob-"):
        api.plan(toy_spec(data__target=same, regimes={"real": True, "transfer": {"subjects": [1]}}))


def test_no_training_and_no_choice_stands_on_a_test_subject() -> None:
    """Neither patches nor scores of them, in any regime, by any number of jobs in between."""
    plan = toy_plan(
        benchmark__seeds=[0, 1],
        tune={"trials": 3, "checkpoints": 2},
        regimes={
            "real": True,
            "synthetic": True,
            "mixed": True,
            "transfer": {"subjects": [1, 2]},
            "scratch": {"subjects": [1, 2]},
        },
        metrics={"segmentation": ["dsc"], "privacy": ["near-copies"]},
    )
    tests = {key for subjects in plan.data.values() for key in subjects.keys("test")}
    validation = {key for subjects in plan.data.values() for key in subjects.keys("val")}
    chosen = [key for arm in plan.arms for keys in arm.trials.values() for key in keys]
    assert len(chosen) > 30
    for key in chosen:
        assert not tests.intersection(plan.sources(key)), plan.jobs[key].label
    for key, job in plan.jobs.items():
        if job.stage == "fit-generator":
            assert not tests.intersection(plan.sources(key)), job.label
            assert not (tests | validation).intersection(job.inputs_as(FitGeneratorInputs).train)


#: Knows where the store is, and looks there for the label of each scan that it is shown.
CHEAT = """
import os
from pathlib import Path

import numpy as np
import vbench


class Cheat(vbench.Segmenter):
    name = "cheat"

    def fit(self, patches, *, seed):
        yield vbench.Progress(1, 1, {"loss": 0.0})

    def weights(self):
        return {"none": np.zeros(1)}

    def load_weights(self, weights):
        pass

    def predict(self, image, mask):
        for folder in Path(os.environ["VBENCH_STORE"]).iterdir():
            if (folder / "image.npy").is_file():
                if np.array_equal(np.load(folder / "image.npy"), image):
                    return (np.load(folder / "label.npy") > 0).astype("float32")
        return np.zeros(image.shape, "float32")


@vbench.hookimpl
def vbench_register_segmenters(register):
    register(Cheat)
"""


def test_a_plugin_that_reads_the_labels_from_disk_is_not_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plugins are code with our rights: that a score is too good is all that is to be seen."""
    (tmp_path / "cheat.py").write_text(CHEAT)
    monkeypatch.setenv("VBENCH_STORE", str(tmp_path / "out" / "store"))
    spec = answers(
        segmenter={"plugin": "cheat"},
        regimes={"real": True},
        plugins={"paths": [ANSWERS, str(tmp_path / "cheat.py")]},
    )
    result = run(spec, tmp_path / "out")
    assert result.ok
    (row,) = result.board["rows"]
    assert row["metrics"]["dsc"]["mean"] == 1.0
