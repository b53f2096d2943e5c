"""Any folder becomes the same patches: whatever its form, type, range and order in memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from datasets import bids, manifest, nnunet
from patients import patients
from share_sets import arrays, by_person, scans

from vbench.data.holdings import cut, is_cut, look
from vbench.errors import DataError
from vbench.layout import image_of, label_of
from vbench.share.normal_form import Side, lay_down
from vbench.share.sizes import common_size
from vbench.types import Cutting

SET = patients(3, 8, seed=0, size=(8, 8))


def laid(folder: Path, place: Path, group: str | None = None) -> Side:
    held = look(folder, group)
    (size,) = held.shapes()
    count = held.count()
    return lay_down(
        folder, held.chunks(), count, size, place, labelled=held.labelled, owned=bool(held.names)
    )


def pixels(side: Side) -> tuple[np.ndarray, np.ndarray]:
    whole = side.patches.take(np.arange(len(side.patches)))
    return image_of(whole), label_of(whole)


CHANGES = {
    "0 to 255": lambda x: np.rint((x + 1) * 127.5).astype(np.uint8),
    "0 to 1": lambda x: ((x + 1) / 2).astype(np.float64),
    "z-score": lambda x: (x - x.mean()) / x.std(),
    "each patch its z-score": lambda x: (
        (x - x.mean((1, 2), keepdims=True)) / x.std((1, 2), keepdims=True)
    ),
    "gain 0.7": lambda x: (0.7 * x).astype(np.float16),
    "int16": lambda x: np.rint(x * 4000 + 100).astype(np.int16),
    "big-endian": lambda x: (x * 30).astype(">f4"),
    "Fortran order": np.asfortranarray,
    "a channel": lambda x: x[:, None],
    "one slice": lambda x: x[..., None],
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_every_range_type_and_order_is_one_form(change, tmp_path: Path) -> None:
    arrays(tmp_path / "plain", SET)
    changed = arrays(tmp_path / "changed", SET, change=change, labelled=False)
    there = np.load(tmp_path / "plain" / "labels.npy")
    shape = np.load(changed / "images.npy").shape
    np.save(changed / "labels.npy", (255 * there).reshape(shape))
    expected, found = (
        pixels(laid(tmp_path / name, tmp_path / f"{name} laid")) for name in ("plain", "changed")
    )
    np.testing.assert_allclose(found[0], expected[0], atol=0.02)
    np.testing.assert_array_equal(found[1], expected[1])
    assert (found[0].min(axis=(1, 2)) == -1).all()
    assert (found[0].max(axis=(1, 2)) == 1).all()


@pytest.mark.parametrize("form", ["subjects.npy", "subjects.csv", "folders", "nifti"])
def test_every_way_to_say_whose_a_patch_is(form: str, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    if form == "folders":
        side = laid(by_person(folder, SET), tmp_path / "laid")
        assert side.people == ("person 0", "person 1", "person 2")
        assert side.places[9] == "person 1/images.npy[1]"
    elif form == "nifti":
        side = laid(scans(folder, SET, 24), tmp_path / "laid", group=r"(.+)_\d+")
        assert side.people == ("p0", "p1", "p2")
        assert side.places[9] == "p1_0009"
    else:
        arrays(folder, SET, names=lambda i: f"P-{i}")
        if form == "subjects.csv":
            (folder / "subjects.npy").unlink()
            rows = [f"{i},P-{person}" for i, person in enumerate(SET.subject_index)]
            (folder / "subjects.csv").write_text("\n".join(["patch,subject", *rows]) + "\n")
        side = laid(folder, tmp_path / "laid")
        assert side.people == ("P-0", "P-1", "P-2")
        assert side.places[9] == "images.npy[9]"
    assert side.counts() == [8, 8, 8]
    np.testing.assert_array_equal(side.patches.subject_index, SET.subject_index)
    plain = pixels(laid(arrays(tmp_path / "plain", SET), tmp_path / "plain laid"))
    np.testing.assert_allclose(pixels(side)[0], plain[0], atol=0.002)
    np.testing.assert_array_equal(pixels(side)[1], plain[1])


@pytest.mark.parametrize("make", [nnunet, bids, manifest])
def test_every_layout_of_scans_gives_the_same_patches(make, tmp_path: Path) -> None:
    held = look(make(tmp_path / "set", 2))
    assert held.layout == make.__name__
    assert len(set(held.people())) == 2
    how = Cutting(3, normalise="patch-minmax")
    found, expected = (
        next(cut(each, (8, 8, 6), how, tmp_path / f"cut {i}", alike=True)).images
        for i, each in enumerate([held, look(nnunet(tmp_path / "other", 2))])
    )
    np.testing.assert_array_equal(found, expected)


def test_whole_volumes_are_cut_as_a_benchmark_cuts_them(tmp_path: Path) -> None:
    held = look(nnunet(tmp_path / "scans", 2))
    made = look(arrays(tmp_path / "made", patients(1, 4, seed=0, size=(8, 8, 6))))
    size = common_size(made, [held, held], None)
    assert size == (8, 8, 6)
    assert (is_cut(held, size), is_cut(made, size)) == (True, False)
    chunks = list(cut(held, size, Cutting(5), tmp_path / "cut"))
    assert [chunk.images.shape for chunk in chunks] == [(10, 8, 8, 6)]
    assert chunks[0].people == ["case0"] * 5 + ["case1"] * 5
    assert chunks[0].places[0].startswith("case0 at ")
    assert all(chunk.labels is not None and chunk.labels.any() for chunk in chunks)


def test_the_size_is_that_of_the_patches_or_what_fits_whole_volumes(tmp_path: Path) -> None:
    whole = look(nnunet(tmp_path / "scans", 2))  # 20 × 18 × 12
    small = look(scans(tmp_path / "small", patients(2, 2, seed=0, size=(8, 8, 8)), 4))
    flat = look(scans(tmp_path / "flat", patients(2, 1, seed=0, size=(40, 48)), 2))
    assert common_size(whole, [whole, whole], None) == (16, 16, 8)
    assert common_size(small, [whole, whole], None) == (8, 8, 8)
    assert common_size(small, [whole, whole], (4, 4, 4)) == (4, 4, 4)
    assert common_size(flat, [flat, flat], None) == (32, 32)
    eight, twelve = (
        look(arrays(tmp_path / str(n), patients(1, 2, seed=0, size=(n, n)))) for n in (8, 12)
    )
    with pytest.raises(DataError, match=r"differ in size: .*8 × 8, .*12 × 12"):
        common_size(eight, [twelve, twelve], None)


def test_patches_of_one_grey_value_are_left_out_and_numbers_stay(tmp_path: Path) -> None:
    def blank(images):
        images = images.copy()
        images[3] = 7
        return images

    side = laid(arrays(tmp_path / "set", SET, change=blank), tmp_path / "laid")
    assert side.left_out == 1
    assert side.rows[2:5] == (2, 4, 5)
    assert side.places[3] == "images.npy[4]"
