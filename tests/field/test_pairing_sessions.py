"""fMRIPrep issue 993: of a person with two sessions only one came out.

By default it is the first with a label, which is said; all are taken where that is asked for.
"""

from pathlib import Path

from datasets import save, scene
from vbench_plugins.sources.bids import Bids


def bids(folder: Path, *files: str) -> Path:
    for file in files:
        save(folder / f"{file}.nii.gz", scene()[1 if "derivatives" in file else 0])
    return folder


def test_sessions(tmp_path: Path) -> None:
    for session in (1, 2, 10):
        bids(tmp_path, f"sub-1/ses-{session}/anat/sub-1_ses-{session}_angio")
    for session in (2, 10):
        bids(
            tmp_path,
            f"derivatives/m/sub-1/ses-{session}/anat/sub-1_ses-{session}_label-vessel_mask",
        )
    listing = Bids(Bids.Params(path=tmp_path)).listing
    assert [files.image.name for files in listing.subjects] == ["sub-1_ses-2_angio.nii.gz"]
    said = " ".join(str(fault) for fault in listing.faults)
    assert "passed over" in said
    assert "not used: sub-1_ses-10_angio.nii.gz" in said
    found = Bids(Bids.Params(path=tmp_path, sessions="all")).subjects()
    assert found == ["sub-1_ses-10", "sub-1_ses-2"]
