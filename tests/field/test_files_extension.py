"""FreeSurfer issue 1337: a header extension moves the voxels, and the slices are misplaced."""

from pathlib import Path

import nibabel as nib
import numpy as np
from datasets import AFFINE, scene

import vbench


def test_voxels_behind_an_extension_are_read(tmp_path: Path) -> None:
    image = nib.Nifti1Image(scene()[1].astype(np.uint8), AFFINE)
    image.header.set_xyzt_units("mm")
    nib.save(image, tmp_path / "t.nii.gz")
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"x" * 900))
    nib.save(image, tmp_path / "p.nii.gz")
    scores = vbench.score(tmp_path / "p.nii.gz", tmp_path / "t.nii.gz", metrics=["dsc"])
    assert scores == {"dsc": 1.0}
