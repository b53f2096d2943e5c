from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor
from vbench_plugins.segmenters.window import importance, predict

from vbench.data.windows import starts


def blur(windows: Tensor) -> Tensor:
    """Depends on where a voxel stands in its window, as a network's borders do."""
    flat = windows.flatten(1)
    ramp = torch.linspace(0, 1, flat.shape[1]).view(windows.shape[1:])
    return torch.sigmoid(windows + flat.mean(1).view(-1, *[1] * (windows.ndim - 1)) + ramp)


def volume(shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    mask = np.zeros(shape, bool)
    mask[3:-5, 2:-2, 1:-1] = rng.random(np.subtract(shape, (8, 4, 2))) < 0.05
    image = np.where(mask, rng.uniform(-1, 1, shape), -1).astype(np.float16)
    return image, mask


@pytest.mark.parametrize("blending", ["gaussian", "constant"])
@pytest.mark.parametrize("overlap", [0.0, 0.25, 0.5])
def test_inside_the_mask_it_equals_monais_sliding_window(blending: str, overlap: float) -> None:
    from monai.inferers import sliding_window_inference

    image, mask = volume((33, 21, 18))
    found = predict(blur, image, mask, window=(8, 8, 8), overlap=overlap, blending=blending)
    expected = sliding_window_inference(
        torch.from_numpy(image.astype(np.float32))[None, None], (8, 8, 8), 4, blur,
        overlap=overlap, mode=blending,
    )[0, 0].numpy()  # fmt: skip
    assert np.allclose(found[mask], expected[mask], atol=1e-5)
    assert (found[~mask] == 0).all()


def test_windows_without_mask_are_not_computed() -> None:
    image, mask = volume((64, 16, 16))
    mask[20:] = False
    seen = 0

    def count(windows: Tensor) -> Tensor:
        nonlocal seen
        seen += len(windows)
        return windows

    predict(count, image, mask, window=(8, 8, 8), overlap=0.0, blending="constant")
    assert 0 < seen <= 3 * 2 * 2


def test_an_empty_mask_needs_no_network() -> None:
    def never(windows: Tensor) -> Tensor:
        raise AssertionError("called")

    image = np.zeros((9, 9, 9), np.float32)
    mask = np.zeros((9, 9, 9), bool)
    found = predict(never, image, mask, window=(8, 8, 8), overlap=0.5, blending="gaussian")
    assert found.shape == (9, 9, 9)
    assert not found.any()


@pytest.mark.parametrize("shape", [(20, 20, 3), (5, 20, 8), (8, 8, 8), (3, 3, 3)])
def test_thin_volumes_are_padded_as_in_training(shape: tuple[int, int, int]) -> None:
    image = np.full(shape, 0.25, np.float32)
    mask = np.ones(shape, bool)
    inputs = []

    def keep(windows: Tensor) -> Tensor:
        inputs.append(windows)
        return windows

    found = predict(keep, image, mask, window=(8, 8, 8), overlap=0.5, blending="gaussian")
    assert found.shape == shape
    assert np.allclose(found, 0.25)
    seen = torch.cat(inputs)
    assert set(seen.unique().tolist()) <= {-1.0, 0.25}
    # Where a volume is odd, the longer side of the padding comes first, as in training patches.
    if shape == (5, 20, 8):
        assert (seen[0, 0, :, 0, 0] == 0.25).nonzero().flatten().tolist() == [2, 3, 4, 5, 6]


def test_2d_windows_go_slice_by_slice() -> None:
    image, mask = volume((20, 22, 7))
    per_slice = [
        predict(
            as_slices(blur), image[..., z : z + 1], mask[..., z : z + 1],
            window=(8, 8), overlap=0.5, blending="gaussian",
        )
        for z in range(7)
    ]  # fmt: skip
    whole = predict(as_slices(blur), image, mask, window=(8, 8), overlap=0.5, blending="gaussian")
    assert np.allclose(whole, np.concatenate(per_slice, axis=2), atol=1e-6)


def as_slices(network: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    def check(windows: Tensor) -> Tensor:
        assert windows.shape[1:] == (1, 8, 8)
        return network(windows)

    return check


def test_the_last_window_ends_at_the_border() -> None:
    assert starts(20, 8, 0.5) == [0, 4, 8, 12]
    assert starts(21, 8, 0.5) == [0, 4, 8, 12, 13]
    assert starts(16, 8, 0.0) == [0, 8]
    assert starts(5, 8, 0.5) == [0]


def test_the_weight_is_largest_in_the_middle_and_never_zero() -> None:
    weight = importance((9, 9), "gaussian")
    assert weight[4, 4] == weight.max() == 1
    assert weight.min() >= 1e-3
    assert (importance((4, 4), "constant") == 1).all()
