"""Source: found in review of vbench. fMRIPrep's tissue maps were taken for a label of vessels."""

from pathlib import Path

from datasets import save, scene
from vbench_plugins.sources.bids import Bids


def bids(folder: Path, *files: str) -> Path:
    for file in files:
        save(folder / f"{file}.nii.gz", scene()[1 if "derivatives" in file else 0])
    return folder


def test_tissue_is_no_vessel(tmp_path: Path) -> None:
    derived = "derivatives/fmriprep/sub-1/anat/sub-1"
    kinds = ("dseg", "label-GM_probseg", "desc-aseg_dseg", "desc-brain_mask", "label-CSF_dseg")
    folder = bids(tmp_path, "sub-1/anat/sub-1_angio", *(f"{derived}_{kind}" for kind in kinds))
    listing = Bids(Bids.Params(path=folder)).listing
    assert not listing.subjects
    assert any("no label" in str(fault) for fault in listing.faults if fault.serious)


def test_the_image_that_a_label_inherits_its_name_from(tmp_path: Path) -> None:
    derived = "derivatives/m/sub-1/anat/sub-1"
    folder = bids(tmp_path, "sub-1/anat/sub-1_angio", f"{derived}_T1w_desc-vessels_mask")
    assert not Bids(Bids.Params(path=folder)).listing.subjects
    bids(tmp_path, f"{derived}_TOF_desc-vessels_mask")
    (files,) = Bids(Bids.Params(path=folder)).listing.subjects
    assert files.label.name == "sub-1_TOF_desc-vessels_mask.nii.gz"
