import json
from pathlib import Path

import numpy as np
import pytest
from datasets import AFFINE, scene, subject

from vbench.data.prepare import open_volume, prepare_subject
from vbench.errors import DataError


def test_a_prepared_volume_opens_memory_mapped(tmp_path: Path) -> None:
    made = subject(native_affine=AFFINE * 1000, unit="micron")
    prepare_subject(made, tmp_path)
    opened = open_volume(tmp_path)
    assert all(isinstance(a, np.memmap) for a in (opened.image, opened.label, opened.mask))
    assert (opened.image.dtype, opened.label.dtype, opened.mask.dtype) == ("f2", "u1", "?")
    assert (opened.id, opened.unit, opened.normalise) == ("case0", "micron", "percentile")
    assert opened.spacing == (0.5, 0.6, 0.8)
    np.testing.assert_array_equal(opened.affine, AFFINE)
    np.testing.assert_array_equal(opened.native_affine, AFFINE * 1000)
    np.testing.assert_array_equal(opened.label, made.label)
    np.testing.assert_array_equal(opened.mask, made.mask)
    with pytest.raises(ValueError, match="read-only"):
        opened.image[0, 0, 0] = 0


def test_a_unit_of_another_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="case0: unit 'um', expected one of mm, micron, meter"):
        prepare_subject(subject(unit="um"), tmp_path)


def test_the_summary_says_what_was_done(tmp_path: Path) -> None:
    image, vessel, mask = scene()
    summary = prepare_subject(subject(), tmp_path, normalise="zscore")
    assert summary["shape"] == [20, 18, 12]
    assert summary["label_fraction"] == pytest.approx(vessel.sum() / mask.sum())
    assert summary["intensity"]["max"] == pytest.approx(image[mask].max())
    assert summary["intensity"]["median"] == pytest.approx(np.median(image[mask]))
    assert summary["normalise"]["method"] == "zscore"
    assert json.loads(json.dumps(summary)) == summary


def test_preparing_repeats_to_the_byte(tmp_path: Path) -> None:
    for name in ("a", "b"):
        prepare_subject(subject(), tmp_path / name)
    for file in ("image.npy", "label.npy", "mask.npy", "volume.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_a_given_mask_cuts_the_label_and_says_so(tmp_path: Path) -> None:
    vessel = scene()[1]
    label = vessel.copy()
    label[0, 0, :3] = True
    summary = prepare_subject(subject(label=label), tmp_path)
    assert summary["notes"]["label"] == "3 vessel voxels outside of the mask were left out"
    np.testing.assert_array_equal(open_volume(tmp_path).label, vessel)


def test_a_derived_mask_leaves_the_truth_alone_and_is_noted(tmp_path: Path) -> None:
    _, vessel, _ = scene()
    label = vessel.copy()
    label[0, 0, :3] = True
    summary = prepare_subject(subject(label=label, mask=None), tmp_path)
    assert summary["notes"]["mask"] == "derived: all but a constant background of 0"
    opened = open_volume(tmp_path)
    np.testing.assert_array_equal(opened.label, label)
    assert not opened.mask[0, 0, 0]


def test_the_mask_is_derived_from_the_image_alone(tmp_path: Path) -> None:
    prepare_subject(subject(mask=None), tmp_path / "a")
    other = np.roll(scene()[1], 5, axis=0)
    prepare_subject(subject(mask=None, label=other), tmp_path / "b")
    np.testing.assert_array_equal(
        open_volume(tmp_path / "a").mask, open_volume(tmp_path / "b").mask
    )


def test_a_phantoms_truth_stays_out_of_the_notes(tmp_path: Path) -> None:
    notes = {"truth": {"tree": [1, 2]}, "image blake2b": "ab12"}
    assert prepare_subject(subject(notes=notes), tmp_path)["notes"] == {"image blake2b": "ab12"}


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"mask": np.zeros((20, 18, 12), bool)}, "the mask is empty"),
        ({"label": np.zeros((20, 18, 12), bool)}, "no vessel voxel within the mask"),
        ({"image": np.full((20, 18, 12), np.nan)}, "NaN or infinite"),
        ({"image": np.full((20, 18, 12), np.nan), "mask": None}, "NaN or infinite"),
        ({"image": np.ones((20, 18, 12))}, "constant within the mask"),
    ],
)
def test_a_subject_that_teaches_nothing_is_refused(
    tmp_path: Path, fault: dict[str, object], message: str
) -> None:
    with pytest.raises(DataError, match=f"subject case0: .*{message}"):
        prepare_subject(subject(**fault), tmp_path / "v")
    assert not (tmp_path / "v").exists()


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden", "a b", "-x", "x" * 101, "a\n"])
def test_an_id_that_could_lead_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="cannot name a subject; use letters"):
        prepare_subject(subject(id=name), tmp_path)


def test_a_folder_without_a_volume_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no prepared volume"):
        open_volume(tmp_path / "nothing")
