"""Faults made on purpose, one at a time; each must be found, on the right file, with a mend."""

import gzip
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from command_line import vbench
from datasets import AFFINE, manifest, nnunet, save, scene
from vbench_plugins.sources.manifest import Manifest
from vbench_plugins.sources.nnunet import NnUNet

from vbench.data.check import check_source, folded
from vbench.data.folder import Fault, FolderSource

IMAGE = "imagesTr/case0_0000.nii.gz"
LABEL = "labelsTr/case0.nii.gz"
MASK = "masksTr/case0.nii.gz"


def faults_of(source: FolderSource) -> list[Fault]:
    return [found for found in check_source(source) if isinstance(found, Fault)]


def nnunet_faults(folder: Path, **params: object) -> list[Fault]:
    return faults_of(NnUNet(NnUNet.Params(path=folder, **params)))


def edit_header(path: Path, offset: int, data: bytes) -> None:
    raw = bytearray(gzip.decompress(path.read_bytes()))
    raw[offset : offset + len(data)] = data
    path.write_bytes(gzip.compress(bytes(raw)))


def pixdim(*edges: float) -> Callable[[Path], None]:
    """Write pixdim[1…], which stands at byte 80 of a NIfTI-1 header."""
    return lambda path: edit_header(path, 80, np.array(edges, dtype="<f4").tobytes())


def voxels(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], None]:
    """Change the voxels and keep the place."""

    def rewrite(path: Path) -> None:
        image = nib.load(path)
        save(path, change(np.asarray(image.dataobj).copy()), image.affine)

    return rewrite


def place(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], None]:
    """Change the affine and keep the voxels."""

    def rewrite(path: Path) -> None:
        image = nib.load(path)
        save(path, np.asarray(image.dataobj), change(image.affine.copy()))

    return rewrite


def some(value: float, kind: str = "f4") -> Callable[[np.ndarray], np.ndarray]:
    def put(array: np.ndarray) -> np.ndarray:
        array = array.astype(kind)
        array[8:10, 8, 5] = value
        return array

    return put


def sform_zero(path: Path) -> None:
    image = nib.load(path)
    image.set_qform(None, code=0)
    image.header["sform_code"] = 1
    image.header["srow_x"] = image.header["srow_y"] = image.header["srow_z"] = 0
    raw = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(image.header.binaryblock + raw[348:]))


def two_forms(path: Path) -> None:
    image = nib.load(path)
    mirrored = image.affine.copy()
    mirrored[0] *= -1
    image.set_qform(mirrored, code=1)
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj), None, image.header), path)


def series(path: Path) -> None:
    array = np.asarray(nib.load(path).dataobj)
    save(path, np.stack([array, array], axis=-1))


def colours(path: Path) -> None:
    rgb = np.zeros((20, 18, 12), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    nib.save(nib.Nifti1Image(rgb, AFFINE), path)


def shear_flat(affine: np.ndarray) -> np.ndarray:
    affine[:3, 1] = affine[:3, 0]
    return affine


def shifted(affine: np.ndarray) -> np.ndarray:
    affine[:3, 3] += 2.0
    return affine


def mirrored(affine: np.ndarray) -> np.ndarray:
    affine[0, 0] *= -1
    return affine


def text(content: bytes) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(content) and None


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-400])


def flip_bytes(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    middle = len(raw) // 2
    raw[middle : middle + 40] = bytes(255 - b for b in raw[middle : middle + 40])
    path.write_bytes(bytes(raw))


def unzipped(path: Path) -> None:
    path.write_bytes(gzip.decompress(path.read_bytes()))


def as_image(path: Path) -> None:
    shutil.copy(path.parent.parent / LABEL, path)


def as_label(path: Path) -> None:
    image = np.asarray(nib.load(path.parent.parent / IMAGE).dataobj)
    save(path, np.rint(image * 10).astype(np.int16))


FILE_FAULTS: list[tuple[str, str, Callable[[Path], object], str]] = [
    ("missing-label", LABEL, Path.unlink, "no label"),
    ("missing-image", IMAGE, Path.unlink, "no image"),
    ("empty-file", IMAGE, text(b""), r"empty \(0 bytes\)"),
    ("text-file", IMAGE, text(gzip.compress(b"<html>not found</html>" * 50)), "not a NIfTI file"),
    ("lfs-pointer", IMAGE, text(b"version https://git-lfs.github.com/spec/v1\n"), "Git LFS"),
    ("cut-short", IMAGE, cut, "damaged or cut short"),
    ("corrupt", IMAGE, flip_bytes, "damaged or cut short"),
    ("cut-in-the-header", IMAGE, text(gzip.compress(b"\x5c\x01\0\0" + b"\0" * 90)), "damaged"),
    ("not-compressed", IMAGE, unzipped, "rename it to .nii"),
    ("series", IMAGE, series, r"shape \(20, 18, 12, 2\)"),
    ("colours", IMAGE, colours, "expected real numbers"),
    ("zero-spacing", IMAGE, pixdim(0.0), "expected positive numbers"),
    ("negative-spacing", IMAGE, pixdim(0.5, -0.6), "expected positive numbers"),
    ("nan-spacing", LABEL, pixdim(float("nan")), "expected positive numbers"),
    ("spacings-differ", IMAGE, pixdim(1.5), "pixdim says"),
    ("huge-voxels", IMAGE, place(lambda a: a @ np.diag([900, 900, 900, 1])), r"voxels of \["),
    ("affine-of-zeros", IMAGE, sform_zero, "three independent axes"),
    ("affine-flat", IMAGE, place(shear_flat), "three independent axes"),
    ("two-orientations", IMAGE, two_forms, "qform and sform differ"),
    ("nan", IMAGE, voxels(some(np.nan)), "2 voxels are NaN or infinite"),
    ("infinite", IMAGE, voxels(some(np.inf)), "2 voxels are NaN or infinite"),
    ("constant-image", IMAGE, voxels(np.zeros_like), "all voxels have the same value"),
    ("image-is-the-label", IMAGE, as_image, "the same voxels as its label"),
    ("label-shape", LABEL, voxels(lambda a: a[:-1]), r"shape \(19, 18, 12\)"),
    ("label-moved", LABEL, place(shifted), "4 voxels away from the image"),
    ("label-header-mirrored", LABEL, place(mirrored), "voxels away from the image"),
    ("label-mirrored", LABEL, voxels(lambda a: a[::-1]), "left and right exchanged"),
    ("label-upside-down", LABEL, voxels(lambda a: a[:, ::-1]), "front and back exchanged"),
    ("label-nan", LABEL, voxels(some(np.nan)), "not whole numbers"),
    ("label-fractional", LABEL, voxels(some(0.4)), r"not whole numbers \(such as 0.4\)"),
    (
        "label-negative",
        LABEL,
        voxels(some(-1, "i2")),
        r"values: 2 voxels, down to -1, the first at \(8, 8, 5\)",
    ),
    ("label-empty", LABEL, voxels(np.zeros_like), "no voxel above 0"),
    ("label-inverted", LABEL, voxels(lambda a: 1 - a), "is vessel"),
    ("label-is-an-image", LABEL, as_label, "expected a few classes"),
    ("label-corrupt", LABEL, flip_bytes, "damaged or cut short"),
    ("mask-empty", MASK, voxels(np.zeros_like), "the mask is empty"),
    ("mask-elsewhere", MASK, place(shifted), "voxels away from the image"),
    ("mask-shape", MASK, voxels(lambda a: a[:, 1:]), r"shape \(20, 17, 12\)"),
    ("mask-of-another", MASK, voxels(lambda a: 1 - a), "lie outside of the mask"),
]


def test_a_sound_data_set_has_no_faults(tmp_path: Path) -> None:
    assert nnunet_faults(nnunet(tmp_path)) == []


@pytest.mark.parametrize(
    ("file", "make", "message"), [f[1:] for f in FILE_FAULTS], ids=[f[0] for f in FILE_FAULTS]
)
def test_a_fault_in_a_file_is_found(
    tmp_path: Path, file: str, make: Callable[[Path], object], message: str
) -> None:
    make(nnunet(tmp_path) / file)
    found = [fault for fault in nnunet_faults(tmp_path) if fault.serious]
    assert found
    assert any(re.search(message, str(fault)) for fault in found), found
    # The other subject is sound, and each fault says where it is and what to do.
    assert all("case0" in str(fault) and fault.mend for fault in found)


def test_faults_do_not_hide_one_another(tmp_path: Path) -> None:
    folder = nnunet(tmp_path, n=4)
    cut(folder / IMAGE)
    (folder / "labelsTr" / "case1.nii.gz").unlink()
    voxels(some(np.nan))(folder / "imagesTr" / "case2_0000.nii.gz")
    voxels(np.zeros_like)(folder / "labelsTr" / "case2.nii.gz")
    named = {(fault.file.name, fault.message.split(" ")[0]) for fault in nnunet_faults(folder)}
    assert len(named) >= 4


def copy_case(folder: Path, name: str, *, image: bool = True) -> None:
    number = "0" if image else "1"
    shutil.copy(
        folder / f"imagesTr/case{number}_0000.nii.gz", folder / f"imagesTr/{name}_0000.nii.gz"
    )
    shutil.copy(folder / "labelsTr/case0.nii.gz", folder / f"labelsTr/{name}.nii.gz")
    about = json.loads((folder / "dataset.json").read_text())
    (folder / "dataset.json").write_text(
        json.dumps(about | {"numTraining": about["numTraining"] + 1})
    )


def test_one_content_under_two_names_is_found_even_when_packed_otherwise(tmp_path: Path) -> None:
    folder = nnunet(tmp_path)
    copy_case(folder, "twin")
    packed = folder / "imagesTr" / "twin_0000.nii.gz"
    packed.write_bytes(gzip.compress(gzip.decompress(packed.read_bytes()), compresslevel=1))
    messages = [str(fault) for fault in nnunet_faults(folder)]
    assert any("twin_0000.nii.gz: the same voxels as" in m and "case0_0000" in m for m in messages)


def test_a_label_of_another_subject_is_found(tmp_path: Path) -> None:
    folder = nnunet(tmp_path, n=1)
    image = np.random.default_rng(9).normal(100, 10, (20, 18, 12)).astype(np.float32)
    save(folder / "imagesTr" / "other_0000.nii.gz", image)
    shutil.copy(folder / LABEL, folder / "labelsTr" / "other.nii.gz")
    (folder / "dataset.json").unlink()
    found = [fault for fault in nnunet_faults(folder) if fault.serious]
    assert [fault.file.name for fault in found] == ["other.nii.gz"]
    assert "the same voxels as" in found[0].message


def bad_id(folder: Path) -> None:
    (folder / IMAGE).rename(folder / "imagesTr" / "case 0_0000.nii.gz")
    (folder / LABEL).rename(folder / "labelsTr" / "case 0.nii.gz")
    (folder / MASK).unlink()


def edit_json(**values: object) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        about = json.loads((folder / "dataset.json").read_text())
        (folder / "dataset.json").write_text(json.dumps(about | values))

    return edit


NNUNET_FAULTS: list[tuple[str, Callable[[Path], object], str]] = [
    ("unsafe-id", bad_id, "'case 0' cannot name a subject"),
    ("broken-json", lambda f: (f / "dataset.json").write_text("{"), "cannot be read"),
    ("list-json", lambda f: (f / "dataset.json").write_text("[]"), "not a JSON object"),
    ("count", edit_json(numTraining=7), "numTraining is 7, there are 2 pairs"),
    ("ending", edit_json(file_ending=".nrrd"), "file_ending is .nrrd"),
    ("stray-mask", lambda f: (f / MASK).rename(f / "masksTr/other.nii.gz"), "the mask of no case"),
    ("both-packings", lambda f: save(f / "labelsTr/case0.nii", scene()[1]), "two files"),
    (
        "leads-out",
        edit_json(dataset={"a": {"images": ["../x.nii.gz"], "label": "y.nii.gz"}}),
        "leads out of",
    ),
    ("table-without-label", edit_json(dataset={"a": {"images": ["x.nii.gz"]}}), "or no label"),
    (
        "nothing",
        lambda f: [shutil.rmtree(f / d) for d in ("imagesTr", "labelsTr", "masksTr")],
        "no subjects|numTraining",
    ),
]


@pytest.mark.parametrize(
    ("make", "message"), [f[1:] for f in NNUNET_FAULTS], ids=[f[0] for f in NNUNET_FAULTS]
)
def test_a_fault_in_the_layout_is_found(
    tmp_path: Path, make: Callable[[Path], object], message: str
) -> None:
    folder = nnunet(tmp_path)
    make(folder)
    found = [fault for fault in nnunet_faults(folder) if fault.serious]
    assert any(re.search(message, str(fault)) for fault in found), found


def test_asked_classes_that_no_label_has_are_a_fault(tmp_path: Path) -> None:
    found = nnunet_faults(nnunet(tmp_path), classes=[2])
    assert len(found) == 2
    assert all(r"no voxel of the classes [2], its values are [0, 1]" in f.message for f in found)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("0.nii,", "gone.nii,", "no such file"),
        ("case1,", ",", "line 3: no subject"),
        ("case1,", "case0,", "a second subject 'case0'"),
        ("case1,", "../case1,", "'../case1' cannot name a subject"),
    ],
)
def test_a_fault_in_a_manifest_is_found(tmp_path: Path, old: str, new: str, message: str) -> None:
    file = manifest(tmp_path)
    file.write_text(file.read_text().replace(old, new, 1))
    found = [str(f) for f in faults_of(Manifest(Manifest.Params(path=file))) if f.serious]
    assert any(message in line for line in found)


def test_what_is_only_worth_a_remark_is_no_fault(tmp_path: Path) -> None:
    folder = nnunet(tmp_path)
    for file in (IMAGE, LABEL, MASK):
        image = nib.load(folder / file)
        plain = nib.Nifti1Image(np.asarray(image.dataobj), None)
        plain.header.set_zooms((0.5, 0.6, 0.8))
        plain.header.set_xyzt_units("unknown")
        plain.header["sform_code"] = plain.header["qform_code"] = 0
        nib.save(plain, folder / file)
        raw = bytearray(gzip.decompress((folder / file).read_bytes()))
        raw[252:256] = b"\0\0\0\0"
        (folder / file).write_bytes(gzip.compress(bytes(raw)))
    found = nnunet_faults(folder)
    assert found
    assert not any(fault.serious for fault in found)
    assert any("how the volume lies" in fault.message for fault in found)
    assert any("no spatial unit" in fault.message for fault in found)


def test_faults_that_are_alike_are_folded_with_a_count(tmp_path: Path) -> None:
    (tmp_path / "imagesTr").mkdir()
    (tmp_path / "labelsTr").mkdir()
    for i in range(9):
        (tmp_path / "imagesTr" / f"c{i}_0000.nii.gz").write_bytes(b"")
    said = vbench("data", "check", tmp_path).out.strip().splitlines()
    assert [line.count("no label") for line in said] == [0, 1, 1, 1, 1, 0]
    assert said[4].startswith("fault: 6 more files like c0_0000.nii.gz: no label")
    assert said[5].endswith("nnunet layout, 0 subjects, 9 faults")
    found = list(check_source(NnUNet(NnUNet.Params(path=tmp_path))))
    assert len(folded(fault for fault in found if isinstance(fault, Fault))) == 5
