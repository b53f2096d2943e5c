"""TorchIO issue 1300: the image is stored as LAS, its label as LPS."""

from pathlib import Path

import nibabel as nib
import numpy as np
from datasets import AFFINE, nnunet
from vbench_plugins.sources.nnunet import NnUNet

from vbench.data.check import check_source


def test_an_image_and_a_label_in_other_orientations_are_one(tmp_path: Path) -> None:
    folder = nnunet(tmp_path, n=2)
    before = NnUNet(NnUNet.Params(path=folder)).load("case0")
    for place, codes in (("imagesTr/case0_0000", "LAS"), ("labelsTr/case0", "LPS")):
        image = nib.load(folder / f"{place}.nii.gz")
        ornt = nib.orientations.axcodes2ornt(codes)
        there = nib.orientations.ornt_transform(nib.io_orientation(AFFINE), ornt)
        nib.save(image.as_reoriented(there), folder / f"{place}.nii.gz")
    source = NnUNet(NnUNet.Params(path=folder))
    np.testing.assert_array_equal(source.load("case0").image, before.image)
    np.testing.assert_array_equal(source.load("case0").label, before.label)
    assert not [found for found in check_source(source) if not isinstance(found, str)]
