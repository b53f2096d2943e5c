"""What a folder holds that no layout of volumes reads, and what reads it instead."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from vbench.data.disguise import HEAD
from vbench.data.pictures import SUFFIXES as PICTURES

#: Files that are looked at, at most: enough to know what a folder is for.
_LOOK = 500
#: Formats of volumes that are no NIfTI, by ending.
_VOLUMES = {
    (".nrrd", ".nhdr"): "NRRD",
    (".mha", ".mhd"): "MetaImage",
    (".mgz", ".mgh"): "FreeSurfer",
    (".h5", ".hdf5", ".mnc"): "HDF5",
    (".npy", ".npz"): "NumPy",
    (".mat",): "MATLAB",
}


def what_reads(folder: Path) -> str | None:
    """Say in a line what a folder holds and what reads it; None when nothing is recognised."""
    files = [folder] if folder.is_file() else list(islice(_files(folder), _LOOK))
    if any(_is_dicom(file) for file in files[:20]) or any(
        file.suffix.lower() in {".dcm", ".ima"} for file in files
    ):
        return (
            "it holds DICOM files: 'dcm2niix -z y -o NIFTI DIR' writes each series as NIfTI, "
            "which then goes into one of the layouts with its label"
        )
    pictures = [file for file in files if file.name.lower().endswith(PICTURES)]
    if pictures:
        return (
            f"it holds pictures ({pictures[0].name}): the source 'images' reads 2D pictures with "
            "their labels, from folders images/ and labels/, or by patterns such as "
            "image = 'raw/{subject}.tif' and label = 'manual/{subject}.png' (--layout images)"
        )
    for endings, name in _VOLUMES.items():
        if any(file.suffix.lower() in endings for file in files):
            how = "convert them to NIfTI (.nii.gz), then name a layout"
            if name in ("NRRD", "MetaImage"):
                how = (
                    "the source 'volumes' reads them by patterns such as image = "
                    "'raw/{subject}.mha' and label = 'seg/{subject}.mha' (--layout volumes)"
                )
            return f"it holds {name} files: {how}"
    volumes = [file for file in files if file.name.endswith((".nii", ".nii.gz"))]
    if volumes:
        return (
            f"it holds NIfTI files ({volumes[0].name}) under names of no layout: the source "
            "'volumes' reads them by patterns such as image = 'raw/{subject}.nii.gz' and label = "
            "'seg/{subject}.nii.gz' (--layout volumes); or a CSV file with the columns "
            "subject,image,label says which belong together"
        )
    return None


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder, those that are hidden left out."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _files(path)
        elif path.is_file():
            yield path


def _is_dicom(file: Path) -> bool:
    """Whether a file's first bytes are those of DICOM, whatever its name."""
    try:
        with file.open("rb") as opened:
            return opened.read(HEAD)[128:132] == b"DICM"
    except OSError:
        return False
