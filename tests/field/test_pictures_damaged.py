"""Source: found by `make fuzz`. A GIF that ends within its second frame: a traceback of struct."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vbench.data.pictures import picture_shape, read_picture
from vbench.data.stacks import read_stack, stack_shape
from vbench.errors import DataError


def drawn(path: Path) -> bytes:
    label = np.zeros((24, 20), np.uint8)
    label[4:18, 5:9] = 255
    Image.fromarray(label).save(path)
    return path.read_bytes()


def test_a_second_frame_that_is_cut_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.gif"
    raw = drawn(path)
    path.write_bytes(raw[:-1] + b"," + bytes(6))
    with pytest.raises(DataError, match="not a picture that can be read") as refused:
        read_picture(path, (1.0, 1.0))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("ending", ["gif", "tif", "png", "bmp", "jpg", "ppm"])
def test_whatever_is_damaged_is_read_or_refused(tmp_path: Path, ending: str) -> None:
    path, rng = tmp_path / f"a.{ending}", random.Random(0)
    raw = drawn(path)
    cuts = [raw[:end] + raw[end : end + 1] * 7 for end in range(1, len(raw), 1 + len(raw) // 150)]
    for number in range(150):
        changed = bytearray(raw)
        for _ in range(1 + number % 3):
            changed[rng.randrange(min(len(raw), 200))] = rng.choice((0, 1, 44, 127, 255))
        cuts.append(bytes(changed))
    readers: list[Callable[[Path], object]] = [
        picture_shape,
        lambda p: read_picture(p, (1.0, 1.0), integer=True),
    ]
    if ending == "tif":
        readers += [stack_shape, lambda p: read_stack(p, (1.0, 1.0, 1.0))]
    lines = set()
    for content in cuts:
        path.write_bytes(content)
        for read in readers:
            lines.add(outcome(read, path))
    assert lines == {0, 1}


def outcome(read: Callable[[Path], object], path: Path) -> int:
    """Return how many lines refuse a file; 0: it is read."""
    try:
        read(path)
    except DataError as error:
        return str(error).count("\n") + 1
    return 0
