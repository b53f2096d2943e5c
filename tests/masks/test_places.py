"""Where voxels are, in any order of memory, and the box around them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from masks import adversarial_cases, random_cases

from vbench import MaskPair, score
from vbench.masks import places

shapes = st.lists(st.integers(1, 8), min_size=2, max_size=3).map(tuple)
masks = shapes.flatmap(lambda shape: hnp.arrays(np.bool_, shape))

CASES = [*adversarial_cases(), *random_cases(40, seed=1)]

#: The same voxels, laid out otherwise.
LAYOUTS = {
    "C order": np.ascontiguousarray,
    "Fortran order": np.asfortranarray,
    "last two axes swapped": lambda m: np.ascontiguousarray(m.swapaxes(-1, -2)).swapaxes(-1, -2),
    "first two axes swapped": lambda m: np.ascontiguousarray(m.swapaxes(0, 1)).swapaxes(0, 1),
    "flipped": lambda m: np.ascontiguousarray(m[::-1])[::-1],
    "flipped in all axes, Fortran order": lambda m: np.flip(np.asfortranarray(np.flip(m))),
    "part of a larger one": lambda m: np.pad(m, 3)[(slice(3, -3),) * m.ndim],
    "every second voxel": lambda m: np.repeat(m, 2, -1)[..., ::2],
    "read-only": lambda m: np.frombuffer(m.tobytes(), m.dtype).reshape(m.shape),
}
TYPES = ["u1", "i2", "i4", ">i2", "f4", "f8", ">f4", "f2"]


@given(masks, masks)
def test_joint_box_holds_both_masks_and_no_plane_more(first, second):
    if first.shape != second.shape:
        second = np.zeros_like(first)
    box = places.joint_box(places.find(first), places.find(second))
    either = first | second
    assert np.count_nonzero(either[box]) == np.count_nonzero(either)
    if either.any():
        inner = either[box]
        for axis in range(inner.ndim):
            assert inner.take(0, axis).any()
            assert inner.take(-1, axis).any()
    else:
        assert either[box].size == 0


@given(masks, st.sampled_from(sorted(LAYOUTS)), st.sampled_from(["?", *TYPES]))
def test_a_crop_is_the_box_with_a_margin(mask, layout, kind):
    found = places.find(LAYOUTS[layout](mask.astype(kind)))
    box = places.joint_box(found, found)
    cut = places.crop(found, box)
    assert cut.flags.c_contiguous
    np.testing.assert_array_equal(cut, np.pad(mask[box], 1))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_no_score_depends_on_the_order_in_memory(layout):
    for case in CASES[::12]:
        expected = score(case.prediction, case.truth, case.spacing)
        turned = LAYOUTS[layout]
        found = score(turned(case.prediction), case.truth, case.spacing)
        np.testing.assert_equal(found, expected)
        both = score(turned(case.prediction), turned(case.truth), case.spacing)
        np.testing.assert_equal(both, expected)


def test_where_to_score_may_lie_otherwise_in_memory():
    rng = np.random.default_rng(0)
    prediction, truth, mask = (rng.random((9, 8, 7)) > 0.6 for _ in range(3))
    expected = MaskPair(prediction & mask, truth & mask, (1, 1, 2))
    pair = MaskPair(np.asfortranarray(prediction), truth, (1, 1, 2), np.asfortranarray(mask))
    for side in (0, 1):
        np.testing.assert_array_equal(pair.masks[side], expected.masks[side])
        np.testing.assert_array_equal(pair.distances[side], expected.distances[side])


def test_fractions_are_no_mask():
    with pytest.raises(ValueError, match="threshold"):
        places.find(np.array([[0.0, 0.5, 1.0]]))
    with pytest.raises(ValueError, match="NaN"):
        places.find(np.asfortranarray([[0.0, np.nan], [0.0, 1.0]]))
    assert [axis.tolist() for axis in places.find(np.array([0.0, 2.0, 1.0]))] == [[1, 2]]
