"""Every surface and overlap score on tubes of every width, as files give them, against other tools.

Vessels are tubes of one to eight voxels. Each tube meets itself moved, thinned, and cut short, with
arrays in Fortran order and spacings in single precision, as nibabel reads them.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import nibabel as nib
import numpy as np
import pytest
from masks import Case

import vbench
from vbench.data.nifti import read_image, write_volume

pytestmark = pytest.mark.peers

WIDTHS = range(1, 9)
SPACINGS = ((0.2, 0.2, 0.2), (0.5, 0.5, 0.7), (0.3, 0.7, 1.1))
DIRECTIONS = ((1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (0, 1, 1), (1, 1, 1), (3, -2, 1))
SHAPE = (26, 24, 22)


def tube(width: int, direction: tuple[int, ...], shift: float = 0.0) -> np.ndarray:
    """Return a square (along an axis) or round tube through the middle of the volume."""
    heading = np.array(direction, float) / np.linalg.norm(direction)
    # Between voxels for even widths, so that exactly `width` voxels lie across.
    centre = np.array(SHAPE) // 2 - (0.5 if width % 2 == 0 else 0.0) + shift
    place = np.stack(np.indices(SHAPE), -1) - centre
    across = place - (place @ heading)[..., None] * heading
    if np.count_nonzero(direction) == 1:
        return np.abs(across).max(-1) <= width / 2 - 0.25
    return (across**2).sum(-1) <= max(width / 2, 0.87) ** 2


def cases(width: int) -> Iterator[Case]:
    for number, direction in enumerate(DIRECTIONS):
        spacing = tuple(float(np.float32(s)) for s in SPACINGS[number % len(SPACINGS)])
        truth = np.asfortranarray(tube(width, direction))
        others = {
            "moved": np.roll(truth, 1, 1),
            "thinner": tube(max(1, width - 2), direction),
            "cut": truth & (np.indices(SHAPE).sum(0) < 40),
        }
        for name, prediction in others.items():
            if prediction.any():
                name = f"{name}, width {width}, direction {direction}"
                yield Case(name, np.asfortranarray(prediction), truth, spacing)


#: What the other tools have, too.
SHARED = ("dsc", "precision", "recall", "hd", "hd95", "hd95-pooled", "assd", "avd", "nsd")


def ours(case: Case) -> dict[str, float]:
    return vbench.score(case.prediction, case.truth, spacing=case.spacing, metrics=SHARED)


@pytest.mark.parametrize("width", WIDTHS)
def test_monai(width):
    metrics = pytest.importorskip("monai.metrics")
    import torch

    for case in cases(width):
        masks = [torch.from_numpy(m[None, None].copy()) for m in (case.prediction, case.truth)]
        found = ours(case)
        distances = {"spacing": case.spacing, "include_background": True}
        tolerance = vbench.registry.default().metric("nsd").Params().tolerance
        expected = {
            "hd95": metrics.compute_hausdorff_distance(*masks, percentile=95, **distances),
            "hd": metrics.compute_hausdorff_distance(*masks, **distances),
            "assd": metrics.compute_average_surface_distance(*masks, symmetric=True, **distances),
            "nsd": metrics.compute_surface_dice(*masks, class_thresholds=[tolerance], **distances),
            "dsc": metrics.compute_dice(*masks, include_background=True),
        }
        for name, value in expected.items():
            # In single precision, also where between two values its percentile lies.
            near = pytest.approx(float(value), rel=1e-4 if name == "hd95" else 1e-5, abs=1e-6)
            assert found[name] == near, f"{name} of {case.name}"


@pytest.mark.parametrize("width", WIDTHS)
def test_medpy(width):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        binary = pytest.importorskip("medpy.metric.binary")
    for case in cases(width):
        found, pair = ours(case), (case.prediction, case.truth)
        expected = {
            "hd95-pooled": binary.hd95(*pair, case.spacing),
            "hd": binary.hd(*pair, case.spacing),
            "assd": binary.assd(*pair, case.spacing),
            "dsc": binary.dc(*pair),
            "precision": binary.precision(*pair),
            "recall": binary.recall(*pair),
        }
        for name, value in expected.items():
            # The spacing that a header rounded to single precision is exact here.
            assert found[name] == pytest.approx(value, rel=1e-7, abs=1e-9), f"{name}: {case.name}"


@pytest.mark.parametrize("width", WIDTHS)
def test_simpleitk(width):
    sitk = pytest.importorskip("SimpleITK")

    def image(mask: np.ndarray, spacing: tuple[float, ...]):
        out = sitk.GetImageFromArray(np.ascontiguousarray(mask.T).astype(np.uint8))
        out.SetSpacing(spacing)
        return out

    for case in cases(width):
        images = [image(m, case.spacing) for m in (case.prediction, case.truth)]
        found = ours(case)
        overlap = sitk.LabelOverlapMeasuresImageFilter()
        overlap.Execute(*images)
        assert found["dsc"] == pytest.approx(overlap.GetDiceCoefficient(), rel=1e-9), case.name
        hausdorff = sitk.HausdorffDistanceImageFilter()
        hausdorff.Execute(*images)
        assert found["avd"] == pytest.approx(hausdorff.GetAverageHausdorffDistance(), rel=1e-5)


@pytest.mark.parametrize("width", WIDTHS)
def test_scikit_image(width):
    skimage = pytest.importorskip("skimage.metrics")
    from scipy import ndimage

    for case in cases(width):
        # It has no spacing and no notion of a border: borders are handed over, in voxels.
        borders = [mask & ~ndimage.binary_erosion(mask) for mask in (case.prediction, case.truth)]
        found = vbench.score(case.prediction, case.truth, spacing=(1, 1, 1), metrics=["hd"])
        assert found["hd"] == pytest.approx(skimage.hausdorff_distance(*borders)), case.name


@pytest.mark.parametrize("width", WIDTHS)
def test_a_file_scores_as_its_array(width, tmp_path):
    for number, case in enumerate(cases(width)):
        if number % 7:
            continue
        paths = []
        for name, mask in (("pred", case.prediction), ("truth", case.truth)):
            path = tmp_path / f"{number}-{name}.nii.gz"
            write_volume(path, mask, np.diag([*SPACINGS[number % len(SPACINGS)], 1.0]))
            paths.append(path)
        assert nib.load(paths[0]).dataobj[...].flags.f_contiguous
        spacing = read_image(paths[1]).spacing
        from_files = vbench.score(*paths)
        for spaced in (spacing, tuple(np.float32(s) for s in spacing)):
            arrays = vbench.score(case.prediction, case.truth, spacing=spaced)
            assert from_files == pytest.approx(arrays, rel=1e-6, abs=1e-9), case.name
