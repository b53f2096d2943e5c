"""pybids issue 360: of masks in several spaces fitlins took whichever came first.

The one without a space is the image's; of two in other spaces none is taken.
"""

from pathlib import Path

from datasets import save, scene
from vbench_plugins.sources.bids import Bids


def bids(folder: Path, *files: str) -> Path:
    for file in files:
        save(folder / f"{file}.nii.gz", scene()[1 if "derivatives" in file else 0])
    return folder


def test_spaces(tmp_path: Path) -> None:
    derived = "derivatives/m/sub-1/anat/sub-1"
    folder = bids(
        tmp_path,
        "sub-1/anat/sub-1_angio",
        f"{derived}_space-MNI_label-vessel_mask",
        f"{derived}_space-T1w_label-vessel_mask",
    )
    (fault,) = [f for f in Bids(Bids.Params(path=folder)).listing.faults if f.serious]
    assert "space-MNI" in fault.message
    assert "space-T1w" in fault.message
    assert "'label'" in fault.mend
    bids(tmp_path, f"{derived}_label-vessel_mask")
    (files,) = Bids(Bids.Params(path=folder)).listing.subjects
    assert files.label.name == "sub-1_label-vessel_mask.nii.gz"
