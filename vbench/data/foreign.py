"""What a folder holds that no layout of volumes reads, and what reads it instead."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from vbench.data.disguise import HEAD
from vbench.data.pictures import SUFFIXES as PICTURES
from vbench.data.stacks import SUFFIXES as STACKS
from vbench.data.stacks import stack_shape
from vbench.errors import DataError

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
_PACKED = {".zip", ".gz", ".tar", ".tgz", ".bz2", ".xz", ".7z", ".rar"}
#: Folders within a data set, one of which may be given in its place.
_PART = re.compile(r"images|labels|sub-", re.IGNORECASE)


def what_reads(folder: Path) -> str | None:
    """Say in a line what a folder holds and what reads it; None when it is no folder of files."""
    near = _data_set_nearby(folder)
    if near is not None:
        return f"'{near[0]}' does: it has the layout {near[1]}"
    files = [folder] if folder.is_file() else list(islice(_files(folder), _LOOK))
    if any(_is_dicom(file) for file in files[:20]) or any(
        file.suffix.lower() in {".dcm", ".ima"} for file in files
    ):
        return (
            "it holds DICOM files: 'dcm2niix -z y -o NIFTI DIR' writes each series as NIfTI, "
            "which then goes into one of the layouts with its label"
        )
    pictures = [file for file in files if file.name.lower().endswith(PICTURES)]
    if pictures and _is_stack(pictures[0]):
        return (
            f"it holds stacks of pictures ({pictures[0].name} has several pages): "
            f"{_patterns('.tif')}, with spacing = [x, y, z] in mm"
        )
    if pictures:
        side_by_side = _behind(pictures)
        if side_by_side:
            place = pictures[0].parent.relative_to(folder).as_posix()
            image = f"{place}/{{subject}}".removeprefix("./")
            label = f"{image}{side_by_side}"
            return (
                f"it holds pictures ({pictures[0].name}), each with a label beside it: "
                f"--layout images --set image='{image}' --set label='{label}'"
            )
        return (
            f"it holds pictures ({pictures[0].name}): the source 'images' reads 2D pictures with "
            "their labels, from folders images/ and labels/, or by patterns such as "
            "image = 'raw/{subject}.tif' and label = 'manual/{subject}.png' (--layout images)"
        )
    for endings, name in _VOLUMES.items():
        found = [file.suffix.lower() for file in files if file.suffix.lower() in endings]
        if found:
            how = "convert them to NIfTI (.nii.gz), then name a layout"
            if name in ("NRRD", "MetaImage"):
                how = _patterns(found[0])
            return f"it holds {name} files: {how}"
    volumes = [file for file in files if file.name.endswith((".nii", ".nii.gz"))]
    if volumes:
        return (
            f"it holds NIfTI files ({volumes[0].name}) under names of no layout: "
            f"{_patterns('.nii.gz')}; or a CSV file with the columns subject,image,label says "
            "which belong together"
        )
    return _unknown(files)


def _behind(pictures: list[Path]) -> str:
    """Return what stands behind the names of labels, such as ``_mask``, where each image has one.

    Empty when the pictures of the first one's folder are no such pairs.
    """
    stems = {file.stem for file in pictures if file.parent == pictures[0].parent}
    behind = Counter(
        other.removeprefix(stem)
        for stem in stems
        for other in stems
        if other != stem and other.startswith(stem)
    )
    return next((each for each, n in behind.items() if 2 * n == len(stems)), "")


def _patterns(ending: str) -> str:
    """Say how the source ``volumes`` is told which files are which."""
    return (
        f"the source 'volumes' reads them by patterns such as image = 'raw/{{subject}}{ending}' "
        f"and label = 'seg/{{subject}}{ending}' (--layout volumes)"
    )


def _unknown(files: list[Path]) -> str | None:
    """Say of files that nothing here reads what they are; None when there are none."""
    endings = Counter(file.suffix.lower() for file in files if file.suffix)
    if not files:
        return "it holds no files"
    if not endings:
        return None
    ending = max(endings, key=lambda each: endings[each])
    if ending in _PACKED:
        return f"it holds packed files ({ending}): unpack them first"
    return (
        f"it holds {ending} files, which nothing here reads: let the program that wrote them save "
        "volumes as NIfTI (.nii.gz), or 2D pictures as PNG or TIFF"
    )


def _data_set_nearby(folder: Path) -> tuple[Path, str] | None:
    """Return a data set that was meant by the folder above it or by one of its own folders."""
    from vbench.data.layouts import detect

    if not folder.is_dir():
        return None
    near = islice((path for path in sorted(folder.iterdir()) if path.is_dir()), _LOOK)
    above = [folder.parent] if _PART.match(folder.name) and folder.parent != folder else []
    for path in [*above, *near]:
        found = detect(path)
        if found is not None:
            return path, found.name
    return None


def _is_stack(file: Path) -> bool:
    """Whether a picture is a TIFF of several pages."""
    if not file.name.lower().endswith(STACKS):
        return False
    try:
        return stack_shape(file)[2] > 1
    except DataError:
        return False


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
