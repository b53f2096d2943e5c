"""Tiny made copies of public data sets: folders and names as they are downloaded, contents made."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from datasets import Array, save, scene


@dataclass(frozen=True)
class Made:
    """How the files of a data set are named.

    Attributes:
        image: Path of a subject's image, a template of its names.
        label: Of its label.
        mask: Of its mask; empty where there is none.
        names: What the templates are filled with, a subject each.
        subjects: What vbench calls them.
        people: Whose they are; the subjects' names where each is of another.
        beside: Files that are no image and no label of it, and would mislead a looser pattern.
    """

    image: str
    label: str
    names: Sequence[Sequence[str]]
    subjects: Sequence[str]
    mask: str = ""
    people: Sequence[str] = ()
    beside: Sequence[str] = ()

    def write(self, folder: Path) -> Path:
        """Write the copy below a folder, and return the folder."""
        for seed, names in enumerate(self.names):
            image, vessel, mask = tubes(seed) if self.label.endswith(".tre") else scene(seed)
            for template, array in (
                (self.image, image),
                (self.label, vessel),
                (self.mask, mask),
            ):
                if template:
                    write(folder / template.format(*names), array)
        image, *_ = scene(99)
        for name in self.beside:
            write(folder / name, image)
        return folder


def write(path: Path, array: Array | str) -> None:
    """Write a volume in the format that its name tells, or text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(array, str):
        path.write_text(array)
    elif path.name.endswith((".nii", ".nii.gz")):
        save(path, array)
    elif path.suffix in (".mha", ".mhd"):
        sitk = pytest.importorskip("SimpleITK")
        image = sitk.GetImageFromArray(array.T)
        image.SetSpacing((0.5, 0.6, 0.8))
        sitk.WriteImage(image, str(path))
    else:
        _write_pages(path, array)


def _write_pages(path: Path, array: Array) -> None:
    """Write a stack of pages, or one picture: the brightest of all pages."""
    grey = array * np.uint8(255) if array.dtype == bool else (array / 2).astype(np.uint8)
    if path.parts[-2] in ("denoised", "labels"):
        pages = [PIL.Image.fromarray(page) for page in np.moveaxis(grey, 2, 0)]
        pages[0].save(path, save_all=True, append_images=pages[1:])
        return
    picture = PIL.Image.fromarray(grey.max(axis=2))
    if path.suffix in (".gz", ".jpg", ".JPG") or path.name.endswith("_training.tif"):
        picture = picture.convert("RGB")
    packed = path.suffix == ".gz"
    place = path.with_suffix("") if packed else path
    picture.save(place)
    if packed:
        path.write_bytes(gzip.compress(place.read_bytes()))
        place.unlink()


def tubes(seed: int) -> tuple[Array, str, Array]:
    """Return an image with two bright tubes, and the tubes as TubeTK writes them."""
    x, y, z = np.meshgrid(*map(np.arange, (20, 18, 12)), indexing="ij")
    image = np.random.default_rng(seed).normal(100, 10, x.shape).astype(np.float32)
    places = [((4 + seed, 5, 2), (14, 5, 2)), ((6, 9, 3), (6, 9, 9))]
    text = "ObjectType = Scene\nNDims = 3\nNObjects = 2\n"
    for low, high in places:
        axis = int(np.argmax(np.subtract(high, low)))
        across = [
            edge * (c - p)
            for i, (edge, c, p) in enumerate(zip((0.5, 0.6, 0.8), (x, y, z), low, strict=True))
            if i != axis
        ]
        along = (x, y, z)[axis]
        image[(np.hypot(*across) < 1) & (along >= low[axis]) & (along <= high[axis])] += 150
        text += "ObjectType = Tube\nNDims = 3\nElementSpacing = 0.5 0.6 0.8\n"
        text += "PointDim = x y z r\nNPoints = 2\nPoints =\n"
        text += "".join(f"{a} {b} {c} 2\n" for a, b, c in (low, high))
    return image, text, np.ones(image.shape, bool)


def alike(*names: str) -> list[tuple[str]]:
    return [(name,) for name in names]


THREE = ("001", "002", "003")
MADE: dict[str, Made] = {
    "topcow-mr": Made(
        "imagesTr/topcow_mr_{}_0000.nii.gz",
        "cow_seg_labelsTr/topcow_mr_{}.nii.gz",
        alike(*THREE),
        THREE,
        beside=["imagesTr/topcow_ct_001_0000.nii.gz", "cow_seg_labelsTr/topcow_ct_001.nii.gz"],
    ),
    "topcow-ct": Made(
        "imagesTr/topcow_ct_{}_0000.nii.gz",
        "cow_seg_labelsTr/topcow_ct_{}.nii.gz",
        alike(*THREE),
        THREE,
        beside=["imagesTr/topcow_mr_001_0000.nii.gz"],
    ),
    "topbrain-mr": Made(
        "imagesTr_topbrain_mr/topcow_mr_{}_0000.nii.gz",
        "labelsTr_topbrain_mr/topcow_mr_{}.nii.gz",
        alike(*THREE),
        THREE,
    ),
    "topbrain-ct": Made(
        "imagesTr_topbrain_ct/topcow_ct_{}_0000.nii.gz",
        "labelsTr_topbrain_ct/topcow_ct_{}.nii.gz",
        alike(*THREE),
        THREE,
    ),
    "smile-uhura": Made(
        "{0}Set/{1}/{2}.nii.gz",
        "{0}Set/{1}_label/{2}.nii",
        [
            ("Training", "train", "sub004"),
            ("Training", "train", "sub005"),
            ("Validation", "validate", "sub007"),
        ],
        ("sub004", "sub005", "sub007"),
        beside=[
            "TrainingSet/train_OMELETTElabel/sub004_seg_g0.01.nii.gz",
            "ValidationSet/validate_plausiblelabel/sub007_Segmentation_0.nii.gz",
        ],
    ),
    "costa": Made(
        "images{0}/{1}.nii.gz",
        "labels{0}/{1}.nii.gz",
        [("Tr", "a1"), ("Tr", "a2"), ("Ts", "b1")],
        ("a1", "a2", "b1"),
    ),
    "ixi": Made(
        "IXI-MRA/{0}-{1}-MRA.nii.gz",
        "vessel_dataset/{0}.nii.gz",
        [("IXI057", "HH-1234"), ("IXI058", "Guys-0001"), ("IXI365", "IOP-0002")],
        ("IXI057", "IXI058", "IXI365"),
        beside=["IXI-MRA/IXI002-Guys-0828-MRA.nii.gz"],
    ),
    "minivess": Made(
        "raw/{}.nii.gz",
        "seg/{}_y.nii.gz",
        alike("mv01", "mv02", "mv10"),
        ("mv01", "mv02", "mv10"),
    ),
    "vesselnn": Made(
        "denoised/{0}_BM4D_denoised.tif",
        "labels/{0}_{1}.tif",
        [
            ("poon2015_BBB_Leakage", "manualLabels_v2"),
            ("poon2015_mixedSize1", "manualLabel_v2"),
            ("poon2015_plaqueVessels", "label_underSegmented"),
            ("santos2015_lowContrastVessels", "labelsMarc"),
            ("santos2015_tumor", "initLabel_v1"),
        ],
        (
            *("poon2015_BBB_Leakage", "poon2015_mixedSize1", "poon2015_plaqueVessels"),
            *("santos2015_lowContrastVessels", "santos2015_tumor"),
        ),
    ),
    "tubetk": Made(
        "Normal-{0}/MRA/Normal{0}-MRA.mha",
        "Normal-{0}/AuxillaryData/VascularNetwork.tre",
        alike(*THREE),
        THREE,
        beside=["Normal-004/MRA/Normal004-MRA.mha", "Normal-001/T1-Flash/Normal001-T1-Flash.mha"],
    ),
    "lausanne": Made(
        "{0}/{1}/anat/{0}_{1}_angio.nii.gz",
        "derivatives/manual_masks/{0}/{1}/anat/{0}_{1}_desc-Lesion_1_mask.nii.gz",
        [("sub-013", "ses-20101220"), ("sub-022", "ses-20101011"), ("sub-022", "ses-20111011")],
        ("sub-013-ses-20101220", "sub-022-ses-20101011", "sub-022-ses-20111011"),
        mask="derivatives/manual_masks/{0}/{1}/anat/{0}_{1}_desc-brain_mask.nii.gz",
        people=("sub-013", "sub-022", "sub-022"),
        beside=[
            "sub-000/ses-20110101/anat/sub-000_ses-20110101_angio.nii.gz",
            "sub-013/ses-20101220/anat/sub-013_ses-20101220_T1w.nii.gz",
            "derivatives/N4_bias_field_corrected/sub-013/ses-20101220/anat/"
            "sub-013_ses-20101220_desc-angio_N4bfc_brain_mask.nii.gz",
        ],
    ),
    "adam": Made(
        "{}/orig/TOF.nii.gz",
        "{}/aneurysms.nii.gz",
        alike("10001", "10045B", "10045F"),
        ("10001", "10045B", "10045F"),
        people=("10001", "10045", "10045"),
        beside=["10001/pre/TOF.nii.gz", "10001/orig/struct_aligned.nii.gz"],
    ),
    "drive": Made(
        "training/images/{}_training.tif",
        "training/1st_manual/{}_manual1.gif",
        alike("21", "22", "40"),
        ("21", "22", "40"),
        mask="training/mask/{}_training_mask.gif",
        beside=["test/images/01_test.tif", "test/mask/01_test_mask.gif"],
    ),
    "chase-db1": Made(
        "{}.jpg",
        "{}_1stHO.png",
        alike("Image_01L", "Image_01R", "Image_14L"),
        ("Image_01L", "Image_01R", "Image_14L"),
        people=("01", "01", "14"),
        beside=["Image_01L_2ndHO.png"],
    ),
    "stare": Made(
        "stare-images/{}.ppm.gz",
        "labels-ah/{}.ah.ppm.gz",
        alike("im0001", "im0002", "im0324"),
        ("im0001", "im0002", "im0324"),
        beside=["labels-vk/im0001.vk.ppm.gz"],
    ),
    "hrf": Made(
        "images/{0}.{1}",
        "manual1/{0}.tif",
        [("01_dr", "JPG"), ("01_g", "jpg"), ("01_h", "jpg")],
        ("01_dr", "01_g", "01_h"),
        mask="mask/{0}_mask.tif",
    ),
    "rose": Made(
        "ROSE-1/SVC/{0}/img/{1}.{2}",
        "ROSE-1/SVC/{0}/gt/{1}.tif",
        [("train", "01", "tif"), ("train", "02", "png"), ("test", "01", "tif")],
        ("train-01", "train-02", "test-01"),
        beside=["ROSE-1/DVC/train/img/01.tif", "ROSE-2/train/original/1_OD.png"],
    ),
    "octa-500": Made(
        "OCTA_6M/Projection Maps/OCTA(ILM_OPL)/{}.bmp",
        "OCTA_6M/GT_LargeVessel/{}.bmp",
        alike("10001", "10002", "10300"),
        ("10001", "10002", "10300"),
        beside=["OCTA_6M/Projection Maps/OCTA(FULL)/10001.bmp", "OCTA_6M/GT_Vein/10001.bmp"],
    ),
    "dca1": Made(
        "{}.pgm",
        "{}_gt.pgm",
        alike("1", "10", "100"),
        ("1", "10", "100"),
    ),
}
