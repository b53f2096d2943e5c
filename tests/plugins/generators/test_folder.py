"""``folder``: any set of labelled pairs becomes patches, as they are or cut as real ones are."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datasets import AFFINE, bids, manifest, nnunet, save, scene
from patients import patients
from share_sets import arrays, pairs, scans
from vbench_plugins.generators.folder import Folder

from vbench.data.patches import VolumePatches
from vbench.data.prepare import open_volume, prepare_subject
from vbench.errors import DataError
from vbench.files import write_json
from vbench.layout import image_of
from vbench.testing import GeneratorSuite
from vbench.testing.toys import ToyPatches
from vbench.types import Cutting, Setup

Array = Any
SIZE = (8, 8, 6)
SPACING = (0.5, 0.6, 0.8)
MADE = patients(2, 15, seed=3, size=SIZE)


def fitted(path: Path, setup: Setup | None = None, **params: Any) -> Folder:
    setup = setup or Setup(SIZE, spacing=SPACING, cutting=Cutting(6, 0.5, seed=4))
    settings = Folder.Params(path=path, **params)
    Folder.check(settings, setup)
    method = Folder(settings, setup)
    assert len(list(method.fit(ToyPatches(setup.size), seed=1))) == 1
    return method


def every(method: Folder) -> Array:
    """All patches, in the order in which they were read."""
    kept = method.weights()
    return np.stack([kept["images"].astype(np.float32), kept["labels"]], axis=1)


class TestFolder(GeneratorSuite):
    plugin = Folder

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _folder(cls, tmp_path_factory: pytest.TempPathFactory) -> None:
        path = pairs(tmp_path_factory.mktemp("made"))
        cls.params = {"path": path, "most": 40, "any_spacing": True}

    def several(self) -> list[tuple[int, int]]:
        """Ask for no class that the folder does not have; see the tests below."""
        return []


def test_patches_in_range_are_taken_as_they_are_empty_labels_too(tmp_path: Path) -> None:
    whole = MADE.take(np.arange(len(MADE)))
    path = arrays(tmp_path / "made", MADE)
    labels = np.load(path / "labels.npy")
    labels[::3] = 0
    np.save(path / "labels.npy", labels)
    kept = every(fitted(path))
    np.testing.assert_array_equal(kept[:, 0], image_of(whole).astype(np.float16))
    np.testing.assert_array_equal(kept[:, 1], labels)


def test_each_patch_is_handed_out_once_before_any_comes_again(tmp_path: Path) -> None:
    method = fitted(arrays(tmp_path / "made", MADE))
    n = len(MADE)
    many = np.concatenate(list(method.sample_many(2 * n, seed=1)))
    first = {patch.tobytes() for patch in many[:n]}
    assert len(first) == n
    assert {patch.tobytes() for patch in many[n:]} == first


@pytest.mark.parametrize(
    ("change", "normalise"),
    [
        (lambda x: np.rint((x + 1) * 127.5).astype(np.uint8), "percentile"),
        (lambda x: (x + 1) / 2, "zscore"),
        (lambda x: 40 * x + 300, "patch-minmax"),
    ],
    ids=["0 to 255", "0 to 1", "Hounsfield"],
)
def test_patches_in_another_range_are_scaled_together(
    change: Callable[[Array], Array], normalise: str, tmp_path: Path
) -> None:
    setup = Setup(SIZE, cutting=Cutting(normalise=normalise))
    method = fitted(arrays(tmp_path / "made", MADE, change=change), setup)
    images = every(method)[:, 0]
    assert images.min() >= -1
    assert images.max() <= 1
    truth = image_of(MADE.take(np.arange(len(MADE))))
    assert np.corrcoef(images[0].ravel(), truth[0].ravel())[0, 1] > 0.98
    assert "became -1 and 1" in method.remarks()[1] or "minimum and maximum" in method.remarks()[1]


@pytest.mark.parametrize("make", [nnunet, bids, manifest, pairs])
def test_whole_volumes_are_cut_where_the_benchmark_cuts_its_own(
    make: Callable[..., Path], tmp_path: Path
) -> None:
    path = make(tmp_path / "set", 2)
    kept = every(fitted(path))
    held = Folder.Params(path=path)
    assert len(kept) == 12
    from vbench.data.holdings import look

    volumes = []
    for subject, _ in look(held.path).subjects():
        prepare_subject(subject, tmp_path / subject.id)
        volumes.append(open_volume(tmp_path / subject.id))
    real = VolumePatches(volumes, size=SIZE, per_subject=6, vessel_centred=0.5, seed=4)
    np.testing.assert_array_equal(kept, real.take(np.arange(12)))


def test_a_volume_without_vessels_gives_patches_without(tmp_path: Path) -> None:
    method = fitted(pairs(tmp_path / "set", 2, empty=1))
    labels = every(method)[:, 1]
    assert labels[:6].any()
    assert not labels[6:].any()
    assert "empty labels" in method.remarks()[-1]


def test_nifti_patches_of_the_right_size_are_not_cut(tmp_path: Path) -> None:
    method = fitted(scans(tmp_path / "set", MADE, 10), any_spacing=True)
    assert len(every(method)) == 10


def test_no_more_patches_are_kept_than_asked_for(tmp_path: Path) -> None:
    path = arrays(tmp_path / "made", MADE)
    assert len(every(fitted(path, most=7))) == 7
    assert "7 of them kept" in fitted(path, most=7).remarks()[1]
    assert len(every(fitted(pairs(tmp_path / "set"), most=8))) == 8


def test_the_spacing_is_checked_and_said(tmp_path: Path) -> None:
    path = pairs(tmp_path / "set")
    far = replace(Setup(SIZE, cutting=Cutting(6)), spacing=(0.5, 0.6, 1.1))
    with pytest.raises(DataError, match=r"0\.5 × 0\.6 × 0\.8 mm.*0\.5 × 0\.6 × 1\.1.*any_spacing"):
        fitted(path, far)
    assert "real data 0.5 × 0.6 × 1.1 mm" in fitted(path, far, any_spacing=True).remarks()[0]
    near = replace(far, spacing=(0.5, 0.6, 0.9))
    assert "spacing" in fitted(path, near).remarks()[0]


def test_an_export_says_its_spacing(tmp_path: Path) -> None:
    path = arrays(tmp_path / "made", MADE)
    write_json(path / "dataset.json", {"spacing": [1.0, 1.0, 1.0]})
    with pytest.raises(DataError, match="1 × 1 × 1 mm"):
        fitted(path)
    assert set(Folder.files(Folder.Params(path=path))) == {
        "dataset.json",
        "images.npy",
        "labels.npy",
    }


def test_samples_of_vbench_say_their_spacing_too(tmp_path: Path) -> None:
    path = arrays(tmp_path / "made", MADE)
    write_json(path / "samples.json", {"spacing": [0.7, 0.7, 0.7]})
    with pytest.raises(DataError, match=r"0\.7 × 0\.7 × 0\.7 mm"):
        fitted(path)
    assert "0.7 × 0.7" in fitted(path, any_spacing=True).remarks()[0]
    assert "samples.json" in Folder.files(Folder.Params(path=path))
    write_json(path / "dataset.json", {"spacing": SPACING})  # of an export of them
    assert "spacing 0.5" in fitted(path).remarks()[0]


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no labels": (lambda p: (p / "labels.npy").unlink(), "no labels.npy"),
    "too few labels": (
        lambda p: np.save(p / "labels.npy", np.zeros((2, *SIZE))),
        "give each image its label",
    ),
    "probabilities": (
        lambda p: np.save(p / "labels.npy", np.full((len(MADE), *SIZE), 0.5)),
        "threshold probabilities",
    ),
    "NaN": (
        lambda p: np.save(p / "images.npy", np.full((len(MADE), *SIZE), np.nan)),
        r"images.npy\[0\] has values that are NaN",
    ),
    "constant": (
        lambda p: np.save(p / "images.npy", np.full((len(MADE), *SIZE), 3.0)),
        "made: the images are constant",
    ),
    "too small": (
        lambda p: [np.save(p / f"{n}.npy", np.zeros((3, 4, 4, 2))) for n in ("images", "labels")],
        "would be padding",
    ),
    "objects": (
        lambda p: np.save(p / "images.npy", np.array([{}], object), allow_pickle=True),
        "not a NumPy array of numbers|holds object",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_folder_that_cannot_be_used_is_one_line(fault: str, tmp_path: Path) -> None:
    path = arrays(tmp_path / "made", MADE)
    spoil, says = FAULTS[fault]
    spoil(path)
    with pytest.raises((ValueError, DataError), match=says) as caught:
        fitted(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_pair_without_its_partner_or_on_another_grid_is_refused(tmp_path: Path) -> None:
    lone = pairs(tmp_path / "lone")
    (lone / "labels" / "case1.nii").unlink()
    with pytest.raises(ValueError, match=r"case1\.nii: no label"):
        fitted(lone)
    moved = pairs(tmp_path / "moved")
    away = AFFINE.copy()
    away[:3, 3] += 40
    save(moved / "labels" / "case1.nii", scene(1)[1], affine=away)
    with pytest.raises(DataError, match="voxels away"):
        fitted(moved)


def test_values_out_of_range_are_refused_as_they_are(tmp_path: Path) -> None:
    path = arrays(tmp_path / "made", MADE, change=lambda x: x * 3)
    with pytest.raises(DataError, match="expected \\[-1, 1\\]"):
        fitted(path, intensities="as-is")
    assert np.abs(every(fitted(path))[:, 0]).max() <= 1


def test_options_are_the_layouts_own(tmp_path: Path) -> None:
    path = nnunet(tmp_path / "set", 2)
    assert len(every(fitted(path, options={"classes": [1]}))) == 12
    with pytest.raises(ValueError, match="clases"):
        fitted(path, options={"clases": [1]})
    with pytest.raises(ValueError, match="did you mean 'nnunet'"):
        fitted(path, layout="nnunets")


def test_classes_are_taken_by_name_and_channels_in_the_order_of_the_data(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    images = rng.uniform(-1, 1, (12, 2, *SIZE)).astype(np.float16)
    labels = rng.choice([0, 5, 7], (12, *SIZE)).astype(np.uint8)
    for name, array in (("images", images), ("labels", labels)):
        np.save(tmp_path / f"{name}.npy", array)
    setup = Setup(SIZE, labels=("artery", "vein"), channels=("TOF", "T1"))
    with pytest.raises(ValueError, match=r"nothing there names its classes; write labels = \{ art"):
        Folder.check(Folder.Params(path=tmp_path), setup)
    said = {
        "labels": {"background": 0, "vein": 5, "artery": 7},
        "channel_names": {"0": "T1", "1": "TOF"},
    }
    write_json(tmp_path / "dataset.json", said)
    kept = fitted(tmp_path, setup).weights()
    np.testing.assert_array_equal(kept["images"], images[:, ::-1])
    np.testing.assert_array_equal(kept["labels"], np.select([labels == 7, labels == 5], [1, 2]))
    given = fitted(tmp_path, setup, labels={"artery": 5, "vein": 7}).weights()["labels"]
    np.testing.assert_array_equal(given, np.select([labels == 5, labels == 7], [1, 2]))
    for params, fault in (
        ({"labels": {"artery": 5, "other": 7}}, "names the classes artery, other"),
        ({"labels": {"artery": 5, "vein": 9}}, "has the value 7"),
        ({"channels": ["TOF"]}, "channels names 1, and data.source.channels 2"),
    ):
        with pytest.raises((ValueError, DataError), match=fault):
            fitted(tmp_path, setup, **params)
    write_json(tmp_path / "dataset.json", {**said, "channel_names": {"0": "T1", "1": "T2"}})
    with pytest.raises(ValueError, match="its channels are T1, T2, those of"):
        Folder.check(Folder.Params(path=tmp_path), setup)


def test_volumes_of_classes_and_channels_are_cut(tmp_path: Path) -> None:
    nnunet(tmp_path / "set", 2)
    about = json.loads((tmp_path / "set" / "dataset.json").read_text())
    about |= {
        "channel_names": {"0": "TOF", "1": "T1"},
        "labels": {"background": 0, "vessel": 1, "other": 2},
    }
    write_json(tmp_path / "set" / "dataset.json", about)
    for path in (tmp_path / "set" / "imagesTr").iterdir():
        second = path.with_name(path.name.replace("_0000", "_0001"))
        second.write_bytes(path.read_bytes())
    setup = Setup(
        SIZE,
        spacing=SPACING,
        cutting=Cutting(6, 0.5),
        labels=("other", "vessel"),
        channels=("T1", "TOF"),
    )
    method = fitted(tmp_path / "set", setup, channels=["T1", "TOF"])
    patches = method.sample(12, seed=0)
    assert patches.shape == (12, 3, *SIZE)
    np.testing.assert_array_equal(patches[:, 0], patches[:, 1])
    assert set(np.unique(patches[:, 2])) == {0, 2}
    with pytest.raises(ValueError, match="files of 2 channels; name these in the order"):
        Folder.check(Folder.Params(path=tmp_path / "set"), setup)


def test_a_large_set_is_read_when_it_is_fitted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vbench_plugins.generators.folder.IN_MEMORY", 10)
    path = arrays(tmp_path / "set", MADE)
    np.save(path / "labels.npy", np.full((len(MADE), *SIZE), 0.5))
    (said,) = Folder.inspect(Folder.Params(path=path), Setup(SIZE))
    assert "its values are looked at when it is fitted" in said
