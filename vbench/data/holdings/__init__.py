"""What lies in a folder, whatever its form: arrays or NIfTI files, patches or whole volumes.

A folder is first looked at, for the shapes of what is in it; a patch size is chosen for all folders
together; then each gives its patches: as they are where they have that size, else cut from its
volumes at random places as a benchmark cuts them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from vbench.data.arrays import has_arrays
from vbench.data.foreign import what_reads
from vbench.data.holdings.arrays import Arrays, Named
from vbench.data.holdings.cutting import cut, is_cut
from vbench.data.holdings.holding import LARGEST, Chunk, Holding, Shape, by
from vbench.data.holdings.scans import Scans
from vbench.data.layouts import detect, layouts
from vbench.errors import DataError, did_you_mean
from vbench.records.model import first_fault
from vbench.types import CHANNELS
from vbench.types import LABELS as CLASSES

__all__ = ["LARGEST", "Arrays", "Chunk", "Holding", "Scans", "Shape", "by", "cut", "is_cut", "look"]


def look(
    path: str | Path,
    group: str | None = None,
    layout: str | None = None,
    options: Mapping[str, Any] | None = None,
    *,
    classes: Sequence[str] = CLASSES,
    labels: Mapping[str, Any] | None = None,
    channels: Sequence[str] = CHANNELS,
) -> Holding:
    """Find out what lies in a folder.

    Args:
        path: Arrays (see :func:`vbench.data.arrays.read_stacks`), or NIfTI files in an installed
            layout, or an export of vbench.
        group: For NIfTI files: finds, in its first parentheses, whose file it is.
        layout: Of NIfTI files; None: as it looks.
        options: Parameters of that layout, such as ``classes``.
        classes: Names of the classes of a label, in the order of their index.
        labels: Their values, as a table of a spec; None: as the folder names them itself.
        channels: Names of the channels of an image.

    Raises:
        DataError: When there is nothing, it cannot be read, or has other classes or channels.
    """
    path, channels = Path(path), tuple(channels)
    named = Named(tuple(classes), labels) if len(classes) > 1 or labels else None
    if not path.exists():
        raise DataError(f"{path}: no such file or folder; check the path")
    if layout is None and has_arrays(path):
        return Arrays(path, named, channels)
    known = layouts()
    if layout is not None and layout not in known:
        raise DataError(f"layout = '{layout}': no such layout{did_you_mean(layout, known)}")
    source = detect(path) if layout is None else known[layout]
    if source is None:
        empty = path.is_dir() and not any(path.iterdir())
        what = "empty" if empty else "neither arrays nor a data set"
        hint = (None if empty else what_reads(path)) or (
            f"expected images.npy and labels.npy, or files in one of the layouts "
            f"{', '.join(layouts())}"
        )
        raise DataError(f"{path}: {what}; {hint}")
    try:
        params = source.Params.model_validate({**(options or {}), "path": path})
    except ValidationError as error:
        raise DataError(f"{path}: layout '{source.name}': {first_fault(error)}") from error
    made = source(params)
    if named is not None:
        made.label_map = named.given(path, made.known_labels())
    if channels != CHANNELS:
        if source.channels != "any" and len(channels) > source.channels:
            raise DataError(f"{path}: layout '{source.name}' has one channel; give arrays")
        made.channel_names = channels
    return Scans(path, made, group)
