"""nnU-Net issue 1956: predicted masks were mirrored along one axis against their images."""

import numpy as np
import pytest
from masks import tubes

from vbench.data.placement import best_fit

TURNS = {
    "with left and right exchanged": lambda a: a[::-1],
    "with front and back exchanged": lambda a: a[:, ::-1],
    "with its axes in the order (1, 0, 2)": lambda a: a.transpose(1, 0, 2),
    "moved by (-9, 0, 0) voxels": lambda a: np.roll(a, 9, 0),
}


def angiogram(shape: tuple[int, ...], sign: float) -> tuple[np.ndarray, np.ndarray]:
    """Return an image with an uneven coil and a bright organ, and its vessels."""
    rng = np.random.default_rng(3)
    vessel = tubes(tuple(n for n in shape if n > 1), rng, 4, 1.5).reshape(shape)
    x, y = np.linspace(0, 1, shape[0])[:, None, None], np.linspace(0, 1, shape[1])[:, None]
    image = (30 + rng.normal(0, 1, shape) + 8 * sign * vessel) * (0.3 + 2 * x) + 60 * (y > 0.8)
    return np.asfortranarray(image.astype(np.float32)), np.asfortranarray(vessel)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("shape", [(48, 48, 30), (96, 96, 1)])
def test_a_label_that_lies_elsewhere_is_found_and_a_right_one_is_not(
    shape: tuple[int, ...], sign: float
) -> None:
    image, vessel = angiogram(shape, sign)
    right = best_fit(image, vessel)
    assert right is None or not right.better
    for said, turn in TURNS.items():
        fit = best_fit(image, turn(vessel))
        assert fit is not None
        assert fit.sure
        assert str(fit) == said
