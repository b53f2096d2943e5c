"""pybids issue 1253: files of another run, or the phase, were taken as those of an image.

An entity of raw data on the label alone means another image; a phase image is never the image.
"""

from pathlib import Path

from datasets import save, scene
from vbench_plugins.sources.bids import Bids


def bids(folder: Path, *files: str) -> Path:
    for file in files:
        save(folder / f"{file}.nii.gz", scene()[1 if "derivatives" in file else 0])
    return folder


def test_the_label_of_a_run_is_not_that_of_the_image_without_one(tmp_path: Path) -> None:
    folder = bids(
        tmp_path,
        "sub-1/anat/sub-1_rec-deface_angio",
        "derivatives/m/sub-1/anat/sub-1_rec-deface_run-2_label-vessel_mask",
    )
    listing = Bids(Bids.Params(path=folder)).listing
    assert not listing.subjects
    assert any("differs in 'run'" in str(fault) for fault in listing.faults if fault.serious)


def test_the_magnitude_is_taken(tmp_path: Path) -> None:
    raw = "sub-1/anat/sub-1"
    folder = bids(
        tmp_path,
        f"{raw}_part-phase_angio",
        f"{raw}_part-mag_angio",
        "derivatives/m/sub-1/anat/sub-1_label-vessel_mask",
    )
    (files,) = Bids(Bids.Params(path=folder)).listing.subjects
    assert files.image.name == "sub-1_part-mag_angio.nii.gz"
