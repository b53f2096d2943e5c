from pathlib import Path

import numpy as np
import pytest
from datasets import SHAPE, scene, subject, volume

from vbench.data.patches import ArrayPatches, MixedPatches, VolumePatches
from vbench.data.prepare import open_volume, prepare_subject
from vbench.errors import DataError

SIZES = [(4, 4, 4), (8, 6), (3, 5, 2), (24, 16, 16), (32, 32), (20, 18, 12)]


def all_of(patches: VolumePatches | MixedPatches | ArrayPatches) -> np.ndarray:
    return patches.take(np.arange(len(patches)))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("in_memory", [0, 10**9])
def test_patches_have_the_agreed_form(size: tuple[int, ...], in_memory: int) -> None:
    made = VolumePatches(
        [volume(0), volume(1)], size=size, per_subject=7, seed=3, in_memory=in_memory
    )
    taken = made.take(np.array([13, 0, 5]))
    assert len(made) == 14
    assert made.size == size
    assert taken.shape == (3, 2, *size)
    assert taken.dtype == np.float32
    assert taken.flags.c_contiguous
    assert np.abs(taken[:, 0]).max() <= 1
    assert set(np.unique(taken[:, 1])) <= {0, 1}
    assert made.subject_index.tolist() == [0] * 7 + [1] * 7


@pytest.mark.parametrize("size", SIZES)
def test_kept_in_memory_or_cut_from_the_volume_they_are_the_same(size: tuple[int, ...]) -> None:
    kept, cut = (
        VolumePatches([volume(0), volume(1)], size=size, per_subject=9, seed=1, in_memory=m)
        for m in (10**9, 0)
    )
    np.testing.assert_array_equal(all_of(kept), all_of(cut))


@pytest.mark.parametrize("size", [(4, 4, 4), (6, 5)])
def test_a_patch_is_a_crop_of_its_volume(size: tuple[int, ...]) -> None:
    whole = volume(0)
    block = size if len(size) == 3 else (*size, 1)
    windows = {
        whole.image[x : x + block[0], y : y + block[1], z : z + block[2]].tobytes(): (x, y, z)
        for x in range(SHAPE[0] - block[0] + 1)
        for y in range(SHAPE[1] - block[1] + 1)
        for z in range(SHAPE[2] - block[2] + 1)
    }
    for patch in all_of(VolumePatches([whole], size=size, per_subject=20, seed=0)):
        x, y, z = windows[patch[0].astype(np.float16).tobytes()]
        label = whole.label[x : x + block[0], y : y + block[1], z : z + block[2]]
        np.testing.assert_array_equal(patch[1], label.reshape(size))


def test_the_share_is_centred_on_vessels_and_the_rest_in_the_mask() -> None:
    _, vessel, mask = scene(shape=(40, 40, 30))
    inner = np.zeros_like(mask)
    inner[4:-4, 4:-4, 4:-4] = True
    made = volume(0, (40, 40, 30), label=(vessel & inner).astype(np.uint8), mask=mask & inner)
    for share, low, high in ((0.0, 0.0, 0.1), (0.5, 0.5, 0.6), (1.0, 1.0, 1.0)):
        patches = VolumePatches(
            [made], size=(3, 3, 3), per_subject=200, vessel_centred=share, seed=0
        )
        centre = all_of(patches)[:, :, 1, 1, 1]
        assert low <= centre[:, 1].mean() <= high
        assert (centre[:, 0] > -1).all()


def test_a_slice_lies_in_the_plane_of_the_first_two_axes() -> None:
    made = volume(0)
    made = volume(0, image=np.broadcast_to(np.linspace(0, 1, SHAPE[2]), SHAPE).astype(np.float16))
    for patch in all_of(VolumePatches([made], size=(8, 8), per_subject=10, seed=0)):
        assert np.ptp(patch[0]) == 0


def test_thin_volumes_are_padded_on_both_sides() -> None:
    thin = volume(0, (20, 18, 6))
    made = VolumePatches([thin], size=(8, 8, 12), per_subject=1, vessel_centred=1, seed=0)
    patch = made.take(np.array([0]))[0]
    assert (patch[0, :, :, :3] == -1).all()
    assert (patch[0, :, :, 9:] == -1).all()
    assert (patch[0, :, :, 3:9] > -1).any()
    assert (patch[1, :, :, [0, 1, 2, 9, 10, 11]] == 0).all()
    assert patch[1].any()


def test_positions_depend_on_seed_and_subject_only() -> None:
    a, b, c = (volume(i) for i in range(3))
    how = {"size": (4, 4, 4), "per_subject": 10, "seed": 5}
    alone, together = VolumePatches([b], **how), VolumePatches([a, b, c], **how)
    np.testing.assert_array_equal(all_of(alone), all_of(together)[10:20])
    other = VolumePatches([b], **{**how, "seed": 6})
    assert not np.array_equal(all_of(alone), all_of(other))


def test_taking_neither_changes_the_pool_nor_shares_memory_with_it() -> None:
    patches = VolumePatches([volume(0)], size=(4, 4, 4), per_subject=5, seed=0)
    first = all_of(patches)
    all_of(patches)[:] = 7
    np.testing.assert_array_equal(all_of(patches), first)


def test_drawing_is_seeded_and_covers_the_pool() -> None:
    patches = VolumePatches([volume(0)], size=(4, 4, 4), per_subject=6, seed=0)
    drawn = patches.draw(200, np.random.default_rng(0))
    np.testing.assert_array_equal(drawn, patches.draw(200, np.random.default_rng(0)))
    assert len({p.tobytes() for p in drawn}) == len({p.tobytes() for p in all_of(patches)})


def test_patch_minmax_scales_each_patch_of_such_volumes() -> None:
    plain, scaled = volume(0), volume(1, normalise="patch-minmax")
    patches = all_of(VolumePatches([plain, scaled], size=(4, 4, 4), per_subject=10, seed=0))
    extent = np.ptp(patches[:, 0], axis=(1, 2, 3))
    assert (extent[:10] < 2).any()
    np.testing.assert_array_equal(extent[10:], 2)


def test_prepared_volumes_give_their_patches_after_pages_were_handed_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vbench.data.patches.RESIDENT", 100_000)
    prepare_subject(subject(0), tmp_path)
    opened = open_volume(tmp_path)
    cut = VolumePatches([opened], size=(4, 4, 4), per_subject=50, seed=0, in_memory=0)
    kept = VolumePatches([opened], size=(4, 4, 4), per_subject=50, seed=0)
    np.testing.assert_array_equal(all_of(cut), all_of(kept))


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"label": np.zeros(SHAPE, np.uint8)}, "no vessel voxel to centre"),
        ({"mask": np.zeros(SHAPE, bool)}, "no vessel voxel to centre"),
    ],
)
def test_a_volume_without_centres_is_refused(fault: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=f"subject case0: {message}"):
        VolumePatches([volume(0, **fault)], size=(4, 4, 4), per_subject=2)
    with pytest.raises(DataError, match="no subjects to cut patches from"):
        VolumePatches([], size=(4, 4, 4), per_subject=2)


def test_arrays_become_patches(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    images = rng.uniform(-1, 1, (5, 4, 4)).astype(np.float16)
    labels = rng.integers(0, 2, (5, 4, 4)).astype(np.uint8)
    np.save(tmp_path / "i.npy", images)
    np.save(tmp_path / "l.npy", labels)
    mapped = ArrayPatches(
        np.load(tmp_path / "i.npy", mmap_mode="r"), np.load(tmp_path / "l.npy", mmap_mode="r")
    )
    taken = mapped.take(np.array([4, 4, 0]))
    assert taken.dtype == np.float32
    np.testing.assert_array_equal(taken[:, 0], images[[4, 4, 0]])
    np.testing.assert_array_equal(taken[:, 1], labels[[4, 4, 0]])
    assert (mapped.subject_index == -1).all()
    with pytest.raises(ValueError, match="not patches"):
        ArrayPatches(images, labels[:4])


def test_mixed_patches_are_one_after_the_other_in_any_order_of_asking() -> None:
    real = VolumePatches([volume(0), volume(1)], size=(4, 4), per_subject=3, seed=0)
    ones = np.ones((4, 4, 4), np.float16)
    made = ArrayPatches(ones, ones.astype(np.uint8))
    mixed = MixedPatches([real, made, real])
    assert len(mixed) == 16
    assert mixed.subject_index.tolist() == [0] * 3 + [1] * 3 + [-1] * 4 + [2] * 3 + [3] * 3
    order = np.array([15, 6, 0, 9, 6])
    expected = np.concatenate([all_of(real), all_of(made), all_of(real)])[order]
    np.testing.assert_array_equal(mixed.take(order), expected)
    with pytest.raises(ValueError, match="patches of one size"):
        MixedPatches([real, VolumePatches([volume(0)], size=(4, 4, 4), per_subject=1)])


def test_whole_volumes_are_those_that_were_cut() -> None:
    volumes = [volume(0), volume(1)]
    patches = VolumePatches(volumes, size=(4, 4, 4), per_subject=3)
    assert [whole.id for whole in patches.volumes] == ["case0", "case1"]
    made = ArrayPatches(np.zeros((2, 4, 4, 4), np.float16), np.zeros((2, 4, 4, 4), np.uint8))
    assert made.volumes == ()
    assert MixedPatches([patches, made]).volumes == patches.volumes
