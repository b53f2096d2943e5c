"""fMRIPrep issue 2227: one scan was reconstructed twice; a filter chooses which is meant."""

from pathlib import Path

from datasets import save, scene
from vbench_plugins.sources.bids import Bids


def bids(folder: Path, *files: str) -> Path:
    for file in files:
        save(folder / f"{file}.nii.gz", scene()[1 if "derivatives" in file else 0])
    return folder


def test_a_label_of_both_reconstructions_is_refused_until_one_is_chosen(tmp_path: Path) -> None:
    folder = bids(
        tmp_path,
        "sub-1/anat/sub-1_rec-a_angio",
        "sub-1/anat/sub-1_rec-b_angio",
        "derivatives/m/sub-1/anat/sub-1_label-vessel_mask",
    )
    (fault,) = [f for f in Bids(Bids.Params(path=folder)).listing.faults if f.serious]
    assert "sub-1_rec-a_angio.nii.gz" in fault.message
    assert "sub-1_rec-b_angio.nii.gz" in fault.message
    assert "'entities'" in fault.mend
    (files,) = Bids(Bids.Params(path=folder, entities={"rec": "b"})).listing.subjects
    assert files.image.name == "sub-1_rec-b_angio.nii.gz"
