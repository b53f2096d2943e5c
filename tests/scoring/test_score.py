"""vbench.score and score_files: arrays, files, folders; how files match, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from masks import tubes

import vbench
from vbench.data.nifti import write_volume
from vbench.errors import DataError, PluginError
from vbench.interfaces import SegmentationMetric
from vbench.scoring.matching import subject_of
from vbench.scoring.pairing import find_pairs
from vbench.scoring.score import score, score_files

SPACING = (0.5, 0.5, 0.8)
SEGMENTATION = set(vbench.registry.default().metrics("segmentation"))


def label(seed: int) -> np.ndarray:
    mask = tubes((16, 14, 10), np.random.default_rng(seed), 2)
    mask[-3:] = False
    return mask


def write(path: Path, mask: np.ndarray, spacing=SPACING, unit="mm", flip=False, shift=0.0) -> Path:
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = shift
    mask = mask.astype(np.uint8)
    if flip:  # the same voxels, stored from left to right
        mask, affine[0, 0] = mask[::-1], -spacing[0]
        affine[0, 3] += spacing[0] * (mask.shape[0] - 1)
    write_volume(path, mask, affine, unit=unit)
    return path


@pytest.fixture
def folders(tmp_path):
    for number in range(3):
        truth = label(number)
        write(tmp_path / "truth" / f"case{number}.nii.gz", truth)
        write(tmp_path / "pred" / f"case{number}_pred.nii.gz", np.roll(truth, 2, 0))
    return tmp_path / "pred", tmp_path / "truth"


def test_arrays_are_scored_by_every_segmentation_metric():
    truth = label(0)
    found = vbench.score(np.roll(truth, 2, 0), truth, spacing=SPACING)
    assert set(found) == SEGMENTATION
    assert all(isinstance(value, float) for value in found.values())
    assert found["hd95"] <= found["hd"] == pytest.approx(1.0)


def test_metrics_are_chosen_by_name_by_version_and_with_parameters():
    truth = label(0)
    tolerant = vbench.registry.default().metric("nsd")
    chosen = [tolerant(tolerant.Params(tolerance=5.0)), "dsc", "hd95@1"]
    found = score(np.roll(truth, 2, 0), truth, SPACING, chosen)
    assert list(found) == ["nsd", "dsc", "hd95"]
    assert found["nsd"] == 1


def test_files_give_what_their_arrays_give_in_any_orientation_and_unit(tmp_path):
    truth = label(0)
    prediction = np.roll(truth, 1, 1)
    expected = score(prediction, truth, SPACING)
    micron = [1000 * s for s in SPACING]
    paths = [
        (write(tmp_path / "p.nii.gz", prediction), write(tmp_path / "t.nii.gz", truth)),
        (write(tmp_path / "f.nii", prediction, flip=True), tmp_path / "t.nii.gz"),
        (
            write(tmp_path / "mp.nii.gz", prediction, micron, "micron"),
            write(tmp_path / "mt.nii.gz", truth, micron, "micron"),
        ),
    ]
    for files in paths:
        assert score(*files) == pytest.approx(expected, rel=1e-5)


def test_folders_are_matched_by_subject(folders):
    seen = []
    scores = score_files(*folders, ["dsc", "hd"], progress=lambda *now: seen.append(now))
    assert [case.subject for case in scores.cases][::2] == ["case0", "case1", "case2"]
    assert seen == [("case0", 0, 3), ("case1", 1, 3), ("case2", 2, 3), ("", 3, 3)]
    summary = scores.summary()
    values = [case.value for case in scores.cases if case.metric == "hd"]
    assert values == pytest.approx([1.0] * 3)
    assert summary["hd"].mean == pytest.approx(1)
    assert summary["hd"].unit == "mm"
    dsc = summary["dsc"]
    assert dsc.n == 3
    assert dsc.ci95[0] <= dsc.mean <= dsc.ci95[1]
    assert dsc.sd == pytest.approx(np.std([c.value for c in scores.cases[::2]], ddof=1))


def test_undefined_and_failed_cases_are_counted_never_dropped(folders):
    class Broken(SegmentationMetric):
        name = "broken"

        def score(self, pair):
            raise RuntimeError("no such thing")

    write(folders[0] / "case1_pred.nii.gz", np.zeros_like(label(1)))
    scores = score_files(*folders, ["hd95", Broken()])
    hd95, broken = scores.summary().values()
    diagonal = float(np.linalg.norm(np.multiply(label(1).shape, SPACING)))
    assert (hd95.n, hd95.n_undefined, hd95.n_failed) == (3, 1, 0)
    values = [case.value for case in scores.cases if case.metric == "hd95"]
    assert values[1] == pytest.approx(diagonal)
    assert hd95.mean == pytest.approx(np.mean(values))
    assert (broken.n, broken.n_failed, broken.mean) == (3, 3, None)
    assert scores.cases[1].fault == "RuntimeError: no such thing"


def test_classes_are_scored_one_by_one(tmp_path):
    truth = label(0).astype(np.uint8)
    truth[:8] *= 3
    prediction = np.where(truth == 3, 3, 0)  # the other class is missed
    write(tmp_path / "t" / "a.nii.gz", truth)
    write(tmp_path / "p" / "a.nii.gz", prediction)
    scores = score_files(tmp_path / "p", tmp_path / "t", ["dsc"], classes=True)
    assert [(case.label, case.value) for case in scores.cases] == [(1, 0.0), (3, 1.0)]
    whole = score_files(tmp_path / "p", tmp_path / "t", ["dsc"])
    assert whole.labels == [None]
    assert 0 < whole.cases[0].value < 1


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("case1.nii.gz", "case1"),
        ("case1_pred.nii", "case1"),
        ("case1_vessel_label.nii.gz", "case1"),
        ("case1_0000.nii.gz", "case1"),
        ("sub-01_angio.nii.gz", "sub-01"),
        ("sub-01_ses-2_run-1_space-orig_label-vessel_dseg.nii.gz", "sub-01_ses-2_run-1"),
        ("label_7.nii.gz", "label_7"),
    ],
)
def test_subject_of_a_file_name(name, subject):
    assert subject_of(Path(name)) == subject


def test_files_in_subfolders_are_found_when_the_folder_has_none_itself(tmp_path):
    write(tmp_path / "t" / "sub-1" / "anat" / "sub-1_dseg.nii.gz", label(0))
    write(tmp_path / "p" / "sub-1_pred.nii.gz", label(0))
    assert [pair.subject for pair in find_pairs(tmp_path / "p", tmp_path / "t")] == ["sub-1"]


def refusals(tmp_path: Path):
    truth = label(0)
    good = write(tmp_path / "t.nii.gz", truth)
    half = tmp_path / "half.nii.gz"
    write(half, truth)
    half.write_bytes(half.read_bytes()[: half.stat().st_size // 2])
    yield "no such file", (tmp_path / "absent.nii.gz", good)
    yield "one is a file, one a folder", (tmp_path, good)
    yield "resample it to the grid", (write(tmp_path / "s.nii.gz", truth[1:]), good)
    yield "voxels away from", (write(tmp_path / "a.nii.gz", truth, shift=9.0), good)
    yield "damaged", (half, good)
    yield "not whole numbers", (write_fractions(tmp_path / "f.nii.gz", truth), good)


def write_fractions(path: Path, mask: np.ndarray) -> Path:
    write_volume(path, mask * np.float32(0.4), np.diag([*SPACING, 1.0]))
    return path


def test_files_that_do_not_fit_are_refused_in_one_line(tmp_path):
    for message, files in refusals(tmp_path):
        with pytest.raises(DataError, match=message) as caught:
            score_files(*files, ["dsc"])
        assert "\n" not in str(caught.value)
        assert str(files[0]) in str(caught.value)


def test_a_prediction_without_a_reference_is_refused_and_a_missing_one_is_named(folders):
    (folders[0] / "case2_pred.nii.gz").unlink()
    found = score_files(*folders, ["dsc"])
    assert found.missing == ("case2",)
    assert "case2" not in {case.subject for case in found.cases}
    write(folders[0] / "case2_pred.nii.gz", label(2))
    write(folders[0] / "other.nii.gz", label(2))
    with pytest.raises(DataError, match=r"other\.nii\.gz: no file of subject 'other' in .*truth"):
        score_files(*folders)
    write(folders[1] / "case1_label.nii.gz", label(1))
    with pytest.raises(DataError, match="keep one file a subject"):
        score_files(*folders)


def test_arrays_that_do_not_fit_are_refused():
    truth = label(0)
    with pytest.raises(DataError, match="spacing is missing"):
        score(truth, truth)
    with pytest.raises(DataError, match="prediction has shape"):
        score(truth[1:], truth, SPACING)
    with pytest.raises(DataError, match="prediction holds fractions"):
        score(truth * 0.3, truth, SPACING)
    with pytest.raises(DataError, match="one is a file, one an array"):
        score("a.nii.gz", truth, SPACING)
    with pytest.raises(PluginError, match="did you mean 'hd95'"):
        score(truth, truth, SPACING, ["hd59"])
    with pytest.raises(PluginError, match="family fidelity"):
        score(truth, truth, SPACING, ["fid"])
    with pytest.raises(PluginError, match="this vbench has hd95@1"):
        score(truth, truth, SPACING, ["hd95@7"])
