"""MONAI issue 6137: surface distances in mm need the spacing, and files keep it as float32.

Five voxels of 0.2 mm are within 1 mm, whether the spacing is a Python number, a float32 or the
header of a file, in any unit, with pixdim or sform.
"""

import nibabel as nib
import numpy as np
import pytest

import vbench
from vbench.data.nifti import read_image

TRUTH = np.zeros((20, 12, 12), bool)
TRUTH[3:8, 3:8, 3:8] = True
MOVED = np.roll(TRUTH, 5, 0)


def nsd(pred, truth, spacing=None):
    return vbench.score(pred, truth, spacing, ["nsd", "hd", "recall-below-1mm", "hd95-evalseg"])


@pytest.mark.parametrize("edge", [np.float32(0.2), float(np.float32(0.2))], ids=["f32", "f64"])
def test_arrays_with_a_float32_spacing(edge):
    found = nsd(MOVED, TRUTH, [edge] * 3)
    assert found == nsd(MOVED, TRUTH, [0.2] * 3)
    assert found["nsd"] == 1


@pytest.mark.parametrize(("unit", "factor"), [("mm", 1), ("micron", 1e3), ("meter", 1e-3)])
@pytest.mark.parametrize("codes", ["sform", "qform", "pixdim"])
def test_files_score_as_arrays(tmp_path, unit, factor, codes):
    for name, array in (("pred", MOVED), ("truth", TRUTH)):
        image = nib.Nifti1Image(
            np.asfortranarray(array, np.uint8), np.diag([0.2 * factor] * 3 + [1])
        )
        image.header.set_xyzt_units(unit)
        if codes != "sform":
            image.set_qform(image.affine, code=1 if codes == "qform" else 0)
            image.set_sform(None, code=0)
        nib.save(image, tmp_path / f"{name}.nii.gz")
    files = tmp_path / "pred.nii.gz", tmp_path / "truth.nii.gz"
    assert read_image(files[1]).spacing == pytest.approx((0.2,) * 3, rel=1e-12)
    found = nsd(*files)
    assert found["nsd"] == 1
    assert found == pytest.approx(nsd(MOVED, TRUTH, [0.2] * 3), rel=1e-9)


def test_a_rotated_affine_rounds_the_edges_and_changes_nothing(tmp_path):
    a = np.deg2rad(17)
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3] = turn * 0.2
    for name, array in (("pred", MOVED), ("truth", TRUTH)):
        nib.save(nib.Nifti1Image(array.astype(np.uint8), affine), tmp_path / f"{name}.nii")
    assert nsd(tmp_path / "pred.nii", tmp_path / "truth.nii")["nsd"] == 1


@pytest.mark.parametrize("edge", [0.2, 0.1, 1 / 3, 0.3, 0.47])
def test_as_monai_says(edge):
    torch, monai = pytest.importorskip("torch"), pytest.importorskip("monai.metrics")
    masks = [torch.from_numpy(m[None, None].astype(np.float32)) for m in (MOVED, TRUTH)]
    tolerance = 5 * edge * (1 + 1e-6)  # on either side of rounding, MONAI has no tolerance
    theirs = float(monai.compute_surface_dice(*masks, [tolerance], True, spacing=[edge] * 3))
    metric = vbench.registry.default().metric("nsd")
    exact = metric(metric.Params(tolerance=5 * edge))
    for spacing in (edge, np.float32(edge), float(np.float32(edge))):
        assert vbench.score(MOVED, TRUTH, [spacing] * 3, [exact])["nsd"] == pytest.approx(theirs)


def test_a_distance_beyond_the_tolerance_stays_beyond():
    assert nsd(MOVED, TRUTH, [0.2001] * 3)["nsd"] < 1
