"""Source, target and the parts of a split share no head, whatever its noise or name is."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from datasets import AFFINE, nnunet, save, scene
from toy_benchmark import toy_plan

from vbench.engine.plan import make_plan
from vbench.errors import DataError
from vbench.records.judging import AuditInputs
from vbench.registry import default
from vbench.spec import parse_spec

SPLIT = {"train": 2, "val": 1, "test": 1}


def plan(source, target):
    table = {
        "benchmark": {"name": "heads"},
        "data": {"source": {"split": SPLIT, **source}, "target": {"split": SPLIT, **target}},
        "regimes": {"scratch": {"subjects": [1]}},
    }
    return make_plan(parse_spec(table), default())


@pytest.mark.parametrize("change", [{"noise": 9.0}, {"blur": 1.0}, {"spacing": [0.5, 0.5, 0.5]}])
def test_phantoms_of_one_seed_under_another_noise_are_refused(change):
    with pytest.raises(DataError, match=r"data\.target: .*same head"):
        plan({"plugin": "phantom"}, {"plugin": "phantom", "scanner": "a", **change})


@pytest.mark.parametrize("target", [{}, {"scanner": "a", "seed": 1}])
def test_the_other_site_and_another_seed_are_other_heads(target):
    assert plan({"plugin": "phantom"}, {"plugin": "phantom", **target}).arms


def disguise(folder: Path, how: str) -> None:
    """Write the cases of ``nnunet`` again: other noise, names, files; the same labels."""
    for n, path in enumerate(sorted((folder / "labelsTr").iterdir())):
        label = np.asarray(nib.load(path).dataobj)
        affine = AFFINE
        if how == "float":
            label = label.astype(np.float32)
        elif how == "flipped":
            label = label[::-1]
            affine = AFFINE @ np.diag([-1, 1, 1, 1.0])
            affine[:3, 3] = (AFFINE @ [label.shape[0] - 1, 0, 0, 1])[:3]
        elif how == "value":
            label = label * np.uint8(7)
        image = scene(100 + n)[0]
        if how == "flipped":
            image = image[::-1]
        name = f"other_{9 - n}"
        save(folder / "imagesTr" / f"{name}_0000.nii.gz", image, affine)
        save(folder / "labelsTr" / f"{name}.nii.gz", np.ascontiguousarray(label), affine)
        path.unlink()
    for path in (folder / "imagesTr").glob("*"):
        if not path.name.startswith("other"):
            path.unlink()
    for path in (folder / "masksTr").glob("*"):
        path.unlink()


@pytest.mark.parametrize("how", ["as it was", "float", "flipped", "value"])
def test_folders_with_the_same_labels_are_refused(tmp_path, how):
    source, target = nnunet(tmp_path / "a", 4), nnunet(tmp_path / "b", 4)
    disguise(target, how)
    with pytest.raises(DataError, match="share subjects"):
        plan({"plugin": "nnunet", "path": str(source)}, {"plugin": "nnunet", "path": str(target)})


def test_one_image_in_two_parts_of_a_split_is_refused(tmp_path):
    folder = nnunet(tmp_path / "a", 4)
    first, second = sorted((folder / "imagesTr").iterdir())[:2]
    second.write_bytes(first.read_bytes())
    names = sorted(path.name.partition(".")[0] for path in (folder / "labelsTr").iterdir())
    table = {
        "benchmark": {"name": "twins"},
        "data": {
            "source": {
                "plugin": "nnunet",
                "path": str(folder),
                "split": {"train": [names[0]], "val": [names[2]], "test": [names[1]]},
            }
        },
        "regimes": {"real": True},
    }
    with pytest.raises(DataError, match=rf"{names[0]}.*{names[1]}.*same image"):
        make_plan(parse_spec(table), default())


def test_empty_labels_are_no_ones_head(tmp_path):
    folder = nnunet(tmp_path / "a", 4)
    for path in (folder / "labelsTr").iterdir():
        save(path, np.zeros(scene()[1].shape, np.uint8))
    other = nnunet(tmp_path / "b", 4)
    disguise(other, "as it was")
    assert plan(
        {"plugin": "nnunet", "path": str(folder)}, {"plugin": "nnunet", "path": str(other)}
    ).arms


def test_the_audit_holds_out_test_subjects_alone():
    made = toy_plan(metrics={"segmentation": ["dsc"], "fidelity": ["fid"]})
    audits = [job for job in made.jobs.values() if job.stage == "audit"]
    assert audits
    for job in audits:
        assert list(job.inputs_as(AuditInputs).heldout) == made.data["source"].keys("test")
        assert not set(job.needs) & set(made.data["source"].keys("val"))
