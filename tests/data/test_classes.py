"""Labels with several classes and images with several channels, from files to patches."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datasets import AFFINE, bids, nnunet, save, scene, subject, volume
from vbench_plugins.sources.bids import Bids
from vbench_plugins.sources.manifest import Manifest
from vbench_plugins.sources.nnunet import NnUNet

from vbench.data.check import faults_of
from vbench.data.patches import ArrayPatches, MixedPatches, VolumePatches
from vbench.data.prepare import open_volume, prepare_subject
from vbench.errors import DataError
from vbench.labels import LabelMap
from vbench.layout import image_of, label_of

NAMED = LabelMap.of({"artery": [1, 2], "vein": 3, "ignore": 255})
TWO = ("TOF", "T1")


def values_of(seed: int = 0) -> np.ndarray:
    """A label of arteries, veins and some voxels that nobody labelled."""
    _, vessel, _ = scene(seed)
    values = vessel.astype(np.uint8)
    values[:, :, 6:] *= 2
    values[8:] *= 3
    values[values == 6] = 3
    values[:3, :3, :2] = 255
    return values


def folder(path: Path, values: Any = values_of, **about: Any) -> Path:
    """An nnU-Net folder with classes and two channels."""
    nnunet(path)
    for seed in range(2):
        image = scene(seed)[0]
        save(path / "imagesTr" / f"case{seed}_0001.nii.gz", 200 - image)
        save(path / "labelsTr" / f"case{seed}.nii.gz", values(seed))
    given = json.loads((path / "dataset.json").read_text())
    given["channel_names"] = {"0": "TOF", "1": "T1"}
    (path / "dataset.json").write_text(json.dumps(given | about))
    return path


def source(cls: Any, path: Path, labels: Any = None, channels: Any = None, **params: Any) -> Any:
    made = cls(cls.Params(path=path, **params))
    if labels is not None:
        made.label_map = labels
    if channels is not None:
        made.channel_names = channels
    return made


def prepared(tmp_path: Path, made: Any, **how: Any) -> Any:
    prepare_subject(made, tmp_path / "v", **how)
    return open_volume(tmp_path / "v")


def test_classes_and_channels_reach_the_prepared_volume(tmp_path):
    read = source(NnUNet, folder(tmp_path / "d"), NAMED, TWO).load("case1")
    assert read.image.shape == (2, *read.label.shape)
    found = prepared(tmp_path, read, labels=NAMED, channels=TWO)
    values = values_of(1)
    mask = np.asarray(read.mask)
    np.testing.assert_array_equal(found.ignore, values == 255)
    expected = np.where(mask, np.select([np.isin(values, [1, 2]), values == 3], [1, 2], 0), 0)
    np.testing.assert_array_equal(found.label, expected)
    assert (found.labels, found.values, found.channels) == (("artery", "vein"), (1, 3), TWO)
    assert found.image.shape == (2, *found.shape)
    # Each channel has a range of its own, and is -1 outside of the mask.
    for channel in found.image:
        assert channel[mask].min() == -1
        assert channel[mask].max() > 0.9
        assert (channel[~mask] == -1).all()
    np.testing.assert_allclose(found.image[1][mask], -found.image[0][mask].astype(float), atol=0.15)


def test_without_labels_it_is_vessel_or_not_as_ever(tmp_path):
    read = source(NnUNet, folder(tmp_path / "d")).load("case0")
    assert read.values is None
    found = prepared(tmp_path, read)
    assert found.labels == ("vessel",)
    assert set(np.unique(found.label)) == {0, 1}
    about = json.loads((tmp_path / "v" / "volume.json").read_text())
    assert not {"labels", "values", "channels", "classes", "others"} & set(about)


def test_a_value_that_no_class_names_is_one_clear_fault(tmp_path):
    labels = LabelMap.of({"artery": 1, "vein": 3})
    made = source(NnUNet, folder(tmp_path), labels)
    (line, *others) = map(str, faults_of(made))
    assert len(others) == 1
    assert "case0.nii.gz: the label has the value 2 (" in line
    assert "255" in line
    with pytest.raises(DataError, match="which no class of `labels` names"):
        prepare_subject(made.load("case0"), tmp_path / "v", labels=labels)
    rest = LabelMap.of({"artery": 1, "vein": 3, "background": "rest"})
    assert not faults_of(source(NnUNet, tmp_path, rest))


def test_the_label_ignore_of_dataset_json_counts_as_named(tmp_path):
    about = {"labels": {"background": 0, "a": 1, "b": 2, "c": 3, "ignore": 255}}
    labels = LabelMap.of({"artery": [1, 2], "vein": 3})
    made = source(NnUNet, folder(tmp_path / "d", **about), labels)
    assert not faults_of(made)
    found = prepared(tmp_path, made.load("case0"), labels=labels)
    np.testing.assert_array_equal(found.ignore, values_of(0) == 255)


def test_classes_and_labels_together_are_refused(tmp_path):
    made = source(NnUNet, folder(tmp_path), NAMED, classes=[1])
    with pytest.raises(DataError, match="take 'classes' out"):
        made.subjects()


@pytest.mark.parametrize(
    ("about", "table"),
    [
        (
            {"labels": {"background": 0, "artery": 1, "vein": 3, "ignore": 255}},
            {"artery": [1], "vein": [3], "ignore": [255]},
        ),
        ({"labels": {"0": "background", "1": "artery"}}, {"artery": [1]}),
        (
            {  # nested regions, as those of a tumour
                "labels": {"background": 0, "whole": [1, 2, 3], "core": [2, 3], "enhancing": 3},
                "regions_class_order": [1, 2, 3],
            },
            {"whole": [1], "core": [2], "enhancing": [3]},
        ),
        (
            {  # KiTS: the order is not that of the values
                "labels": {"background": 0, "kidney": [1, 2, 3], "masses": [2, 3], "tumor": 2},
                "regions_class_order": [1, 3, 2],
            },
            {"kidney": [1], "masses": [3], "tumor": [2]},
        ),
        (
            {"labels": {"background": 0, "ica": [1, 2], "aca": [3, 4]}},  # grouped, apart
            {"ica": [1, 2], "aca": [3, 4]},
        ),
        (
            {
                "labels": {"background": 0, "ica": [1, 2], "aca": [4, 3]},
                "regions_class_order": [2, 3],
            },
            {"ica": [2, 1], "aca": [3, 4]},
        ),
    ],
)
def test_dataset_json_names_the_classes(tmp_path, about, table):
    assert source(NnUNet, folder(tmp_path, **about)).known_labels().table == table


@pytest.mark.parametrize(
    ("about", "fault"),
    [
        ({"labels": {"background": 0, "a": [1, 2], "b": 2}}, "there is no regions_class_order"),
        (
            {"labels": {"background": 0, "a": [1, 2], "b": 2}, "regions_class_order": [1]},
            "has 1 values, labels has 2 regions",
        ),
        (
            {"labels": {"background": 0, "a": [1, 2], "b": 2}, "regions_class_order": [2, 2]},
            "gives 'a' the value 2, which is not among",
        ),
        ({"labels": {"background": 0, "a": 1, "void": 2}}, "the label 'void' may be no class"),
    ],
)
def test_labels_of_dataset_json_that_do_not_fit_are_said(tmp_path, about, fault):
    with pytest.raises(DataError, match=r"dataset\.json") as caught:
        source(NnUNet, folder(tmp_path, **about)).known_labels()
    assert fault in str(caught.value)
    assert "\n" not in str(caught.value)


def test_channels_are_found_by_their_names_in_any_order(tmp_path):
    folder(tmp_path, channel_names={"0": "TOF", "1": "T1"})
    first = source(NnUNet, tmp_path, channels=("t1", "TOF")).load("case0")
    image = scene(0)[0]
    np.testing.assert_allclose(first.image[1], image, atol=1e-4)
    np.testing.assert_allclose(first.image[0][first.mask], 200 - image[first.mask], atol=1e-4)
    with pytest.raises(DataError, match="channel_names has no 'T2'"):
        source(NnUNet, tmp_path, channels=("TOF", "T2")).subjects()
    alone = source(NnUNet, tmp_path, channels=("T1",)).load("case0")
    np.testing.assert_array_equal(alone.image, first.image[0])


def test_a_missing_channel_and_another_grid_are_said(tmp_path):
    folder(tmp_path)
    other = tmp_path / "imagesTr" / "case1_0001.nii.gz"
    save(other, scene(1)[0], AFFINE + np.eye(4) * 0.5)
    with pytest.raises(DataError, match=r"case1_0001.*affine places it"):
        source(NnUNet, tmp_path, channels=TWO).load("case1")
    assert any("case1_0001" in str(f) for f in faults_of(source(NnUNet, tmp_path, channels=TWO)))
    other.unlink()
    with pytest.raises(DataError, match=r"no image .*case1_0001\.nii\.gz"):
        source(NnUNet, tmp_path, channels=TWO).subjects()


def test_a_changed_further_channel_changes_the_fingerprint(tmp_path):
    folder(tmp_path)
    before = [source(NnUNet, tmp_path, channels=c).fingerprint("case0") for c in (None, TWO)]
    save(tmp_path / "imagesTr" / "case0_0001.nii.gz", scene(5)[0])
    after = [source(NnUNet, tmp_path, channels=c).fingerprint("case0") for c in (None, TWO)]
    assert before[0] == after[0]
    assert before[1] != after[1]


def test_bids_channels_are_suffixes(tmp_path):
    bids(tmp_path)
    for seed in range(2):
        name = f"sub-0{seed}"
        image = scene(seed)[0]
        save(tmp_path / name / "anat" / f"{name}_acq-mprage_T1w.nii.gz", 300 - image)
    made = source(Bids, tmp_path, channels=("angio", "T1w"))
    read = made.load("sub-01")
    np.testing.assert_allclose(read.image[0], scene(1)[0], atol=1e-4)
    assert read.image.shape[0] == 2
    save(tmp_path / "sub-01" / "anat" / "sub-01_acq-mp2rage_T1w.nii.gz", scene(1)[0])
    with pytest.raises(DataError, match="several files may be its channel T1w"):
        source(Bids, tmp_path, channels=("angio", "T1w")).subjects()
    with pytest.raises(DataError, match=r"no \*_T2w\.nii\.gz of the same session"):
        source(Bids, tmp_path, channels=("angio", "T2w")).subjects()


def test_manifest_channels_are_columns(tmp_path):
    folder(tmp_path)
    (tmp_path / "m.csv").write_text(
        "subject,tof,T1,label\ncase0,imagesTr/case0_0000.nii.gz,imagesTr/case0_0001.nii.gz,"
        "labelsTr/case0.nii.gz\n"
    )
    read = source(Manifest, tmp_path / "m.csv", NAMED, TWO).load("case0")
    assert read.image.shape[0] == 2
    with pytest.raises(DataError, match="no column t2 in the first line"):
        source(Manifest, tmp_path / "m.csv", channels=("TOF", "T2")).subjects()
    with pytest.raises(DataError, match="no column image"):
        source(Manifest, tmp_path / "m.csv").subjects()


def two_channels(seed: int = 0, shape: Any = None, **other: Any) -> Any:
    made = volume(seed, **({} if shape is None else {"shape": shape}))
    label = np.zeros(made.shape, np.uint8)
    spots = np.argwhere(made.label)
    label[tuple(spots.T)] = 1
    label[tuple(spots[-1])] = 3  # one voxel only
    both = np.stack([np.asarray(made.image), np.where(made.mask, -np.asarray(made.image), -1)])
    return replace(made, image=both, label=label, labels=("a", "b", "c"), channels=TWO, **other)


@pytest.mark.parametrize("size", [(8, 6, 4), (8, 6)])
@pytest.mark.parametrize("in_memory", [0, 2**29])
@pytest.mark.parametrize("normalise", ["percentile", "patch-minmax"])
def test_patches_hold_all_channels_and_the_index(size, in_memory, normalise):
    made = two_channels(normalise=normalise)
    patches = VolumePatches([made], size=size, per_subject=10, in_memory=in_memory)
    taken = patches.take(np.arange(10))
    assert taken.shape == (10, 3, *size)
    assert (patches.labels, patches.channels) == (("a", "b", "c"), TWO)
    for index, patch in enumerate(taken):
        _, start = patches.place(index)
        block = (*size, 1)[:3]
        there = tuple(slice(s, s + b) for s, b in zip(start, block, strict=True))
        np.testing.assert_array_equal(patch[-1], made.label[there].reshape(size))
        if normalise == "percentile":
            np.testing.assert_array_equal(
                patch[:-1], made.image[:, *there].reshape(2, *size).astype(np.float32)
            )
        else:
            assert patch[0].min() == patch[1].min() == -1
            assert patch[0].max() == patch[1].max() == 1


def test_a_volume_thinner_than_a_patch_is_padded_in_every_channel():
    made = two_channels(shape=(20, 18, 5))
    patches = VolumePatches([made], size=(8, 8, 6), per_subject=4)
    taken = patches.take(np.arange(4))
    assert (image_of(taken)[..., 0] == -1).all() or (image_of(taken)[..., -1] == -1).all()
    assert label_of(taken).max() >= 1


def test_a_rare_class_is_centred_on_as_often_as_any():
    made = two_channels()
    patches = VolumePatches([made], size=(5, 5, 5), per_subject=40, vessel_centred=0.5)
    rare = label_of(patches.take(np.arange(20))) == 3
    assert rare.any(axis=(1, 2, 3)).sum() >= 10
    one = replace(made, label=(made.label > 0).astype(np.uint8), labels=("vessel",))
    seen = label_of(VolumePatches([one], size=(5, 5, 5), per_subject=40).take(np.arange(20)))
    assert (seen == 1).any(axis=(1, 2, 3)).all()


def test_one_class_has_the_places_that_it_always_had():
    made = volume(0)
    places = [VolumePatches([made], size=(5, 5, 5), per_subject=9, seed=4).place(i) for i in (0, 8)]
    assert places == [(0, (4, 6, 6)), (0, (8, 12, 5))]


def test_sets_of_other_classes_are_not_mixed():
    one = VolumePatches([volume(0)], size=(5, 5, 5), per_subject=2)
    two = VolumePatches([two_channels()], size=(5, 5, 5), per_subject=2)
    with pytest.raises(ValueError, match="patches of one kind"):
        MixedPatches([one, two])
    images, labels = np.zeros((4, 2, 5, 5, 5), np.float16), np.zeros((4, 5, 5, 5), np.uint8)
    both = MixedPatches([two, ArrayPatches(images, labels, like=two)])
    assert both.take(np.arange(6)).shape == (6, 3, 5, 5, 5)
    with pytest.raises(ValueError, match="not patches"):
        ArrayPatches(images, labels)


def test_a_class_may_be_absent_and_all_may_not(tmp_path):
    made = subject(0, values=scene(0)[1].astype(np.uint8) * 3)
    found = prepared(tmp_path, made, labels=NAMED)
    assert set(np.unique(found.label)) == {0, 2}
    about = json.loads((tmp_path / "v" / "volume.json").read_text())
    assert about["classes"]["artery"] == 0
    assert about["classes"]["vein"] == pytest.approx(about["label_fraction"])
    empty = subject(0, label=np.zeros_like(scene(0)[1]), values=np.zeros(made.label.shape, int))
    with pytest.raises(DataError, match="no vessel voxel"):
        prepare_subject(empty, tmp_path / "w", labels=NAMED)
