"""Thinning keeps every vessel and the topology of any mask, and leaves thin lines."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from masks import straight, tubes
from scipy.ndimage import convolve, gaussian_filter, label
from searching import examples
from skimage.measure import euler_number
from skimage.morphology import skeletonize

from vbench.masks import thinning

seeds = st.integers(0, 2**32 - 1)
shapes = st.one_of(
    st.tuples(st.integers(1, 7), st.integers(1, 7), st.integers(1, 7)),
    st.tuples(st.integers(1, 14), st.integers(1, 14)),
)
spacings = st.sampled_from([None, (0.47, 0.47, 0.8), (1, 1, 5), (3, 1, 2)])


def thin(mask: np.ndarray, spacing=None) -> np.ndarray:
    framed = np.ascontiguousarray(np.pad(mask, 1))
    line = np.zeros_like(framed)
    given_spacing = None if spacing is None else spacing[: mask.ndim]
    line.ravel()[thinning.skeleton(framed, np.flatnonzero(framed), given_spacing)] = True
    return line[(slice(1, -1),) * mask.ndim]


def numbers(mask: np.ndarray) -> tuple[int, int, int]:
    """Components, components of the background, Euler's number: of scipy and scikit-image."""
    framed = np.pad(mask, 1)
    return (
        label(framed, np.ones((3,) * mask.ndim))[1],
        label(~framed)[1],
        euler_number(framed, connectivity=mask.ndim),
    )


def neighbours(line: np.ndarray) -> np.ndarray:
    kernel = np.ones((3,) * line.ndim, int)
    return (convolve(line.astype(int), kernel, mode="constant") - 1)[line]


def ends(line: np.ndarray) -> int:
    return int(np.count_nonzero(neighbours(line) == 1))


def check(mask: np.ndarray, spacing=None) -> None:
    line = thin(mask, spacing)
    assert not (line & ~mask).any()
    assert numbers(line) == numbers(mask)
    components, count = label(mask, np.ones((3,) * mask.ndim))
    assert set(components[line]) == set(range(1, count + 1))  # one line in each, not two in one
    assert (thin(line, spacing) == line).all()


@given(shapes.flatmap(lambda shape: hnp.arrays(np.bool_, shape)), spacings)
@settings(max_examples=examples(200), deadline=None)
def test_any_mask_keeps_components_loops_and_cavities(mask, spacing):
    check(mask, spacing)


@given(seeds, spacings)
@settings(max_examples=examples(60), deadline=None)
def test_tubes_with_noise_keep_them(seed, spacing):
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(5, 20, size=rng.integers(2, 4)))
    check(tubes(shape, rng, 3, rng.uniform(0.8, 3)) ^ (rng.random(shape) < 0.02), spacing)


@given(seeds)
@settings(max_examples=examples(60), deadline=None)
def test_thick_shapes_with_tunnels_and_cavities_keep_them(seed):
    rng = np.random.default_rng(seed)
    field = gaussian_filter(rng.normal(size=rng.integers(4, 18, 3)), 1.2)
    check(field > np.quantile(field, rng.uniform(0.1, 0.9)))


@given(shapes.flatmap(lambda shape: hnp.arrays(np.bool_, shape)))
@settings(max_examples=examples(100), deadline=None)
def test_what_is_left_is_thin(mask):
    """No voxel can go without a change of topology, but those that end a line."""
    line = thin(mask)
    for voxel in np.argwhere(line):
        without = line.copy()
        without[tuple(voxel)] = False
        around = tuple(slice(max(0, v - 1), v + 2) for v in voxel)
        ends_line = np.count_nonzero(without[around]) == 1
        assert ends_line or numbers(without) != numbers(line) or not _simple(line, voxel)


def _simple(line: np.ndarray, voxel: np.ndarray) -> bool:
    """Whether numbers of the neighbourhood stay as they are, too."""
    around = tuple(slice(v, v + 3) for v in voxel)
    block = np.pad(line, 1)[around].copy()
    before = numbers(block)
    block[(1,) * line.ndim] = False
    return numbers(block) == before


@pytest.mark.parametrize("shape", [(9, 9, 9), (3, 20, 4), (1, 12, 12), (30, 2, 2), (8, 8), (2, 2)])
def test_blocks_leave_something(shape):
    check(np.ones(shape, bool))


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("width", range(1, 9))
def test_a_square_tube_of_any_width_leaves_one_line_nearly_as_long(width, order):
    mask = np.zeros((width + 4, width + 5, 44), bool)
    mask[2 : 2 + width, 2 : 2 + width, 2:42] = True
    for flip in (1, -1):
        line = thin(np.transpose(mask, order)[::flip, ::flip, ::flip])
        along = np.flatnonzero(line.any(axis=tuple(a for a in range(3) if order[a] != 2)))
        assert np.ptp(along) + 1 >= 40 - width
        assert ends(line) == 2
        assert line.sum() <= 40


@pytest.mark.parametrize("spacing", [(1, 1, 1), (0.47, 0.47, 0.8), (1, 1, 3)], ids=str)
@pytest.mark.parametrize("width", range(1, 9))
def test_a_round_tube_in_any_direction_leaves_one_line_to_near_its_ends(width, spacing):
    rng = np.random.default_rng(width)
    radius = max(width / 2, 0.75) * min(spacing)
    length = 20 * radius + 8 * max(spacing)
    for direction in ((1, 0, 0), (0, 0, 1), (1, 1, 0), (1, 1, 1), *rng.normal(size=(4, 3))):
        mask, along = straight(radius, direction, spacing, rng, length)
        if not mask.any():  # thinner than a voxel, it may fall between two slices
            continue
        line = thin(mask, spacing)
        reached = np.abs([along[line].min(), along[line].max()])
        assert reached.min() >= length / 2 - radius - 3.25 * max(spacing)
        assert ends(line) <= 2 * numbers(mask)[0] + 1  # a very thin one is drawn in pieces


def test_a_thick_branch_on_a_thin_vessel_stays():
    mask = np.zeros((60, 40, 12), bool)
    mask[5:55, 20, 5] = True
    mask[26:30, 20:38, 4:8] = True
    line = thin(mask)
    assert np.flatnonzero(line[26:30, 22:].any(axis=(0, 2))).max() + 22 >= 34
    assert ends(line) == 3


@given(seeds)
@settings(max_examples=examples(25), deadline=None)
def test_flips_and_axes_change_little(seed):
    rng = np.random.default_rng(seed)
    mask = tubes((24, 26, 28), rng, 2, rng.uniform(0.8, 3))
    count = thin(mask).sum()
    for order in ((1, 2, 0), (2, 0, 1), (0, 2, 1)):
        turned = np.transpose(mask, order)
        other = thin(turned[::-1]).sum()
        assert abs(int(other) - int(count)) <= 6 + 0.2 * count


def test_order_in_memory_changes_nothing():
    mask = tubes((24, 22, 20), np.random.default_rng(2), 3, 2)
    assert (thin(np.asfortranarray(mask)) == thin(mask)).all()


def test_spacing_in_float32_changes_nothing():
    mask = tubes((24, 22, 20), np.random.default_rng(2), 3, 2.5)
    spacing = (0.4, 0.4, 0.8)
    assert (thin(mask, np.float32(spacing)) == thin(mask, spacing)).all()


def test_as_few_spurs_as_scikit_image_and_as_long_where_that_loses_nothing():
    rng = np.random.default_rng(0)
    ours, theirs = [], []
    for _ in range(40):
        mask, _ = straight(rng.uniform(0.8, 4), rng.normal(size=3), (1, 1, 1), rng, 40)
        line, other = thin(mask), skeletonize(mask)
        if other.sum() > 15:
            ours.append((ends(line), line.sum()))
            theirs.append((ends(other), other.sum()))
    assert len(ours) > 25
    (spurs, length), (their_spurs, their_length) = np.mean(ours, 0), np.mean(theirs, 0)
    assert spurs <= their_spurs + 0.1
    assert length == pytest.approx(their_length, rel=0.1)
