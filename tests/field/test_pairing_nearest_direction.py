"""grabbit issue 20: get_nearest() gave the file of dir-1 for an image of dir-2.

A label belongs to the image of its direction, of whatever entity the two differ in.
"""

from pathlib import Path

from datasets import save, scene
from vbench_plugins.sources.bids import Bids


def bids(folder: Path, *files: str) -> Path:
    for file in files:
        save(folder / f"{file}.nii.gz", scene()[1 if "derivatives" in file else 0])
    return folder


def test_a_label_goes_with_the_image_of_its_entities(tmp_path: Path) -> None:
    for key in ("dir", "acq", "ce", "rec", "run", "echo", "inv", "mt", "task", "chunk", "mine"):
        raw, derived = "sub-1/anat/sub-1", "derivatives/m/sub-1/anat/sub-1"
        folder = bids(
            tmp_path / key,
            f"{raw}_{key}-1_angio",
            f"{raw}_{key}-2_angio",
            f"{derived}_{key}-2_label-vessel_mask",
        )
        (files,) = Bids(Bids.Params(path=folder)).listing.subjects
        assert files.image.name == f"sub-1_{key}-2_angio.nii.gz"
