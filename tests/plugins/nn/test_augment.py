import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from searching import examples
from vbench_plugins.nn.augment import flip_and_rotate, flip_axis, intensities, stretch, warp


def batch(size: tuple[int, ...], n: int = 6) -> np.ndarray:
    rng = np.random.default_rng(0)
    made = rng.uniform(-1, 1, (n, 2, *size)).astype(np.float32)
    made[:, 1] = made[:, 1] > 0.3
    return made


@settings(deadline=None, max_examples=examples(20))
@given(st.sampled_from([(6, 6), (6, 4), (5, 5, 5), (6, 6, 3), (4, 5, 6)]), st.integers(0, 99))
def test_turned_patches_keep_every_voxel_and_its_label(size: tuple[int, ...], seed: int) -> None:
    before = batch(size)
    kept = before.copy()
    after = flip_and_rotate(before, np.random.default_rng(seed))
    assert np.array_equal(before, kept)
    assert after.shape == before.shape
    for old, new in zip(before, after, strict=True):
        # Pairs of intensity and label, in any order, are the same.
        pairs = [np.sort(p[0].ravel() + 10 * p[1].ravel()) for p in (old, new)]
        assert np.array_equal(*pairs)


def test_all_eight_orientations_of_a_square_occur() -> None:
    one = np.arange(9, dtype=np.float32).reshape(1, 1, 3, 3)
    seen = {flip_and_rotate(one, np.random.default_rng(seed)).tobytes() for seed in range(200)}
    assert len(seen) == 8


def test_one_axis_is_flipped_in_half_of_the_patches() -> None:
    before = batch((4, 5), n=400)
    after = flip_axis(before.copy(), np.random.default_rng(0), 1)
    flipped = [np.array_equal(b[:, :, ::-1], a) for b, a in zip(before, after, strict=True)]
    same = [np.array_equal(b, a) for b, a in zip(before, after, strict=True)]
    assert all(f or s for f, s in zip(flipped, same, strict=True))
    assert 150 < sum(flipped) < 250


def test_intensities_change_images_only_and_stay_in_range() -> None:
    before = batch((8, 8))
    after = intensities(before.copy(), np.random.default_rng(0), 0.5)
    assert np.array_equal(after[:, 1], before[:, 1])
    assert not np.array_equal(after[:, 0], before[:, 0])
    assert np.abs(after[:, 0]).max() <= 1


def test_stretched_images_fill_the_range() -> None:
    made = batch((8, 8)) * 0.3
    made[2, 0] = 0.25
    stretch(made)
    assert np.allclose(made[[0, 1], 0].min((1, 2)), -1)
    assert np.allclose(made[[0, 1], 0].max((1, 2)), 1)
    assert (made[2, 0] == -1).all()


def test_a_warp_by_nothing_changes_nothing() -> None:
    before = batch((9, 7))
    assert np.allclose(warp(before, np.random.default_rng(0), 0, 0, linear=False), before)


@pytest.mark.parametrize("linear", [False, True])
def test_only_linear_warping_makes_labels_fractional(linear: bool) -> None:
    after = warp(batch((12, 12)), np.random.default_rng(0), 30, 20, linear=linear)
    assert np.isin(after[:, 1], (0, 1)).all() == (not linear)


def test_a_rotation_turns_by_the_angle_drawn() -> None:
    line = np.zeros((1, 2, 33, 33), np.float32)
    line[:, :, 16, :] = 1
    rng = np.random.default_rng(5)
    angle = np.deg2rad(np.random.default_rng(5).uniform(-1, 1, 2)[0] * 30)
    rows, columns = np.nonzero(warp(line, rng, 30, 0, linear=False)[0, 1])
    slope = np.polyfit(columns, rows, 1)[0]
    assert abs(np.arctan(slope)) == pytest.approx(abs(angle), abs=0.03)
