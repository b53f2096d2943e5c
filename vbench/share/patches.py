"""The patches of an export: whether they are a data set at all, and as files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vbench.data.patches import ArrayPatches
from vbench.files import atomic_write, read_npy, sha256, write_json, write_npy
from vbench.labels import LabelMap, written
from vbench.types import CHANNELS, LABELS, Array, Patches

#: Fewer patches that are of use are no data set.
LEAST = 10
#: Spread of intensities below which an image shows nothing, of the range [-1, 1].
_CONTRAST = 1e-3
#: Correlation of any two images above which all are one image.
_SAME = 0.99
#: Images that are correlated with each other.
_COMPARED = 200
_CHUNK = 512
#: The file of checksums.
SUMS = "SHA256SUMS"


@dataclass(frozen=True)
class Contents:
    """What the patches of an export show.

    Attributes:
        classes: The value of each class in ``labels.npy``, in the order of their index: that of the
            files that the generator learnt from, or 1 where there is one class.
        channels: Names of the channels of an image.
    """

    classes: Mapping[str, int]
    channels: tuple[str, ...] = CHANNELS

    @classmethod
    def of(cls, labels: LabelMap | None, channels: Sequence[str]) -> Contents:
        """Return those of the patches of prepared volumes."""
        names = LABELS if labels is None else labels.names
        values = (1,) if labels is None or len(names) == 1 else labels.written
        return cls(dict(zip(names, values, strict=True)), tuple(channels))

    @property
    def labels(self) -> Mapping[str, int] | None:
        """All values with their names, as ``dataset.json`` has them; None with one class."""
        return {"background": 0, **self.classes} if len(self.classes) > 1 else None

    @property
    def channel_names(self) -> Mapping[str, str] | None:
        """The channels by their number, likewise; None with one channel."""
        named = {str(number): name for number, name in enumerate(self.channels)}
        return named if len(named) > 1 else None

    def indexed(self, labels: Array) -> npt.NDArray[np.uint8]:
        """Return labels of an export as the index of the class.

        Raises:
            ValueError: When a value is of no class.
        """
        known = LabelMap(tuple(self.classes), tuple((v,) for v in self.classes.values()))
        return known.index(np.asarray(labels)).classes

    def patches(self, folder: Path, like: Patches) -> ArrayPatches:
        """Open what :func:`write_patches` wrote, by the index of the class.

        Args:
            folder: Where they are.
            like: What has the same classes and channels.

        Raises:
            OSError: When a file is missing.
            ValueError: When one is no array of such patches.
        """
        images, labels = read_patches(folder)
        index = self.indexed(labels) if self.labels else labels
        return ArrayPatches(images, index, like=like)


def meaningless(images: Array, labels: Array) -> str | None:
    """Say why patches are no data set, in words; None when nothing is wrong.

    Args:
        images: ``(n, *size)`` in [-1, 1], any float type; of several channels
            ``(n, channels, *size)``.
        labels: ``(n, *size)``, above 0 where there is vessel.
    """
    n = len(images)
    if n < LEAST:
        return f"{n} patches are left; a data set has at least {LEAST}"
    vessel, full, contrast, finite = 0, 0, 0, True
    different: set[bytes] = set()
    for part in _parts(n):
        flat = np.asarray(images[part], np.float32).reshape(part.stop - part.start, -1)
        marked = np.asarray(labels[part]).reshape(len(flat), -1) > 0
        finite &= bool(np.isfinite(flat).all())
        vessel += int(marked.any(axis=1).sum())
        full += int(marked.all(axis=1).sum())
        contrast += int((flat.std(axis=1) > _CONTRAST).sum())
        different.update(hashlib.blake2b(row.tobytes(), digest_size=16).digest() for row in flat)
    if not finite:
        return "images hold NaN or infinity"
    if vessel < LEAST:
        return f"{_of(vessel, n)} labels hold a vessel"
    if n - full < LEAST:
        return f"{_of(n - full, n)} labels hold anything but vessel"
    if contrast < LEAST:
        return f"{_of(contrast, n)} images have any contrast"
    if len(different) < LEAST:
        return f"{_of(len(different), n)} images differ from each other"
    if _correlation(images) > _SAME:
        return "all images are the same but for brightness and noise"
    return None


def _of(count: int, n: int) -> str:
    return f"{count or 'none'} of {n}"


def _correlation(images: Array) -> float:
    """Return the median correlation of two images."""
    index = np.unique(np.linspace(0, len(images) - 1, _COMPARED).astype(int))
    flat = np.asarray(images[index], np.float32).reshape(len(index), -1)
    flat -= flat.mean(axis=1, keepdims=True)
    flat /= np.linalg.norm(flat, axis=1, keepdims=True) + 1e-12
    return float(np.median((flat @ flat.T)[np.triu_indices(len(flat), 1)]))


def write_patches(
    folder: Path,
    images: Array,
    labels: Array,
    kept: npt.NDArray[np.intp],
    values: Sequence[int] = (1,),
) -> None:
    """Write ``images.npy`` and ``labels.npy``.

    Args:
        folder: Where to.
        images: Of all patches, ``(n, *size)``, of several channels ``(n, channels, *size)``.
        labels: Theirs, by the index of the class.
        kept: The indices of the patches that are written.
        values: What is written for each class.
    """
    write_npy(folder / "images.npy", np.asarray(images[kept], np.float16))
    write_npy(folder / "labels.npy", written(np.asarray(labels[kept], np.uint8), values))


def read_patches(folder: Path) -> tuple[Array, Array]:
    """Open what :func:`write_patches` wrote, memory-mapped.

    Raises:
        OSError: When a file is missing.
        ValueError: When one is no array.
    """
    images, labels = (read_npy(folder / f"{name}.npy") for name in ("images", "labels"))
    return images, labels


def write_nifti(
    place: Path,
    images: Array,
    labels: Array,
    spacing: Sequence[float],
    *,
    contents: Contents | None = None,
) -> None:
    """Write each patch as a case of an nnU-Net data set in a folder.

    Args:
        place: The folder.
        images: ``(n, *size)``, of several channels ``(n, channels, *size)``.
        labels: ``(n, *size)``, with the values of ``contents``.
        spacing: Voxel edge lengths, mm; empty where they are not known: the files say 1.
        contents: Classes and channels; None: vessel or not, one channel.
    """
    from vbench.data.datasetjson import dataset_json
    from vbench.data.nifti import write_volume

    affine = np.diag([*(spacing or (1.0, 1.0, 1.0)), 1.0])
    for i, (image, label) in enumerate(zip(images, labels, strict=True)):
        block = (*label.shape, 1)[:3]
        name = f"synthetic_{i:06d}"
        for number, channel in enumerate(image.reshape(-1, *block)):
            path = place / "imagesTr" / f"{name}_{number:04d}.nii.gz"
            write_volume(path, channel.astype(np.float32), affine)
        write_volume(
            place / "labelsTr" / f"{name}.nii.gz", np.asarray(label).reshape(block), affine
        )
    known = contents or Contents.of(None, CHANNELS)
    named = {"labels": known.labels, "channel_names": known.channel_names}
    more: dict[str, Any] = {key: value for key, value in named.items() if value is not None}
    write_json(place / "dataset.json", dataset_json(len(images), **more))


def write_sums(folder: Path) -> None:
    """Write the SHA-256 of every file, as ``sha256sum --check`` reads them."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    lines = [f"{sha256(path)}  {path.relative_to(folder).as_posix()}\n" for path in paths]
    with atomic_write(folder / SUMS) as temporary:
        temporary.write_text("".join(lines), encoding="utf-8")


def _parts(n: int) -> Iterator[slice]:
    for start in range(0, n, _CHUNK):
        yield slice(start, min(start + _CHUNK, n))
