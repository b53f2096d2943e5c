"""Volumes that are no NIfTI lie as what wrote them says: TIFF stacks, MetaImage and NRRD."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vbench.data.itk import read_itk
from vbench.data.stacks import read_stack, stack_shape
from vbench.errors import DataError


def stack(path: Path, array: np.ndarray) -> Path:
    """Write pages ``(pages, rows, columns)``."""
    pages = [Image.fromarray(page) for page in array]
    pages[0].save(path, save_all=True, append_images=pages[1:])
    return path


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_a_stack_lies_as_its_pages_look(tmp_path: Path, kind: type) -> None:
    array = np.random.default_rng(0).integers(0, 200, (4, 6, 9)).astype(kind)
    path = stack(tmp_path / "a.tif", array)
    read = read_stack(path, (0.2, 0.3, 0.5), integer=True)
    assert read.array.shape == stack_shape(path) == (9, 6, 4)
    assert read.array.dtype == kind
    assert read.spacing == (0.2, 0.3, 0.5)
    # x grows to the patient's right, which is shown on the left; y grows upwards.
    np.testing.assert_array_equal(read.array, array.transpose(2, 1, 0)[::-1, ::-1])
    assert np.diag(read.affine)[:3].tolist() == pytest.approx([0.2, 0.3, 0.5])


def test_a_stack_that_is_none_is_refused_in_a_line(tmp_path: Path) -> None:
    def why(name: str) -> str:
        with pytest.raises(DataError) as error:
            read_stack(tmp_path / name, (1, 1, 1))
        return str(error.value).removeprefix(f"{tmp_path}/")

    (tmp_path / "a.tif").write_text("<html>no</html>")
    assert why("a.tif").startswith("a.tif: not a TIFF stack but an HTML page; a server sent it")
    assert "no such file" in why("b.tif")
    stack(tmp_path / "c.tif", np.zeros((2, 5, 5, 3), np.uint8))
    assert why("c.tif").startswith("c.tif: page 1 is in colour (RGB), expected grey")
    pages = [Image.new("L", (5, 5)), Image.new("L", (6, 5))]
    pages[0].save(tmp_path / "d.tif", save_all=True, append_images=pages[1:])
    assert why("d.tif").startswith("d.tif: page 2 has (6, 5) pixels, the first has (5, 5)")
    stack(tmp_path / "e.tif", np.zeros((3, 50, 50), np.uint8))
    (tmp_path / "e.tif").write_bytes((tmp_path / "e.tif").read_bytes()[:4000])
    assert why("e.tif").startswith("e.tif: ")


@pytest.mark.parametrize("ending", ["mha", "nrrd"])
def test_what_itk_writes_lies_as_in_nifti(tmp_path: Path, ending: str) -> None:
    sitk = pytest.importorskip("SimpleITK")
    from vbench.data.nifti import read_image

    array = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)
    image = sitk.GetImageFromArray(array)
    image.SetSpacing((0.5, 0.6, 0.8))
    image.SetOrigin((3, -4, 5))
    image.SetDirection((0, 1, 0, -1, 0, 0, 0, 0, -1))
    for name in (f"a.{ending}", "a.nii.gz"):
        sitk.WriteImage(image, str(tmp_path / name))
    ours, nifti = read_itk(tmp_path / f"a.{ending}"), read_image(tmp_path / "a.nii.gz")
    np.testing.assert_array_equal(ours.array, nifti.array)
    np.testing.assert_allclose(ours.affine, nifti.affine, atol=1e-5)
    assert ours.spacing == pytest.approx(nifti.spacing)
    assert read_itk(tmp_path / f"a.{ending}", integer=True).array.dtype == np.int16


def test_what_itk_cannot_read_is_refused_in_a_line(tmp_path: Path) -> None:
    sitk = pytest.importorskip("SimpleITK")
    with pytest.raises(DataError, match="no such file"):
        read_itk(tmp_path / "none.mha")
    (tmp_path / "a.mha").write_text("ObjectType = Image\n")
    with pytest.raises(DataError, match=r"a\.mha: cannot be read \(.+\); copy") as error:
        read_itk(tmp_path / "a.mha")
    assert "\n" not in str(error.value)
    colour = sitk.GetImageFromArray(np.zeros((3, 4, 5, 3), np.uint8), isVector=True)
    sitk.WriteImage(colour, str(tmp_path / "b.mha"))
    with pytest.raises(DataError, match=r"b\.mha: 3 axes of 3 numbers a voxel"):
        read_itk(tmp_path / "b.mha")
