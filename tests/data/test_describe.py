from pathlib import Path

import numpy as np
import pytest
from datasets import scene, subject
from PIL import Image

from vbench.data.describe import GAP, describe, write_projections
from vbench.picture import BAND


def test_a_description_is_of_what_lies_within_the_mask() -> None:
    image, vessel, mask = scene()
    about = describe(subject())
    assert about["shape"] == [20, 18, 12]
    assert about["spacing"] == [0.5, 0.6, 0.8]
    assert about["intensity"]["mean"] == pytest.approx(image[mask].mean())
    assert about["label_fraction"] == pytest.approx(vessel.sum() / mask.sum())
    assert about["mask"] == "given"
    assert describe(subject(mask=None))["mask"].startswith("derived: all but a constant")


def test_projections_are_in_true_proportions_with_the_patients_right_on_the_left(
    tmp_path: Path,
) -> None:
    made = subject(spacing=(1.0, 1.0, 2.0))
    write_projections(tmp_path / "p.png", made)
    picture = np.asarray(Image.open(tmp_path / "p.png"))
    # Views 20 × 18 from above, 20 × 24 from the front, 18 × 24 from the side; twice; with letters.
    assert picture.shape == (18 + 24 + 24 + 3 * BAND + 2 * GAP, 20 + 20 + GAP, 3)
    left, right = picture[:, :20].astype(int), picture[:, 20 + GAP :].astype(int)
    assert (left[..., 0] == left[..., 2]).all()
    coloured = right[BAND : BAND + 18, :, 0] > right[BAND : BAND + 18, :, 2]
    truth = np.asarray(made.label).max(axis=2)
    np.testing.assert_array_equal(coloured, truth[::-1, ::-1].T)
    assert left[:BAND].any()
