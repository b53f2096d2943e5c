"""An nnU-Net data set with nested regions and an ignore label, through a whole run."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from datasets import save

from vbench import api, registry
from vbench.engine.plan import make_plan
from vbench.errors import DataError, SpecError
from vbench.spec import parse_spec

NAMED = str(Path(__file__).parents[1] / "fixtures" / "named.py")
#: As BraTS has them: each region lies in the one before.
ABOUT = {
    "channel_names": {"0": "TOF", "1": "T1"},
    "labels": {"background": 0, "whole": [1, 2, 5], "core": [2, 5], "inner": 5, "ignore": 7},
    "regions_class_order": [1, 2, 5],
    "numTraining": 4,
    "file_ending": ".nii.gz",
}


def data_set(folder: Path) -> Path:
    for case in range(4):
        rng = np.random.default_rng(case)
        label = np.zeros((12, 12, 12), np.uint8)
        y = 2 + case
        label[1:11, y - 2 : y + 6] = 1
        label[3:9, y - 1 : y + 4] = 2
        label[5:7, y : y + 2] = 5
        image = rng.normal(0, 0.5, (2, *label.shape)).astype(np.float32)
        for value, levels in ((1, (4, 0)), (2, (4, 4)), (5, (8, 4))):
            for channel, level in zip(image, levels, strict=True):
                channel[label == value] += level
        label[0, :3, 0] = 7
        for number, channel in enumerate(image):
            save(folder / "imagesTr" / f"c{case}_{number:04d}.nii.gz", channel)
        save(folder / "labelsTr" / f"c{case}.nii.gz", label)
        save(folder / "masksTr" / f"c{case}.nii.gz", np.ones(label.shape, np.uint8))
    (folder / "dataset.json").write_text(json.dumps(ABOUT))
    return folder


def spec(folder: Path, **source: object):  # type: ignore[no-untyped-def]
    return parse_spec(
        {
            "benchmark": {"name": "regions"},
            "data": {
                "source": {
                    "plugin": "nnunet",
                    "path": str(folder),
                    "labels": "dataset",
                    "channels": ["TOF", "T1"],
                    "split": {"train": 2, "val": 1, "test": 1},
                    **source,
                }
            },
            "patches": {"size": [4, 4, 4], "per_subject": 40},
            "segmenter": {"plugin": "nearest"},
            "regimes": {"real": True},
            "metrics": {"segmentation": ["dsc"]},
            "compute": {"threads": 1},
            "plugins": {"paths": [NAMED]},
        }
    )


def test_regions_are_found_and_written_as_nnunet_writes_them(tmp_path: Path) -> None:
    folder = data_set(tmp_path / "data")
    result = api.run(spec(folder), tmp_path / "out", tracking=False, workers=1)
    assert result.ok, result.failures
    with (tmp_path / "out" / "regions" / "cases.csv").open() as file:
        rows = {row["class"]: float(row["value"]) for row in csv.DictReader(file)}
    assert set(rows) == {"", "whole", "core", "inner"}
    assert rows[""] > 0.8
    (path,) = (tmp_path / "out" / "store").glob("*/predictions/*.nii.gz")
    found = np.asarray(nib.load(path).dataobj)
    assert set(np.unique(found)) == {0, 1, 2, 5}
    truth = np.asarray(nib.load(folder / "labelsTr" / path.name).dataobj)
    whole = [np.isin(each, [1, 2, 5])[truth != 7] for each in (found, truth)]
    assert (whole[0] == whole[1]).mean() > 0.9


def test_what_does_not_fit_is_said_before_anything_is_written(tmp_path: Path) -> None:
    folder = data_set(tmp_path / "data")
    plugins = registry.for_paths((NAMED,))
    with pytest.raises(DataError, match="channel_names has no 'FLAIR'"):
        make_plan(spec(folder, channels=["TOF", "FLAIR"]), plugins)
    with pytest.raises(DataError, match="take 'classes' out"):
        make_plan(spec(folder, classes=[1]), plugins)
    about = {**ABOUT, "regions_class_order": [1, 2]}
    (folder / "dataset.json").write_text(json.dumps(about))
    with pytest.raises(SpecError, match="regions_class_order has 2 values, labels has 3"):
        make_plan(spec(folder), plugins)
    labels = {"whole": 1, "core": 2}
    with pytest.raises(DataError, match=r"value 5 \(\d+ voxels\)"):
        api.run(spec(folder, labels=labels), tmp_path / "out", tracking=False)
    assert not list((tmp_path / "out").glob("store/*/volume.json"))


def test_without_labels_all_of_it_is_one_vessel(tmp_path: Path) -> None:
    folder = data_set(tmp_path / "data")
    plan = make_plan(
        spec(folder, labels={"vessel": 1}, channels=["image"]), registry.for_paths((NAMED,))
    )
    prepared = [job.inputs.to_json() for job in plan.jobs.values() if job.stage == "prepare"]
    assert not any({"labels", "channels"} & set(inputs) for inputs in prepared)
