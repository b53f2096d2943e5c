"""fMRIPrep issue 2655: raw data has run-01, derivatives run-1; and run-10 sorts first."""

from pathlib import Path

from datasets import save, scene
from vbench_plugins.sources.bids import Bids


def bids(folder: Path, *files: str) -> Path:
    for file in files:
        save(folder / f"{file}.nii.gz", scene()[1 if "derivatives" in file else 0])
    return folder


def test_runs_are_numbers(tmp_path: Path) -> None:
    derived = "derivatives/m/sub-1/anat/sub-1"
    folder = bids(
        tmp_path,
        "sub-1/anat/sub-1_run-10_angio",
        "sub-1/anat/sub-1_run-02_angio",
        f"{derived}_run-2_label-vessel_mask",
        f"{derived}_run-10_label-vessel_mask",
    )
    (files,) = Bids(Bids.Params(path=folder)).listing.subjects
    assert files.image.name == "sub-1_run-02_angio.nii.gz"
    assert files.label.name == "sub-1_run-2_label-vessel_mask.nii.gz"
