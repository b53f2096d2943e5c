"""Files that are faulty in one way each: every command refuses each of them in the same words."""

import gzip
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from command_line import Answer, vbench
from datasets import AFFINE, nnunet, save, scene

SPEC = """
[benchmark]
name = "verdicts"
[data.source]
plugin = "nnunet"
path = "data"
split = {train = 2, val = 1, test = 1}
[patches]
size = [8, 8, 8]
per_subject = 4
[segmenter]
plugin = "unet3d"
params = {steps = 2}
[tune]
trials = 1
"""
LABEL = "data/labelsTr/case0.nii.gz"
Change = Callable[[bytearray], bytes | bytearray | None]


def put(offset: int, layout: str, *values: float) -> Change:
    """Write values into the header, in the layout of :mod:`struct`."""

    def change(raw: bytearray) -> None:
        struct.pack_into("<" + layout, raw, offset, *values)

    return change


def put_affine(affine: np.ndarray, code: int = 1) -> Change:
    def change(raw: bytearray) -> None:
        struct.pack_into("<h", raw, 254, code)
        struct.pack_into("<12f", raw, 280, *affine[:3].ravel())

    return change


def moved(**changes: float) -> np.ndarray:
    affine = AFFINE.copy()
    for key, value in changes.items():
        affine[int(key[1]), int(key[2])] = value
    return affine


def sform_alone(affine: np.ndarray) -> Change:
    def change(raw: bytearray) -> None:
        put_affine(affine)(raw)
        struct.pack_into("<h", raw, 252, 0)
        struct.pack_into("<3f", raw, 80, *np.linalg.norm(affine[:3, :3], axis=0))

    return change


SHEARED = np.array([[1, np.tan(np.radians(20)), 0, 0], *np.eye(4)[1:]]) @ AFFINE
TURNED = np.array([[0, -0.6, 0, 0], [0.5, 0, 0, 0], [0, 0, 0.8, 0], [0, 0, 0, 1.0]])

#: What is done to the unpacked bytes, and what is said.
HEADERS: dict[str, tuple[Change, str]] = {
    "no-axes": (put(40, "h", 0), "dim[0]"),
    "nine-axes": (put(40, "h", 9), "dim[0]"),
    "negative-axes": (put(40, "h", -3), "dim[0]"),
    "one-axis": (put(40, "h", 1), "three axes"),
    "an-edge-of-0": (put(42, "h", 0), "three axes"),
    "an-edge-below-0": (put(44, "h", -18), "three axes"),
    "a-million-an-axis": (put(42, "3h", 32767, 32767, 32767), "its header says"),
    "a-series": (put(40, "5h", 4, 20, 18, 12, 2), "one volume"),
    "binary": (put(70, "2h", 1, 1), "(binary)"),
    "complex": (put(70, "2h", 32, 64), "(complex64)"),
    "colours": (put(70, "2h", 128, 24), "(RGB24)"),
    "float128": (put(70, "2h", 1536, 128), "(float128)"),
    "type-0": (put(70, "2h", 0, 0), "(unknown)"),
    "type-of-nobody": (put(70, "h", 9999), "(not of NIfTI)"),
    "another-type": (put(70, "2h", 4, 16), "its header says"),
    "a-smaller-type": (put(42, "h", 10), "its header says"),
    "spacing-0": (put(80, "f", 0), "(pixdim)"),
    "spacing-negative": (put(84, "f", -0.6), "(pixdim)"),
    "spacing-nan": (put(88, "f", float("nan")), "(pixdim)"),
    "spacing-infinite": (put(88, "f", float("inf")), "(pixdim)"),
    "spacing-another": (put(80, "f", 0.7), "pixdim says"),
    "voxels-later": (put(108, "f", 368), "its header says"),
    "voxels-in-the-header": (put(108, "f", 300), "(vox_offset)"),
    "voxels-at-nan": (put(108, "f", float("nan")), "(vox_offset)"),
    "voxels-at-a-half": (put(108, "f", 352.5), "(vox_offset)"),
    "voxels-far-away": (put(108, "f", 1e30), "(vox_offset)"),
    "slope-infinite": (put(112, "2f", float("inf"), 0), "(scl_slope, scl_inter)"),
    "intercept-nan": (put(112, "2f", 2, float("nan")), "(scl_slope, scl_inter)"),
    "unit-4": (put(123, "B", 4), "(xyzt_units)"),
    "unit-7-and-time": (put(123, "B", 7 + 56), "(xyzt_units)"),
    "metres": (put(123, "B", 1), "(xyzt_units)"),
    "qform-code": (put(252, "h", 200), "qform_code is 200"),
    "sform-code": (put(254, "h", -1), "sform_code is -1"),
    "no-rotation": (put(256, "3f", 2, 2, 2), "is no rotation"),
    "quaternion-nan": (put(256, "f", float("nan")), "is no rotation"),
    "sform-nan": (put(280, "f", float("nan")), "independent axes"),
    "sform-zero": (put_affine(np.zeros((4, 4))), "independent axes"),
    "sform-huge": (put_affine(AFFINE * 1e37), "independent axes"),
    "sform-scaled": (put_affine(AFFINE * 1.05), "pixdim says"),
    "sform-moved": (put_affine(moved(a03=3)), "qform and sform differ"),
    "sform-mirrored": (put_affine(moved(a00=-0.5)), "and are mirrored"),
    "sform-turned": (put_affine(TURNED), "qform and sform differ"),
    "sheared": (sform_alone(SHEARED), "meet at 70°"),
    "analyze": (put(344, "4s", b"\0\0\0\0"), "ANALYZE"),
    "half-a-pair": (put(344, "4s", b"ni1\0"), "nib-convert"),
    "longer": (lambda raw: raw + b"\0", "it holds more"),
    "shorter": (lambda raw: raw[:-1], "its header says"),
    "packed-twice": (lambda raw: gzip.compress(raw), "compressed twice"),
    "nothing": (lambda raw: b"", "is damaged or cut short"),
    "zeros": (lambda raw: bytes(len(raw)), "begins with zeros"),
}

PACKED: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "checksum": (lambda b: b[:-8] + bytes([b[-8] ^ 1]) + b[-7:], "incorrect data check"),
    "length": (lambda b: b[:-4] + bytes([b[-4] ^ 1]) + b[-3:], "incorrect length check"),
    "cut-in-the-trailer": (lambda b: b[:-3], "ends too early"),
    "no-trailer": (lambda b: b[:-8], "ends too early"),
    "cut-in-the-middle": (lambda b: b[: len(b) // 2], "damaged or cut short"),
    "something-behind": (lambda b: b + b"<html>", "something else follows"),
    "a-broken-member-behind": (lambda b: b + gzip.compress(b"x")[:-2], "it holds more"),
    "not-packed": (gzip.decompress, "rename it to .nii"),
    "empty": (lambda b: b"", "0 bytes"),
    "zip": (lambda b: b"PK\x03\x04" + b, "a zip archive"),
    "html": (lambda b: b"\n<!DOCTYPE html><html>Log in</html>", "an HTML page"),
    "xml": (lambda b: b"<?xml version='1.0'?><Error>AccessDenied</Error>", "an XML document"),
    "json": (lambda b: b'{"message": "Not Found"}', "JSON text"),
    "utf-16-page": (lambda b: "<html>Log in</html>".encode("utf-16"), "an HTML page"),
    "annex": (lambda b: b"/annex/objects/SHA256E-s1--0.nii.gz\n", "datalad get"),
    "annex-of-windows": (lambda b: b"../.git/annex/objects/x/y.nii.gz", "datalad get"),
    "lfs": (lambda b: b"version https://git-lfs.github.com/spec/v1\noid", "git lfs pull"),
    "dicom": (lambda b: bytes(128) + b"DICM" + bytes(99), "dcm2niix"),
    "dicom-packed": (lambda b: gzip.compress(bytes(128) + b"DICM" + bytes(999)), "dcm2niix"),
    "mgh": (lambda b: gzip.compress(struct.pack(">7i", 1, 2, 3, 4, 1, 0, 0) * 50), "mri_convert"),
    "nrrd": (lambda b: b"NRRD0004\ntype: short\n", "an NRRD file"),
    "tar": (lambda b: gzip.compress(b"x" * 257 + b"ustar" + bytes(250)), "a tar archive"),
    "7z": (lambda b: b"7z\xbc\xaf\x27\x1c" + b, "a 7z archive"),
    "zstd": (lambda b: b"\x28\xb5\x2f\xfd" + b, "compressed by zstd"),
    "bzip2": (lambda b: b"BZh91AY" + b, "compressed by bzip2"),
    "png": (lambda b: b"\x89PNG\r\n\x1a\n" + b, "a PNG picture"),
    "text": (lambda b: b"see the other disk", "text ('see the other disk')"),
    "bomb": (
        lambda b: gzip.compress(gzip.decompress(b) + bytes(50_000_000), 9),
        "it holds more",
    ),
}
#: What is done to the voxels of the label.
VOXELS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], str]] = {
    "negative": (lambda a: a.astype("i2") - 1, "negative values"),
    "fractions": (lambda a: a * np.float32(0.5), "not whole numbers"),
    "nan": (lambda a: np.where(a, np.nan, 0.0), "not whole numbers"),
    "above-2-to-the-63": (lambda a: a.astype("u8") * np.uint64(2**63), "below 2**63"),
    "beyond-float32": (lambda a: a * np.float32(2**30), "write it as integers"),
}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("verdicts")
    nnunet(folder / "data", n=4)
    (folder / "spec.toml").write_text(SPEC)
    shutil.copytree(folder / "data" / "labelsTr", folder / "predicted")
    return folder


def said(answer: Answer, path: Path) -> str:
    """Return the one line that an answer has on a file, from its name on."""
    assert answer.code == 2
    lines = [line for line in (answer.out + answer.err).splitlines() if f"{path}: " in line]
    assert len(lines) == 1, lines
    return lines[0].partition(f"{path}: ")[2]


def verdict(folder: Path) -> str:
    """Return what all commands say of the label of case0."""
    path = folder / LABEL
    other = folder / "predicted" / "case0.nii.gz"
    lines = {
        said(vbench("score", "--pred", other, "--truth", path), path),
        said(vbench("score", "--pred", path, "--truth", other), path),
        said(vbench("data", "check", folder / "data"), path),
        said(vbench("validate", folder / "spec.toml"), path),
    }
    assert len(lines) == 1, lines
    (line,) = lines
    assert "; " in line
    return line


@pytest.fixture
def label(sound: Path):  # type: ignore[no-untyped-def]
    path = sound / LABEL
    before = path.read_bytes()
    yield path
    path.unlink()
    path.write_bytes(before)


@pytest.mark.parametrize("name", HEADERS)
def test_a_wrong_header_is_refused_by_all_in_the_same_words(
    sound: Path, label: Path, name: str
) -> None:
    change, message = HEADERS[name]
    raw = bytearray(gzip.decompress(label.read_bytes()))
    changed = change(raw)
    label.write_bytes(gzip.compress(bytes(raw if changed is None else changed)))
    assert message in verdict(sound)


@pytest.mark.parametrize("name", PACKED)
def test_what_is_no_whole_volume_is_refused_by_all_in_the_same_words(
    sound: Path, label: Path, name: str
) -> None:
    change, message = PACKED[name]
    label.write_bytes(change(label.read_bytes()))
    assert message in verdict(sound)


@pytest.mark.parametrize("name", VOXELS)
def test_what_is_no_label_is_refused_by_all_in_the_same_words(
    sound: Path, label: Path, name: str
) -> None:
    change, message = VOXELS[name]
    array = change(np.asarray(nib.load(label).dataobj))
    image = nib.Nifti1Image(array, AFFINE, dtype=array.dtype)
    image.header.set_xyzt_units("mm")
    nib.save(image, label)
    assert message in verdict(sound)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("../../.git/annex/objects/0/1/SHA256E-s9--0.nii.gz", "datalad get"),
        ("gone.nii.gz", "a broken link to gone.nii.gz"),
        ("case0.nii.gz", "a broken link to case0.nii.gz"),
    ],
)
def test_a_link_to_nothing_is_refused_by_all_in_the_same_words(
    sound: Path, label: Path, target: str, message: str
) -> None:
    label.unlink()
    label.symlink_to(target)
    assert message in verdict(sound)


@pytest.mark.parametrize("name", ["checksum", "html"])
def test_a_run_says_the_same_before_any_training(sound: Path, label: Path, name: str) -> None:
    label.write_bytes(PACKED[name][0](label.read_bytes()))
    answer = vbench("run", sound / "spec.toml", "--out", sound / f"out-{name}", "--workers", 1)
    assert answer.code == 2
    assert f"vbench: data.source: {label}: {verdict(sound)}\n" in answer.err
    assert "fit-segmenter" not in answer.err


def test_a_sound_data_set_is_sound_for_all(sound: Path) -> None:
    assert vbench("validate", sound / "spec.toml").code == 0
    assert vbench("data", "check", sound / "data").code == 0
    pred, truth = sound / "predicted", sound / "data" / "labelsTr"
    assert vbench("score", "--pred", pred, "--truth", truth, "--metric", "dsc").code == 0


@pytest.mark.parametrize("kind", ["<", ">"])
@pytest.mark.parametrize("version", [1, 2])
def test_either_order_and_version_is_read(tmp_path: Path, kind: str, version: int) -> None:
    form = nib.Nifti1Image if version == 1 else nib.Nifti2Image
    label = scene()[1].astype(np.uint16)
    header = form.header_class(endianness=kind)
    header.set_data_dtype(np.dtype(np.uint16))
    nib.save(form(label, AFFINE, header), tmp_path / "a.nii.gz")
    save(tmp_path / "b.nii.gz", label)
    pair = ["--pred", tmp_path / "a.nii.gz", "--truth", tmp_path / "b.nii.gz"]
    assert vbench("score", *pair, "--metric", "dsc").code == 0
