"""nnU-Net issue 1926: what happened to the ignore label?

Images are labelled in part, and ``"ignore": N`` says where they are not. That was read as
background: in patches, in thresholds and in scores.
"""

import json

import numpy as np
import pytest
from command_line import vbench
from datasets import volume
from nnunet_folders import vessels, write_dataset, write_spec, write_volume

from vbench import score
from vbench.data.patches import VolumePatches
from vbench.data.prepare import open_volume, prepare_subject
from vbench.engine.validation import dice_by_threshold, validate
from vbench.errors import DataError
from vbench.registry import default
from vbench.types import Setup

NAMES = {"background": 0, "vessel": 1, "ignore": 2}


def half(shape=(24, 26, 20)):
    label = vessels(shape)
    label[14:] = 2
    return label


def test_it_is_neither_vessel_nor_background_of_a_prepared_volume(tmp_path):
    data = write_dataset(tmp_path / "d", {"a": half()}, NAMES)
    subject = default().source("nnunet").Params(path=data)
    subject = default().source("nnunet")(subject).load("a")
    assert subject.label.sum() == (half() == 1).sum()
    assert (subject.ignore == (half() == 2)).all()
    prepare_subject(subject, tmp_path / "p")
    prepared = open_volume(tmp_path / "p")
    assert (np.asarray(prepared.ignore) == (half() == 2)).all()


def test_a_volume_that_is_labelled_everywhere_is_prepared_as_before(tmp_path):
    data = write_dataset(tmp_path / "d", {"a": vessels((24, 26, 20))}, NAMES)
    source = default().source("nnunet")
    prepare_subject(source(source.Params(path=data)).load("a"), tmp_path / "p")
    assert not (tmp_path / "p" / "ignore.npy").exists()
    assert open_volume(tmp_path / "p").ignore is None


@pytest.mark.parametrize("size", [(8, 8, 8), (12, 12), (5, 7, 4)])
def test_no_patch_holds_an_ignored_voxel(size):
    ignore = half() == 2
    # The image says where a voxel is ignored.
    made = volume(
        image=np.where(ignore, 1, -0.5).astype(np.float16),
        label=(half() == 1).astype(np.uint8),
        mask=np.ones(ignore.shape, bool),
        ignore=ignore,
    )
    patches = VolumePatches([made], size=size, per_subject=200, seed=0)
    drawn = patches.take(np.arange(200))
    assert (drawn[:, 0] < 0).all()
    assert drawn[:100, 1].any(axis=tuple(range(1, len(size) + 1))).all()


def test_patches_of_volumes_without_it_are_the_same():
    plain, empty = volume(), volume(ignore=np.zeros(volume().image.shape, bool))
    one, two = (VolumePatches([v], size=(8, 8, 8), per_subject=30) for v in (plain, empty))
    assert (one.take(np.arange(30)) == two.take(np.arange(30))).all()


def test_too_few_places_are_refused_with_the_share_and_the_size():
    ignore = np.ones((24, 26, 20), bool)
    ignore[:, :, 7:12] = False
    made = volume(
        label=vessels(ignore.shape) * ~ignore, image=np.zeros(ignore.shape, np.float16),
        mask=np.ones(ignore.shape, bool), ignore=ignore,
    )  # fmt: skip
    with pytest.raises(DataError, match=r"0 of \d+ vessel voxels \(0.0%\).*\[4, 4, 4\] would fit"):
        VolumePatches([made], size=(16, 16, 16), per_subject=10)
    assert len(VolumePatches([made], size=(16, 16), per_subject=10)) == 10


@pytest.mark.parametrize("verb", ["validate", "plan", "run"])
def test_the_command_line_refuses_it_before_training(tmp_path, verb):
    label = np.full((24, 26, 20), 2, np.uint8)
    label[:, :, 9] = vessels((24, 26, 20))[:, :, 9]
    data = write_dataset(tmp_path / "d", dict.fromkeys("abc", label), NAMES)
    for seed, case in enumerate("abc"):  # no two are the same
        label[seed, 0, 9] = 1
        write_volume(data / "labelsTr" / f"{case}.nii.gz", label)
    spec = write_spec(tmp_path / "s.toml", data, "[8, 8, 8]")
    more = () if verb == "validate" else ("--out", tmp_path / "o")
    answer = vbench(verb, spec, *more)
    assert answer.code == 2
    assert "[8, 8] would fit" in answer.err


def test_thresholds_and_validation_leave_it_out():
    ignore = half() == 2
    truth = half() == 1
    # Right where it is labelled, all vessel where it is not.
    sees = np.where(ignore, 0.9, np.where(truth, 0.7, 0.2)).astype(np.float32)
    assert dice_by_threshold(sees, truth, ~ignore).max() == 1
    assert dice_by_threshold(sees, truth).max() < 1
    made = volume(
        image=np.zeros(ignore.shape, np.float16), label=truth.astype(np.uint8),
        mask=np.ones(ignore.shape, bool), ignore=ignore,
    )  # fmt: skip

    class Sees:
        name, setup = "sees", Setup(size=(8, 8, 8))

        def predict(self, image, mask):
            return sees

    for name, best in (("dsc", 1), ("hd95", 0)):
        verdict = validate(Sees(), [made], default().metric(name)())
        assert verdict.score == pytest.approx(best)


def test_vbench_score_leaves_it_out(tmp_path):
    data = write_dataset(tmp_path / "d", {"a": half(), "b": half() * 1}, NAMES)
    made = tmp_path / "pred"
    made.mkdir()
    for case in "ab":  # right where it is labelled
        write_volume(made / f"{case}.nii.gz", np.where(half() == 2, 1, half()).astype(np.uint8))
    answer = vbench("score", "--pred", made, "--truth", data / "labelsTr", "--json")
    assert "label 2" in answer.err
    summary = json.loads(answer.out)["summary"]
    assert summary["dsc"]["mean"] == 1
    assert summary["hd95"]["mean"] == 0
    (data / "dataset.json").unlink()
    files = "--pred", made / "a.nii.gz", "--truth", data / "labelsTr" / "a.nii.gz"
    asked = json.loads(vbench("score", *files, "--ignore", 2, "--json").out)
    assert asked["summary"]["dsc"]["mean"] == 1
    by_class = json.loads(vbench("score", *files, "--ignore", 2, "--classes", "--json").out)
    assert list(by_class["summary"]) == ["1"]
    arrays = score(half() > 0, half(), (1, 1, 1), ["dsc"], ignore=2)
    assert arrays == {"dsc": 1.0}


def test_ignore_is_a_parameter_of_every_source_of_files(tmp_path):
    data = write_dataset(tmp_path / "d", {"a": half()})
    table = tmp_path / "m.csv"
    table.write_text("subject,image,label\na,d/imagesTr/a_0000.nii.gz,d/labelsTr/a.nii.gz\n")
    for name, path in (("nnunet", data), ("manifest", table)):
        source = default().source(name)
        loaded = source(source.Params(path=path, ignore=2)).load("a")
        assert (loaded.ignore == (half() == 2)).all()
        assert not (loaded.label & loaded.ignore).any()
        plain = source(source.Params(path=path))
        assert plain.fingerprint("a") != source(source.Params(path=path, ignore=2)).fingerprint("a")
