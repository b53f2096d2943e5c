"""What is wrong with a data set of files: every fault, with the file and how to fix it.

Reads each file once. A data set without serious faults can be used by a benchmark.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from vbench.data.folder import Fault, FolderSource, SubjectFiles
from vbench.data.label_values import vessel_mask, whole_numbers
from vbench.data.nifti import Image, read_image
from vbench.data.placement import best_fit
from vbench.data.subject_files import check_same_grid
from vbench.errors import DataError
from vbench.labels import LabelMap, told
from vbench.types import Array
from vbench.usertext import counted

#: Faults that are alike of which each is shown.
SHOWN = 3
#: Vessels fill less of any tissue than this.
MOST_VESSEL = 0.6
#: A label with more values than this is an image.
MOST_CLASSES = 100
#: More vessel voxels than this share outside of the mask: it is not this subject's mask.
MOST_OUTSIDE = 0.05
#: A label correlates by less than this with an image of something else.
NO_CONTRAST = 0.05


def check_source(source: FolderSource) -> Iterator[Fault | str]:
    """Check a data set.

    Yields:
        Each fault as it is found, and the id of each subject before it is read.
    """
    yield from source.listing.faults
    seen: dict[str, Path] = {}
    for files in source.listing.subjects:
        yield files.id
        faults, contents = check_subject(files, source.read, source.label_map)
        yield from faults
        for path, content in contents:
            if content in seen:
                yield Fault(
                    path,
                    f"the same voxels as {seen[content]}",
                    "remove one of the two subjects: they may end up in training and test",
                )
            seen.setdefault(content, path)


def faults_of(source: FolderSource) -> list[Fault]:
    """Return the faults that make a data set unusable: all but remarks."""
    found = (found for found in check_source(source) if isinstance(found, Fault))
    return [fault for fault in found if fault.serious]


def folded(faults: Iterable[Fault]) -> list[str]:
    """Return a line for each fault; of those that are alike but for the file, a few and a count."""
    alike: dict[tuple[str, str], list[Fault]] = {}
    for fault in faults:
        alike.setdefault((kind_of(fault), fault.mend), []).append(fault)
    lines: list[str] = []
    for same in alike.values():
        shown = same if len(same) <= SHOWN + 1 else same[:SHOWN]
        lines += map(str, shown)
        if len(shown) < len(same):
            lines.append(more_of(same[0], len(same) - len(shown)))
    return lines


def kind_of(fault: Fault) -> str:
    """Return a fault's message without the paths, names and numbers in it."""
    return re.sub(r"'[^']*'|\S*/\S*|\S*\.nii\S*|[\d.]+", "#", fault.message)


def more_of(fault: Fault, count: int) -> str:
    """Say that a fault occurs in so many more files."""
    return f"{counted(count, 'more file')} like {fault.file.name}: {fault.message}"


def check_subject(
    files: SubjectFiles,
    read: Callable[..., Image] = read_image,
    labels: LabelMap | None = None,
) -> tuple[list[Fault], list[tuple[Path, str]]]:
    """Check the files of one subject, each alone and against the image.

    Args:
        files: Which they are.
        read: What reads each, as :func:`vbench.data.nifti.read_image` does.
        labels: The classes of the label; None: vessel or not.

    Returns:
        The faults, and digests of the decoded image and label, to find duplicates by.
    """
    faults: list[Fault] = []
    contents: list[tuple[Path, str]] = []
    image = _read(read, files.image, faults)
    unit = image.unit if image else "mm"
    label = _read(read, files.label, faults, integer=True, unit=unit)
    mask = _read(read, files.mask, faults, integer=True, unit=unit) if files.mask else None
    if image is not None:
        faults.extend(_image_faults(image, mask))
        contents.append((image.path, _digest("image", image.array)))
    for path in files.others:
        further = _read(read, path, faults)
        if further is not None:
            faults.extend(_image_faults(further, mask))
            if image is not None:
                _try(faults, path, check_same_grid, further, image)
    vessel = None
    if label is not None:
        vessel = _vessel(label, files, faults, labels)
        if vessel is not None and vessel.any():
            contents.append((label.path, _digest("label", vessel)))
    for other in (label, mask):
        if image is not None and other is not None:
            _try(faults, other.path, check_same_grid, other, image)
    if image is not None and vessel is not None and vessel.shape == image.array.shape:
        faults.extend(_pair_faults(image, files.label, vessel, mask))
    if mask is not None:
        faults.extend(_mask_faults(mask, vessel))
    return faults, contents


def _read(read: Callable[..., Image], path: Path, faults: list[Fault], **how: Any) -> Image | None:
    """Read a file; when it cannot be read, add why and return None."""
    image: Image | None = _try(faults, path, read, path, **how)
    if image is not None:
        faults.extend(_header_faults(image))
    return image


def _try(faults: list[Fault], path: Path, function: Any, *args: Any, **kwargs: Any) -> Any:
    try:
        return function(*args, **kwargs)
    except DataError as error:
        message, _, mend = str(error).removeprefix(f"{path}: ").rpartition("; ")
        faults.append(Fault(path, message, mend))
        return None


def _header_faults(image: Image) -> Iterator[Fault]:
    header, path = image.header, image.path
    if not image.unit_given:
        yield Fault(path, "the header names no spatial unit", f"{image.unit} is assumed", False)
    codes = int(header["qform_code"]), int(header["sform_code"])
    if codes == (0, 0):
        yield Fault(
            path,
            "the header does not say how the volume lies (qform and sform codes are 0)",
            "left and right are taken as nibabel does",
            False,
        )


def _image_faults(image: Image, mask: Image | None) -> Iterator[Fault]:
    values = image.array
    inside = np.isfinite(values)
    bad = ~inside
    if mask is not None and mask.array.shape == values.shape:
        bad &= np.nan_to_num(mask.array) != 0
    if bad.any():
        yield Fault(
            image.path,
            f"{int(bad.sum())} voxels are NaN or infinite",
            "correct them, or mask them out",
        )
    if not inside.any() or values[inside].min() == values[inside].max():
        yield Fault(image.path, "all voxels have the same value", "export the image again")


def _vessel(
    label: Image, files: SubjectFiles, faults: list[Fault], labels: LabelMap | None
) -> Array | None:
    """Return the vessels of a label, None when its values cannot be those of a label."""
    values = _try(faults, label.path, whole_numbers, label)
    if values is None:
        return None
    classes = np.unique(values)
    vessel = vessel_mask(values, files.classes, files.ignore)
    share = float(vessel.mean())
    unnamed = labels.unnamed(values) if labels is not None else {}
    unnamed = {value: n for value, n in unnamed.items() if value not in files.ignore}
    if len(classes) > MOST_CLASSES:
        message = f"{len(classes)} values, expected a few classes"
        faults.append(Fault(label.path, message, "is it an image? give the label file"))
    elif unnamed:
        message, _, mend = told(unnamed).rpartition("; ")
        faults.append(Fault(label.path, message, mend))
    elif not vessel.any():
        found = f"its values are {classes.tolist()}"
        wanted = "above 0" if files.classes is None else f"of the classes {list(files.classes)}"
        message = f"no voxel {wanted}, {found}"
        faults.append(Fault(label.path, message, "label the vessels, or set 'classes'"))
    elif share > MOST_VESSEL:
        message = f"{share:.0%} of the volume is vessel"
        faults.append(Fault(label.path, message, "is the label inverted? set 'classes'"))
    return vessel


def _pair_faults(image: Image, path: Path, vessel: Array, mask: Image | None) -> Iterator[Fault]:
    """Find labels that are copies of the image, or do not lie on its vessels."""
    values = np.nan_to_num(image.array, posinf=0, neginf=0)
    if np.array_equal(values != 0, vessel) and len(np.unique(values)) <= 2:
        yield Fault(image.path, "the same voxels as its label", "put the image here")
        return
    if not vessel.any() or vessel.all():
        return
    fits = mask is not None and mask.array.shape == values.shape
    brain = np.nan_to_num(mask.array) != 0 if mask is not None and fits else None
    fit = best_fit(values, vessel, brain)
    if fit is None:
        return
    numbers = f"(correlation {fit.there:.2f}, as it is {fit.here:.2f})"
    mend = "turn or move the label, or correct its header"
    if fit.sure:
        yield Fault(path, f"the label fits the image better {fit} {numbers}", mend)
    elif fit.better:
        message = f"the label may fit the image better {fit} {numbers}"
        yield Fault(path, message, "look at both with 'vbench data show --png'", serious=False)
    elif abs(fit.here) < NO_CONTRAST:
        message = f"the vessels do not differ from what is beside them (correlation {fit.here:.2f})"
        yield Fault(path, message, "look at both with 'vbench data show --png'", serious=False)


def _mask_faults(mask: Image, vessel: Array | None) -> Iterator[Fault]:
    brain = np.nan_to_num(mask.array) != 0
    if not brain.any():
        yield Fault(mask.path, "the mask is empty", "correct it, or leave it out")
    elif vessel is not None and vessel.shape == brain.shape and vessel.any():
        outside = float((vessel & ~brain).sum() / vessel.sum())
        if outside > MOST_OUTSIDE:
            message = f"{outside:.0%} of the vessel voxels lie outside of the mask"
            yield Fault(mask.path, message, "is it this subject's mask?")


def _digest(what: str, array: Array) -> str:
    digest = hashlib.blake2b(f"{what} {array.shape}".encode(), digest_size=16)
    digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
