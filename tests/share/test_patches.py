"""What is no data set is seen, and what is one passes."""

from typing import Any

import numpy as np
import pytest

from vbench.share.patches import meaningless

RNG = np.random.default_rng(0)
SIZE = (6, 6)


def _sound(n: int = 40) -> tuple[Any, Any]:
    images = np.clip(RNG.normal(0, 0.3, (n, *SIZE)), -1, 1).astype(np.float16)
    return images, (images > 0.3).astype(np.uint8)


def _with(**parts: Any) -> tuple[Any, Any]:
    images, labels = _sound()
    return parts.get("images", images), parts.get("labels", labels)


ONE = _sound(1)[0]
WRONG = {
    "no patch": (_sound(0), "0 patches are left"),
    "nine patches": (_sound(9), "9 patches are left"),
    "no vessel": (_with(labels=np.zeros((40, *SIZE), np.uint8)), "none of 40 labels hold a vessel"),
    "hardly a vessel": (
        _with(
            labels=np.eye(40, 36, dtype=np.uint8)[:, :36].reshape(40, *SIZE)
            * (np.arange(40) < 3)[:, None, None]
        ),
        "3 of 40 labels hold a vessel",
    ),
    "vessel only": (_with(labels=np.ones((40, *SIZE), np.uint8)), "anything but vessel"),
    "one image": (_with(images=np.repeat(ONE, 40, 0)), "1 of 40 images differ"),
    "three images": (_with(images=np.resize(_sound(3)[0], (40, *SIZE))), "3 of 40 images differ"),
    "one image, brighter and darker": (
        _with(images=np.repeat(ONE, 40, 0) * np.linspace(0.4, 0.9, 40)[:, None, None]),
        "but for brightness and noise",
    ),
    "one image in a little noise": (
        _with(images=np.repeat(ONE, 40, 0) + RNG.normal(0, 0.01, (40, *SIZE))),
        "but for brightness and noise",
    ),
    "black": (_with(images=np.full((40, *SIZE), -1.0)), "none of 40 images have any contrast"),
    "flat, each another grey": (
        _with(images=np.broadcast_to(np.linspace(-1, 1, 40)[:, None, None], (40, *SIZE))),
        "none of 40 images have any contrast",
    ),
    "NaN": (_with(images=np.where(np.eye(6, dtype=bool), np.nan, _sound()[0])), "NaN"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_data_set_is_seen(name: str) -> None:
    arrays, says = WRONG[name]
    assert says in str(meaningless(*arrays))


def test_a_data_set_passes_with_a_few_empty_or_repeated_patches() -> None:
    images, labels = _sound()
    labels[:20] = 0
    images[1:10] = images[0]
    assert meaningless(images, labels) is None
