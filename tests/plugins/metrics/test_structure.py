"""Descriptors see the structure of a patch, and not its contrast, direction or place."""

from __future__ import annotations

import numpy as np
import pytest
from patients import as_patches, patients
from vbench_plugins.metrics.nearest import halves, similarities
from vbench_plugins.metrics.structure import KINDS, matches, structure, turned

SIZES = [(16, 16), (15, 15), (8, 8, 8), (6, 12, 12), (7, 9, 9)]


def pair(size, change):
    """Return what a set of patches, and the same after a change, have in common."""
    first = patients(3, 6, seed=0, size=size)
    array = first.take(np.arange(len(first)))
    other = as_patches(np.ascontiguousarray(change(array.copy())))
    found = {kind: matches(structure(other), structure(first), kind) for kind in KINDS}
    return {
        kind: np.take_along_axis(
            match.similarity, structure(first).subject[:, None], axis=1
        ).ravel()
        for kind, match in found.items()
    }


def mirrored(array):
    return np.swapaxes(array[..., ::-1], -1, -2)


def scaled(array):
    array[:, 0] = 0.3 * array[:, 0] + 0.4
    return array


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("change", [mirrored, scaled])
def test_what_keeps_the_structure_keeps_all_descriptors(size, change):
    for kind, similarity in pair(size, change).items():
        seen = similarity[similarity != 0]
        assert seen == pytest.approx(1, abs=1e-4), kind
    assert len(seen) > 9


def test_an_inverted_image_keeps_its_spectrum():
    def inverted(array):
        array[:, 0] *= -1
        return array

    assert pair((16, 16), inverted)["spectrum"] == pytest.approx(1, abs=1e-4)


def test_every_symmetry_of_the_size_is_looked_at():
    for size, number in (((4, 4), 8), ((4, 6), 4), ((4, 4, 4), 48), ((2, 4, 4), 16)):
        array = np.arange(np.prod(size)).reshape(size)
        assert len(np.unique(list(turned(array, size)), axis=0)) == number


def test_blank_patches_resemble_nothing():
    array = patients(2, 4, seed=0).take(np.arange(8))
    array[:, 0], array[:, 1] = -1, 0
    found = matches(structure(as_patches(array)), structure(patients(2, 4, seed=0)), "shape")
    assert not found.similarity.any()


def test_blank_patches_change_nothing_of_the_others():
    array = patients(3, 6, seed=0).take(np.arange(18))
    blank = array.copy()
    blank[[2, 7], 0], blank[[2, 7], 1] = -1, 0
    other = structure(patients(3, 6, seed=1))
    for kind in KINDS:
        whole, part = (matches(structure(as_patches(each)), other, kind) for each in (array, blank))
        kept = np.delete(np.arange(18), [2, 7])
        # Products of other shapes are summed in another order on some processors.
        np.testing.assert_allclose(part.similarity[kept], whole.similarity[kept], rtol=1e-6)
        np.testing.assert_array_equal(part.place[kept], whole.place[kept])
        assert not part.similarity[[2, 7]].any()
        assert (other.subject[part.place] == np.arange(3)).all()
        assert (part.back >= 0).all()


def test_similarities_are_the_largest_products_in_any_block():
    rng = np.random.default_rng(0)
    views = rng.normal(size=(5, 3, 7)).astype(np.float32) / 9
    points = rng.normal(size=(1100, 7)).astype(np.float32) / 9
    expected = np.einsum("nvd,md->nvm", views, points).max(axis=1)
    found = similarities(np.moveaxis(views, 1, 0), points.T)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("size", [6, 7])
def test_halves_keep_products_and_turn_their_sign_in_the_reversed_vector(size):
    first, second = np.random.default_rng(0).normal(size=(2, 3, size)).astype(np.float32)
    odd = size // 2
    one, back, other = (halves(v, signed=True) for v in (first, first[:, ::-1], second))
    np.testing.assert_allclose(one @ other.T, first @ second.T, atol=1e-5)
    np.testing.assert_allclose(back[:, :-odd], one[:, :-odd], atol=1e-6)
    np.testing.assert_allclose(back[:, -odd:], -one[:, -odd:], atol=1e-6)


def test_the_nearest_of_each_subject_is_named_and_back():
    first, other = (structure(patients(4, 5, seed=s)) for s in (0, 1))
    found = matches(first, other, "shape")
    turned = first.vectors["shape"][:, first.views["shape"]]
    views = np.concatenate([turned, turned[..., ::-1]], axis=1)
    every = np.einsum("nvd,md->nvm", views, other.vectors["shape"]).max(axis=1)
    for subject in range(4):
        own = np.flatnonzero(other.subject == subject)
        np.testing.assert_allclose(found.similarity[:, subject], every[:, own].max(axis=1), 1e-5)
        np.testing.assert_array_equal(found.place[:, subject], own[every[:, own].argmax(axis=1)])
    np.testing.assert_allclose(found.back, every.max(axis=0), 1e-5)
