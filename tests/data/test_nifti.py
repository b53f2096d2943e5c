import itertools
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from datasets import AFFINE, SHAPE, save, scene, subject, volume

from vbench.data.nifti import read_image, write_like_native, write_volume
from vbench.data.place import corner_distance
from vbench.data.subject_files import read_subject
from vbench.errors import DataError

ORIENTATIONS = [
    "".join(side[i] for i, side in zip(flips, axes, strict=True))
    for axes in itertools.permutations(("LR", "PA", "IS"))
    for flips in itertools.product((0, 1), repeat=3)
]


def reoriented(image: nib.Nifti1Image, codes: str) -> nib.Nifti1Image:
    there = nib.orientations.axcodes2ornt(codes)
    return image.as_reoriented(
        nib.orientations.ornt_transform(nib.io_orientation(image.affine), there)
    )


@pytest.mark.parametrize("codes", ORIENTATIONS)
def test_any_orientation_reads_as_the_same_volume_and_is_written_back(
    tmp_path: Path, codes: str
) -> None:
    array = np.arange(4 * 3 * 2, dtype=np.int16).reshape(4, 3, 2)
    stored = reoriented(nib.Nifti1Image(array, AFFINE), codes)
    nib.save(stored, tmp_path / "a.nii")
    read = read_image(tmp_path / "a.nii")
    np.testing.assert_array_equal(read.array, array)
    np.testing.assert_allclose(read.affine, AFFINE, atol=1e-6)
    assert read.spacing == pytest.approx((0.5, 0.6, 0.8))

    prepared = volume(affine=read.affine, native_affine=read.native_affine)
    write_like_native(tmp_path / "b.nii.gz", read.array, prepared)
    back = nib.load(tmp_path / "b.nii.gz")
    np.testing.assert_array_equal(np.asarray(back.dataobj), np.asarray(stored.dataobj))
    np.testing.assert_allclose(back.affine, stored.affine, atol=1e-6)


@pytest.mark.parametrize(
    ("unit", "factor"), [("mm", 1.0), ("micron", 1e-3), ("meter", 1e3), ("unknown", 1.0)]
)
def test_spacing_is_in_mm_whatever_the_unit_of_the_file(
    tmp_path: Path, unit: str, factor: float
) -> None:
    affine = AFFINE if factor <= 1 else AFFINE @ np.diag([1e-3, 1e-3, 1e-3, 1])
    path = save(tmp_path / "a.nii", scene()[0], affine, unit=unit)
    read = read_image(path)
    edges = [factor * float(np.linalg.norm(affine[:3, i])) for i in range(3)]
    assert read.spacing == pytest.approx(edges)
    np.testing.assert_allclose(read.native_affine, affine, atol=1e-6)
    assert read.unit_given is (unit != "unknown")
    prepared = volume(native_affine=read.native_affine, unit=read.unit)
    write_like_native(tmp_path / "b.nii", read.array, prepared)
    again = read_image(tmp_path / "b.nii")
    assert again.spacing == pytest.approx(read.spacing)


@pytest.mark.parametrize("kind", ["u1", "i2", "u2", "i4", "f4", "f8", ">i2", ">f4"])
def test_any_type_of_voxel_reads_as_float32(tmp_path: Path, kind: str) -> None:
    array = np.arange(24).reshape(2, 3, 4).astype(kind)
    header = nib.Nifti1Header(endianness=">" if kind[0] == ">" else "<")
    nib.save(nib.Nifti1Image(array, AFFINE, header), tmp_path / "a.nii")
    read = read_image(tmp_path / "a.nii").array
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, array)


def test_scale_and_offset_are_applied(tmp_path: Path) -> None:
    image = nib.Nifti1Image(np.arange(8, dtype=np.int16).reshape(2, 2, 2), AFFINE)
    image.header.set_slope_inter(0.25, -3)
    nib.save(image, tmp_path / "a.nii")
    # nibabel divides by the slope on writing only when it may choose it; these bytes are ours.
    raw = bytearray((tmp_path / "a.nii").read_bytes())
    raw[112:120] = np.array([0.25, -3], dtype="<f4").tobytes()
    raw[352:368] = np.arange(8, dtype="<i2").tobytes()
    (tmp_path / "a.nii").write_bytes(raw)
    expected = np.arange(8).reshape(2, 2, 2, order="F") * 0.25 - 3
    np.testing.assert_allclose(read_image(tmp_path / "a.nii").array, expected)


@pytest.mark.parametrize("shape", [(4, 3, 2, 1), (4, 3, 2, 1, 1), (4, 3)])
def test_single_axes_are_dropped_or_added(tmp_path: Path, shape: tuple[int, ...]) -> None:
    save(tmp_path / "a.nii.gz", np.zeros(shape, dtype=np.int16))
    assert read_image(tmp_path / "a.nii.gz").array.shape == (4, 3, shape[2] if shape[2:] else 1)


def test_nifti_2_is_read(tmp_path: Path) -> None:
    nib.save(nib.Nifti2Image(np.ones((2, 2, 2), dtype=np.uint8), AFFINE), tmp_path / "a.nii")
    assert read_image(tmp_path / "a.nii").array.sum() == 8


def test_a_sheared_affine_is_kept_in_the_sform_alone(tmp_path: Path) -> None:
    sheared = AFFINE.copy()
    sheared[0, 1] = 0.3
    write_volume(tmp_path / "a.nii", np.zeros((3, 3, 3)), sheared)
    image = nib.load(tmp_path / "a.nii")
    np.testing.assert_allclose(image.affine, sheared, atol=1e-6)
    assert image.header["qform_code"] == 0


def test_a_subject_is_read_with_its_classes(tmp_path: Path) -> None:
    image, vessel, mask = scene()
    label = vessel.astype(np.uint8)
    label[10:, :, 2] *= 3
    save(tmp_path / "i.nii", image)
    save(tmp_path / "l.nii", label)
    save(tmp_path / "m.nii", mask)
    paths = tmp_path / "i.nii", tmp_path / "l.nii", tmp_path / "m.nii"
    everything = read_subject("s", *paths)
    np.testing.assert_array_equal(everything.label, vessel)
    assert everything.mask is not None
    np.testing.assert_array_equal(everything.mask, mask)
    np.testing.assert_array_equal(read_subject("s", *paths, classes=[3]).label, label == 3)
    with pytest.raises(DataError, match=r"l\.nii: no voxel of the classes \[9\]"):
        read_subject("s", *paths, classes=[9])


def test_voxels_of_unknown_size_are_written_without_a_unit(tmp_path: Path) -> None:
    write_volume(tmp_path / "a.nii", scene()[1], np.eye(4), unit="voxel")
    assert nib.load(tmp_path / "a.nii").header.get_xyzt_units()[0] == "unknown"


def test_a_label_without_a_unit_takes_the_images(tmp_path: Path) -> None:
    image, vessel, _ = scene()
    save(tmp_path / "i.nii", image, unit="micron")
    save(tmp_path / "l.nii", vessel, unit="unknown")
    read = read_subject("s", tmp_path / "i.nii", tmp_path / "l.nii")
    assert read.unit == "micron"
    assert read.spacing == pytest.approx((0.0005, 0.0006, 0.0008))


def test_a_label_in_another_orientation_is_brought_together(tmp_path: Path) -> None:
    image, vessel, _ = scene()
    save(tmp_path / "i.nii", image)
    other = reoriented(nib.Nifti1Image(vessel.astype(np.uint8), AFFINE), "PIL")
    nib.save(other, tmp_path / "l.nii")
    read = read_subject("s", tmp_path / "i.nii", tmp_path / "l.nii")
    np.testing.assert_array_equal(read.label, vessel)


def test_a_label_of_scaled_integers_is_whole(tmp_path: Path) -> None:
    image, vessel, _ = scene()
    save(tmp_path / "i.nii", image)
    save(tmp_path / "l.nii", vessel * np.float32(1.0000001))
    assert read_subject("s", tmp_path / "i.nii", tmp_path / "l.nii").label.sum() == vessel.sum()


def test_nan_outside_of_a_given_mask_does_no_harm(tmp_path: Path) -> None:
    image, vessel, mask = scene()
    image[~mask] = np.nan
    save(tmp_path / "i.nii", image)
    save(tmp_path / "l.nii", vessel)
    save(tmp_path / "m.nii", mask)
    read = read_subject("s", tmp_path / "i.nii", tmp_path / "l.nii", tmp_path / "m.nii")
    assert np.isfinite(read.image).all()
    with pytest.raises(DataError, match="NaN or infinite"):
        read_subject("s", tmp_path / "i.nii", tmp_path / "l.nii")


@pytest.mark.parametrize("what", ["label", "mask"])
def test_another_grid_is_refused_and_named(tmp_path: Path, what: str) -> None:
    image, vessel, mask = scene()
    moved = AFFINE.copy()
    moved[:3, 3] += 5
    files = {"label": vessel, "mask": mask}
    paths = {
        k: save(tmp_path / f"{k}.nii", v, moved if k == what else AFFINE) for k, v in files.items()
    }
    save(tmp_path / "i.nii", image)
    with pytest.raises(DataError, match=rf"{what}\.nii: its affine places it 10 voxels away"):
        read_subject("s", tmp_path / "i.nii", paths["label"], paths["mask"])
    save(paths[what], files[what][:-1])
    with pytest.raises(DataError, match=rf"{what}\.nii: shape \(19, 18, 12\)"):
        read_subject("s", tmp_path / "i.nii", paths["label"], paths["mask"])


def test_corner_distance_counts_voxels() -> None:
    turned = AFFINE.copy()
    turned[0, 0] *= 1.1
    assert corner_distance(AFFINE, AFFINE, SHAPE) == 0
    assert corner_distance(turned, AFFINE, SHAPE) == pytest.approx(1.9)


def test_a_written_volume_reads_back(tmp_path: Path) -> None:
    made = subject()
    write_volume(tmp_path / "a.nii.gz", made.image, made.affine)
    read = read_image(tmp_path / "a.nii.gz")
    np.testing.assert_array_equal(read.array, made.image)
    assert read.unit_given
    header = nib.load(tmp_path / "a.nii.gz").header
    assert (header["qform_code"], header["sform_code"]) == (1, 1)


@pytest.mark.parametrize("degrees", [44.9999, 45, 45.0001])
def test_axes_at_45_degrees_are_named_alike_in_image_and_label(
    tmp_path: Path, degrees: float
) -> None:
    turn = np.radians(degrees)
    affine = np.diag([0.5, 0.5, 0.8, 1])
    affine[:2, :2] = 0.5 * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    image, vessel, _ = scene()
    save(tmp_path / "i.nii", image, affine)
    rng = np.random.default_rng(0)
    for _ in range(8):
        noise = np.ones((4, 4))
        noise[:3, :3] += rng.normal(0, 1e-7, (3, 3))
        save(tmp_path / "l.nii", vessel, affine * noise)
        read = read_subject("s", tmp_path / "i.nii", tmp_path / "l.nii")
        assert read.label.sum() == vessel.sum()
        assert read.image[read.label].min() > 180
    prepared = volume(affine=read.affine, native_affine=read.native_affine)
    write_like_native(tmp_path / "b.nii", read.image, prepared)
    np.testing.assert_array_equal(np.asarray(nib.load(tmp_path / "b.nii").dataobj), image)


@pytest.mark.parametrize("value", [2**31, 2**40])
def test_large_integers_are_written_whole(tmp_path: Path, value: int) -> None:
    array = np.full((3, 3, 3), value, dtype=np.int64)
    write_volume(tmp_path / "a.nii.gz", array, AFFINE)
    np.testing.assert_array_equal(read_image(tmp_path / "a.nii.gz", integer=True).array, array)
    write_volume(tmp_path / "a.nii.gz", array // value, AFFINE)
    assert nib.load(tmp_path / "a.nii.gz").get_data_dtype() == np.int32


def test_a_slice_of_two_axes_needs_no_thickness(tmp_path: Path) -> None:
    flat = nib.Nifti1Image(np.arange(12, dtype=np.int16).reshape(4, 3), None)
    flat.set_qform(np.diag([0.5, 0.6, 1, 1]), code=1)
    flat.set_sform(np.diag([0.5, 0.6, 0, 1]), code=1)
    nib.save(flat, tmp_path / "a.nii")
    raw = bytearray((tmp_path / "a.nii").read_bytes())
    raw[88:92] = b"\0\0\0\0"
    (tmp_path / "a.nii").write_bytes(raw)
    read = read_image(tmp_path / "a.nii")
    assert read.array.shape == (4, 3, 1)
    assert read.spacing[:2] == pytest.approx((0.5, 0.6))
