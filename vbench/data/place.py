"""Where a volume lies: the affine of its header, checked against the rest of the header.

A header may say it three times: sform, qform and pixdim. The sform is read, or else the qform; what
contradicts it is refused, since other readers take the other one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vbench.errors import DataError
from vbench.types import Array

#: Two grids of one shape are the same when no corner of theirs is further apart than this, in
#: voxels.
SAME_GRID = 0.5
#: By how much of its length an edge of a voxel may differ between affine and pixdim.
SAME_EDGE = 0.01
#: Cosine of the angle between two axes up to which lengths are right to one per cent.
MOST_SHEAR = 0.02
#: Edges of a voxel in mm that occur: light microscopy to thick projections.
PLAUSIBLE = (1e-5, 200.0)
#: A turn by a fifth of a degree. Axes at 45°, which occur, would be named by the last digit of a
#: number, image and label differently; with this turn only axes at no usual angle are.
_TURN = np.array(
    [
        [0.9999951, -0.0027860, 0.0014010],
        [0.0027874, 0.9999956, -0.0009846],
        [-0.0013983, 0.0009885, 0.9999985],
    ]
)
_RESAMPLE = (
    "resample it to right angles, such as with nibabel.processing.resample_to_output (order=0 for "
    "a label)"
)


def affine_of(path: Path, header: Any, shape: Sequence[int]) -> Array:
    """Return voxel to world in the file's own unit.

    Args:
        path: For messages.
        header: nibabel's header, as it stands in the file.
        shape: Of the voxels, three axes.

    Raises:
        DataError: When the header contradicts itself, or says nothing that can be used.
    """
    header = header.copy()
    flat = int(header["dim"][0]) == 2
    edges = [float(edge) for edge in header["pixdim"][1 : 3 if flat else 4]]
    if not all(np.isfinite(edge) and edge > 0 for edge in edges):
        raise DataError(
            f"{path}: voxel spacing {edges} (pixdim), expected positive numbers; correct the header"
        )
    # NIfTI: what is not negative stands for 1; a slice in two axes has any thickness.
    header["pixdim"][0] = -1 if header["pixdim"][0] < 0 else 1
    if flat:
        header["pixdim"][3] = 1
    forms = {
        name: _form(path, header, name) for name in ("sform", "qform") if _code(path, header, name)
    }
    affine: Array = next(iter(forms.values())) if forms else header.get_base_affine()
    if shape[2] == 1 and not np.any(affine[:3, 2]):
        across = np.cross(affine[:3, 0], affine[:3, 1])
        affine[:3, 2] = across / max(float(np.linalg.norm(across)), 1e-30)
    orientation(path, affine)
    _check_edges(path, affine, edges, shape)
    _check_angles(path, affine, shape)
    if len(forms) == 2:
        _check_forms(path, forms["sform"], forms["qform"], shape)
    return affine


def orientation(path: Path, affine: Array) -> Array:
    """Return nibabel's orientation of an affine.

    Raises:
        DataError: When the affine has no three independent axes.
    """
    from nibabel.orientations import io_orientation

    with np.errstate(all="ignore"):
        edges = np.linalg.norm(affine[:3, :3], axis=0)
        usable = bool(np.all(np.isfinite(affine)) and np.all((edges > 1e-30) & (edges < 1e30)))
    if usable and abs(np.linalg.det(affine[:3, :3] / edges)) > 1e-3:
        turned = np.eye(4)
        turned[:3, :3] = _TURN @ affine[:3, :3]
        return np.asarray(io_orientation(turned))
    raise DataError(
        f"{path}: the affine {affine[:3].tolist()} has no three independent axes; "
        "correct the sform or qform of the header"
    )


def check_plausible(path: Path, spacing: Sequence[float]) -> None:
    """Raise DataError when the voxel size in mm shows that the unit must be wrong."""
    if not all(PLAUSIBLE[0] <= edge <= PLAUSIBLE[1] for edge in spacing):
        shown = [float(f"{edge:.3g}") for edge in spacing]
        raise DataError(f"{path}: voxels of {shown} mm; correct spacing or unit (xyzt_units)")


def corner_distance(a: Array, b: Array, shape: Sequence[int]) -> float:
    """Return the largest distance between corners of two grids of one shape, in voxels of b."""
    ends = np.array(np.meshgrid(*[(0, n - 1) for n in shape])).reshape(3, -1)
    corners = np.vstack([ends, np.ones(ends.shape[1])])
    moved = np.linalg.inv(b) @ a @ corners
    return float(np.abs(moved - corners).max())


def _code(path: Path, header: Any, form: str) -> int:
    code = int(header[f"{form}_code"])
    if not 0 <= code <= 5:
        raise DataError(f"{path}: {form}_code is {code}, expected 0 to 5; correct the header")
    return code


def _form(path: Path, header: Any, form: str) -> Array:
    if form == "sform":
        return np.asarray(header.get_sform(), dtype=np.float64)
    numbers = [float(header[f"quatern_{axis}"]) for axis in "bcd"]
    # float32 makes some rotations longer than 1 by a rounding; nifti_clib takes them, too.
    header.quaternion_threshold = -1e-4
    # nibabel's own refusals: of NaN, and of a quaternion that is no rotation.
    try:
        if not np.all(np.isfinite(numbers)):
            raise ValueError
        return np.asarray(header.get_qform(), dtype=np.float64)
    except ValueError as error:
        raise DataError(
            f"{path}: the quaternion {numbers} of the qform is no rotation; correct the header, or "
            "set qform_code to 0 if the sform is right"
        ) from error


def _check_edges(path: Path, affine: Array, edges: Sequence[float], shape: Sequence[int]) -> None:
    found = np.linalg.norm(affine[:3, :3], axis=0)[: len(edges)]
    # A single slice has no distance to a next one that could be wrong.
    several = np.array(shape[: len(edges)]) > 1
    if not np.allclose(found[several], np.array(edges)[several], rtol=SAME_EDGE, atol=0):
        raise DataError(
            f"{path}: the affine says voxels of {np.round(found, 4).tolist()}, pixdim says "
            f"{np.round(edges, 4).tolist()}; correct the one that is wrong: readers differ in "
            "which they use"
        )


def _check_angles(path: Path, affine: Array, shape: Sequence[int]) -> None:
    axes = (affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0))[:, np.array(shape) > 1]
    cosines = np.abs(axes.T @ axes - np.eye(axes.shape[1]))
    worst = float(cosines.max(initial=0))
    if worst > MOST_SHEAR:
        raise DataError(
            f"{path}: sheared: two of its axes meet at {np.degrees(np.arccos(worst)):.0f}°, "
            f"expected 90°, and lengths in mm would be wrong; {_RESAMPLE}"
        )


def _check_forms(path: Path, sform: Array, qform: Array, shape: Sequence[int]) -> None:
    apart = corner_distance(qform, sform, shape)
    if apart > SAME_GRID:
        mirrored = np.linalg.det(sform[:3, :3]) * np.linalg.det(qform[:3, :3]) < 0
        raise DataError(
            f"{path}: qform and sform differ by up to {apart:.3g} voxels"
            f"{' and are mirrored' if mirrored else ''} (the sform would be read); keep the right "
            "one, with 'fslorient -copysform2qform' or '-copyqform2sform': readers differ in which "
            "they use"
        )
