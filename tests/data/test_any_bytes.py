"""Whatever bytes a volume's file has: it is read, or refused in one line; never anything else."""

import gzip
import os
import random
import shutil
import struct
import subprocess
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from command_line import vbench
from datasets import AFFINE, save
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from searching import examples

from vbench.data.label_values import whole_numbers
from vbench.data.nifti import Image, read_image
from vbench.data.subject_files import check_same_grid
from vbench.errors import DataError

QUICK = settings(
    max_examples=examples(150),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
SHAPE = (6, 5, 4)


def volume(path: Path, kind: type = np.uint8) -> bytes:
    label = np.zeros(SHAPE, dtype=kind)
    label[2:4, 2, 1:3] = 1
    save(path, label)
    return path.read_bytes()


def outcome(path: Path, *, integer: bool) -> str | Image:
    """Return what was read, or the one line that refuses it."""
    try:
        image = read_image(path, integer=integer)
        if integer:
            whole_numbers(image)
        check_same_grid(image, image)
    except DataError as error:
        line = str(error)
        assert line.startswith(f"{path}: ")
        assert len(line.splitlines()) == 1
        assert "; " in line
        return line
    assert image.array.ndim == 3
    assert all(np.isfinite(edge) and edge > 0 for edge in image.spacing)
    return image


#: Fields of a NIfTI-1 header that decide how a file is read: byte, layout.
FIELDS = {
    "dim": (40, "<h"), "dim1": (42, "<h"), "dim3": (46, "<h"), "dim4": (48, "<h"),
    "datatype": (70, "<h"), "pixdim0": (76, "<f"), "pixdim1": (80, "<f"), "pixdim3": (88, "<f"),
    "vox_offset": (108, "<f"), "slope": (112, "<f"), "inter": (116, "<f"), "units": (123, "<B"),
    "qform_code": (252, "<h"), "sform_code": (254, "<h"), "quatern_b": (256, "<f"),
    "quatern_c": (260, "<f"), "qoffset": (268, "<f"), "srow_x0": (280, "<f"),
    "srow_x1": (284, "<f"), "srow_x3": (292, "<f"), "srow_y1": (300, "<f"), "magic": (344, "<I"),
}  # fmt: skip


def values(layout: str) -> st.SearchStrategy[float]:
    if layout == "<f":
        usual = st.sampled_from([0.0, -1.0, 1.0, 0.5, 352.0, 1e-38, 3e38])
        return usual | st.floats(width=32, allow_nan=True, allow_infinity=True)
    low, high = {"<h": (-(2**15), 2**15 - 1), "<B": (0, 255), "<I": (0, 2**32 - 1)}[layout]
    return st.integers(0, 10) | st.integers(low, high)


@QUICK
@given(data=st.data())
def test_any_header_is_read_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    raw = bytearray(volume(tmp_path / "a.nii", data.draw(st.sampled_from([np.uint8, np.int16]))))
    for name in data.draw(st.lists(st.sampled_from(sorted(FIELDS)), min_size=1, max_size=4)):
        offset, layout = FIELDS[name]
        struct.pack_into(layout, raw, offset, data.draw(values(layout), label=name))
    (tmp_path / "a.nii").write_bytes(raw)
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(bytes(raw), 1))
    plain = outcome(tmp_path / "a.nii", integer=True)
    packed = outcome(tmp_path / "a.nii.gz", integer=True)
    assert isinstance(plain, str) == isinstance(packed, str)
    if isinstance(plain, Image) and isinstance(packed, Image):
        np.testing.assert_array_equal(plain.array, packed.array)
    outcome(tmp_path / "a.nii", integer=False)


@QUICK
@given(data=st.binary(max_size=700))
def test_any_bytes_are_refused(tmp_path: Path, data: bytes) -> None:
    for name, content in (("a.nii", data), ("a.nii.gz", data), ("b.nii.gz", gzip.compress(data))):
        (tmp_path / name).write_bytes(content)
        assert isinstance(outcome(tmp_path / name, integer=False), str)


def mutated(raw: bytes, rng: random.Random) -> bytes:
    changed = bytearray(raw)
    how = rng.randrange(4)
    if how == 0:
        del changed[rng.randrange(len(changed)) :]
    elif how == 1:
        at = rng.randrange(len(changed))
        changed[at:at] = rng.randbytes(rng.randrange(1, 20))
    else:
        for _ in range(rng.randrange(1, 4)):
            changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


@pytest.mark.skipif(shutil.which("gzip") is None, reason="needs gzip")
def test_what_gzip_refuses_is_refused(tmp_path: Path) -> None:
    rng = random.Random(0)
    path = tmp_path / "a.nii.gz"
    raw = volume(path)
    two = gzip.compress(gzip.decompress(raw)[:400]) + gzip.compress(gzip.decompress(raw)[400:])
    cases = [raw, two, raw + bytes(600), raw + b"x", raw + gzip.compress(b""), raw[:-5]]
    cases += [mutated(raw, rng) for _ in range(200)]
    read = 0
    for case in cases:
        path.write_bytes(case)
        sound = subprocess.run(["gzip", "-tq", path], check=False).returncode == 0
        found = outcome(path, integer=True)
        assert sound or isinstance(found, str)
        read += isinstance(found, Image)
    # The first, the second, the third and the fifth hold all that the header says.
    assert read >= 4


def test_mutated_files_end_in_a_line_for_every_command(tmp_path: Path) -> None:
    rng = random.Random(1)
    folder = tmp_path / "d"
    good = folder / "labelsTr" / "a.nii.gz"
    volume(good)
    save(folder / "imagesTr" / "a_0000.nii.gz", rng_image())
    plain = tmp_path / "a.nii"
    kinds = [(plain, volume(plain)), (good, good.read_bytes())]
    for path, raw in kinds * 30:
        path.write_bytes(mutated(raw, rng))
        scored = vbench("score", "--pred", path, "--truth", path, "--metric", "dsc")
        checked = vbench("data", "check", folder)
        for answer in (scored, checked):
            assert answer.code in (0, 2)
            assert "Traceback" not in answer.err
        if scored.code == 2:
            assert len(scored.err.splitlines()) == 1
            assert path == plain or checked.code == 2
        path.write_bytes(raw)


def test_any_numbers_end_in_a_line_for_every_command(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    folder = tmp_path / "d"
    label = folder / "labelsTr" / "a.nii.gz"
    image = folder / "imagesTr" / "a_0000.nii.gz"
    for number in range(24):
        kind = np.dtype(["<f4", "<f8", "<i8", "<u8"][number % 4])
        volume(label)
        save(image, rng_image())
        random_bits = rng.bytes(120 * kind.itemsize)
        array = np.frombuffer(random_bits, kind).reshape(SHAPE)
        spoiled = nib.Nifti1Image(array, AFFINE, dtype=kind)
        nib.save(spoiled, image if number % 8 < 4 else label)
        checked = vbench("data", "check", folder)
        scored = vbench("score", "--pred", label, "--truth", label, "--metric", "dsc")
        assert {checked.code, scored.code} <= {0, 2}
        assert len((checked.err + scored.err).splitlines()) <= 1


def test_a_volume_beyond_the_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Free:
        available = 2**30

    monkeypatch.setattr("psutil.virtual_memory", Free)
    raw = bytearray(volume(tmp_path / "a.nii"))
    struct.pack_into("<3h", raw, 42, 1100, 1000, 1000)
    with (tmp_path / "b.nii").open("wb") as file:
        file.write(raw)
        file.truncate(352 + 1_100_000_000)
    found = outcome(tmp_path / "b.nii", integer=True)
    assert isinstance(found, str)
    assert "(1100, 1000, 1000) voxels need 2.0 GB of memory, 1.0 GB are free" in found


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_what_is_no_regular_file_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.nii.gz")
    (tmp_path / "b.nii.gz").mkdir()
    assert "not a regular file" in str(outcome(tmp_path / "a.nii.gz", integer=True))
    assert "a folder" in str(outcome(tmp_path / "b.nii.gz", integer=True))


def rng_image() -> np.ndarray:
    return np.random.default_rng(0).normal(100, 9, SHAPE).astype(np.float32)


def test_what_a_file_claims_takes_no_memory(tmp_path: Path) -> None:
    import tracemalloc

    raw = bytearray(volume(tmp_path / "a.nii"))
    struct.pack_into("<3h", raw, 42, 30000, 30000, 30000)
    (tmp_path / "b.nii.gz").write_bytes(gzip.compress(bytes(raw)))
    small = volume(tmp_path / "a.nii")
    (tmp_path / "c.nii.gz").write_bytes(gzip.compress(small + bytes(200_000_000), 9))
    tracemalloc.start()
    claims = outcome(tmp_path / "b.nii.gz", integer=True)
    bomb = outcome(tmp_path / "c.nii.gz", integer=True)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(claims, str)
    assert "30000×30000×30000" in claims
    assert isinstance(bomb, str)
    assert "it holds more" in bomb
    assert most < 20e6


def test_the_other_way_round_what_nibabel_reads_is_read_alike(tmp_path: Path) -> None:
    for kind in ("u1", "i1", "i2", "u2", "i4", "u4", "f4", "f8"):
        for slope, inter in ((1, 0), (0.5, -3)):
            array = np.arange(120).reshape(SHAPE).astype(kind)
            image = nib.Nifti1Image(array, np.diag([1, 2, 3, 1]))
            image.header.set_slope_inter(slope, inter)
            nib.save(image, tmp_path / "a.nii.gz")
            expected = np.asarray(nib.load(tmp_path / "a.nii.gz").dataobj, dtype=np.float32)
            np.testing.assert_array_equal(read_image(tmp_path / "a.nii.gz").array, expected)
