from __future__ import annotations

import numpy as np
import pytest

from vbench.audit.closeness import closest, views_of


@pytest.mark.parametrize(
    ("size", "count"), [((8, 8), 8), ((8, 6), 4), ((8, 8, 8), 48), ((8, 8, 4), 16), ((8, 6, 4), 8)]
)
def test_views_are_all_symmetries_that_keep_the_shape(size: tuple[int, ...], count: int) -> None:
    image = np.random.default_rng(0).normal(size=(1, *size))
    seen = {view.of(image).tobytes() for view in views_of(size)}
    assert len(seen) == count
    assert all(view.of(image).shape == image.shape for view in views_of(size))


@pytest.mark.parametrize("size", [(16, 16), (12, 9), (16, 16, 16), (8, 8, 5)])
def test_copies_are_found_through_contrast_and_symmetry(size: tuple[int, ...]) -> None:
    rng = np.random.default_rng(1)
    images, others = (rng.normal(size=(n, *size)).astype(np.float32) for n in (5, 12))
    view = views_of(size)[-1]
    others[7] = 0.3 * view.of(images[2:3])[0] - 0.5
    found = closest(images[:, None], others[:, None])
    assert found.index[2] == 7
    assert found.similarity[2] == pytest.approx(1, abs=1e-4)
    assert np.allclose(views_of(size)[found.view[2]].of(images[2:3])[0] * 0.3 - 0.5, others[7])
    assert found.score().argmax() == 2
    assert (np.delete(found.similarity, 2) < 0.9).all()


def test_constant_images_resemble_nothing() -> None:
    images = np.zeros((2, 8, 8), np.float32)
    images[1] = np.random.default_rng(2).normal(size=(8, 8))
    found = closest(images[:, None], np.ones((3, 1, 8, 8), np.float32))
    assert found.similarity.tolist() == [0, 0]
    assert np.isfinite(found.score()).all()


def test_many_images_are_compared_in_parts() -> None:
    images = np.random.default_rng(3).normal(size=(1100, 4, 4)).astype(np.float32)
    found = closest(images[:, None], images[::100, None])
    assert found.index[::100].tolist() == list(range(11))
    assert (found.similarity[::100] > 0.999).all()


def test_channels_are_turned_together_and_count_alike() -> None:
    rng = np.random.default_rng(4)
    images, others = (rng.normal(size=(n, 2, 8, 8)).astype(np.float32) for n in (3, 6))
    others[4] = views_of((8, 8))[5].of(images[1:2])[0]
    others[5, 0] = images[2, 0]
    found = closest(images * np.array([1, 100]).reshape(2, 1, 1), others)
    assert found.index[1] == 4
    assert found.similarity[1] == pytest.approx(1, abs=1e-4)
    assert found.similarity[2] == pytest.approx(0.5, abs=0.2)
