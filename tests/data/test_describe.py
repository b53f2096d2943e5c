from pathlib import Path

import numpy as np
import pytest
from datasets import scene, subject
from matplotlib.image import imread

from vbench.data.describe import GAP, describe, write_projections


def test_a_description_is_of_what_lies_within_the_mask() -> None:
    image, vessel, mask = scene()
    about = describe(subject())
    assert about["shape"] == [20, 18, 12]
    assert about["spacing"] == [0.5, 0.6, 0.8]
    assert about["intensity"]["mean"] == pytest.approx(image[mask].mean())
    assert about["label_fraction"] == pytest.approx(vessel.sum() / mask.sum())
    assert about["mask"] == "given"
    assert describe(subject(mask=None))["mask"].startswith("derived: all but a constant")


def test_projections_are_in_true_proportions_with_the_label_in_red(tmp_path: Path) -> None:
    made = subject(spacing=(1.0, 1.0, 2.0))
    write_projections(tmp_path / "p.png", made)
    picture = imread(tmp_path / "p.png")[..., :3]
    # Views 20 × 18 from above, 20 × 24 from the front, 18 × 24 from the side; twice.
    assert picture.shape == (18 + 24 + 24 + 2 * GAP, 20 + 20 + GAP, 3)
    left, right = picture[:, :20], picture[:, 20 + GAP :]
    assert (left[..., 0] == left[..., 2]).all()
    red = right[:18, :, 0] > right[:18, :, 2]
    truth = np.asarray(made.label).max(axis=2)
    np.testing.assert_array_equal(red, truth.T[::-1])
