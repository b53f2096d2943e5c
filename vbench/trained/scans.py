"""The scans that are to be predicted: their files, masks and labels, and what they are called."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vbench.data.datasetjson import read_about
from vbench.data.disguise import missing
from vbench.data.header import SUFFIXES, stem
from vbench.data.nifti import ras_shape
from vbench.data.pictures import is_picture, picture_shape
from vbench.errors import DataError
from vbench.scoring.matching import files_of, subject_of
from vbench.types import CHANNELS

#: nnU-Net's image channel at the end of a name.
_CHANNEL = re.compile(r"(.+)_(000\d)")
#: nnU-Net's folders of images, and what vbench calls the masks beside them.
_IMAGES = re.compile(r"images(Tr|Ts|Val)")
#: The folder of a data set that holds images to predict.
TEST = "imagesTs"


@dataclass(frozen=True)
class ScanFiles:
    """One scan.

    Attributes:
        name: What its prediction is called: the file's name without ending and channel.
        image: Its file.
        mask: Of the brain or what else is to be looked at; None: it is derived from the image.
        label: The truth; None when it is not known.
        others: Files of the further channels.
    """

    name: str
    image: Path
    mask: Path | None = None
    label: Path | None = None
    others: tuple[Path, ...] = ()


def find_scans(
    images: Iterable[str | Path],
    *,
    channel: int = 0,
    mask: str | Path | None = None,
    labels: str | Path | None = None,
    channels: Sequence[str] = CHANNELS,
    pictures: bool = False,
    masked: bool = False,
) -> list[ScanFiles]:
    """List scans, each with what belongs to it, and check all that headers tell.

    Args:
        images: Files, folders of files, or nnU-Net data sets, whose ``imagesTs`` is meant.
        channel: Which files of a folder count where names end with a channel, as ``_0000``.
        mask: File or folder of masks. Default: ``masksTs`` beside ``imagesTs``, where it is there.
        labels: File or folder of true labels.
        channels: Names of the channels that a spec named: they have the numbers of
            ``channel_names`` in the ``dataset.json`` beside the folder; without one the first is
            ``_0000``, the next ``_0001``.
        pictures: Whether pictures can be used, too: they have no channels in their names, and of a
            folder that holds both they count.
        masked: Whether the arm learnt with masks that came with its pictures.

    Raises:
        DataError: When a file is missing or its header cannot be used, two scans have one name, or
            a mask or label is missing or of another shape.
    """
    found: dict[str, Path] = {}
    files = [_files(Path(place), channel, channels, pictures) for place in images]
    for path in [file for each in files for file in each]:
        other = found.setdefault(_name(path), path)
        if other is not path:
            raise DataError(
                f"{path} and {other}: two images of one name, '{_name(path)}', and so one "
                "prediction; rename one, or predict them into two folders"
            )
    masks = _beside(found, masked) if mask is None else _partners(found, Path(mask), "mask")
    truths = {} if labels is None else _partners(found, Path(labels), "label")
    scans = [
        ScanFiles(name, path, masks.get(name), truths.get(name), _others(path, channels))
        for name, path in found.items()
    ]
    for scan in scans:
        if is_picture(scan.image) and not pictures:
            raise DataError(
                f"{scan.image}: a picture, and the arm was trained on volumes; name .nii or "
                ".nii.gz files, or take an arm of a benchmark whose source is 'images'"
            )
        shape = scan_shape(scan.image)
        for other in filter(None, (scan.mask, scan.label, *scan.others)):
            if is_picture(other) != is_picture(scan.image):
                raise DataError(
                    f"{other}: of {scan.image}, one is a picture and one a volume; give two of one "
                    "kind"
                )
            if scan_shape(other) != shape:
                raise DataError(
                    f"{other}: shape {scan_shape(other)} (in RAS), the image {scan.image} has "
                    f"{shape}; give the one of this image"
                )
    return scans


def scan_shape(path: Path) -> tuple[int, int, int]:
    """Return the shape of a volume or picture, from its header.

    Raises:
        DataError: When the header cannot be used.
    """
    return picture_shape(path) if is_picture(path) else ras_shape(path)


def _numbers(folder: Path, channels: Sequence[str]) -> tuple[int, ...]:
    """Return the numbers of channels in the names of a folder's files."""
    file = folder.absolute().parent / "dataset.json"
    known = read_about(file, []).channels if file.is_file() else None
    by_name = {name.lower(): number for number, name in (known or {}).items()}
    if all(name.lower() in by_name for name in channels):
        return tuple(by_name[name.lower()] for name in channels)
    return tuple(range(len(channels)))


def _files(place: Path, channel: int, channels: Sequence[str], pictures: bool) -> list[Path]:
    """Return the images of a file or folder, sorted; of several channels the first."""
    if not place.exists():
        raise missing(place)
    if not place.is_dir():
        return [place]
    folder = place / TEST if (place / TEST).is_dir() else place
    if pictures and (drawn := sorted(filter(is_picture, folder.iterdir()))):
        return drawn
    if tuple(channels) != CHANNELS:
        channel = _numbers(folder, channels)[0]
    files = sorted(
        file
        for file in folder.iterdir()
        if file.name.endswith(SUFFIXES) and not file.name.startswith(".")
    )
    if not files:
        names = [each.name for each in folder.iterdir()]
        others = [name for name in names if _IMAGES.fullmatch(name) or name == "images"]
        mend = f"name {folder / others[0]}" if others else "name the folder that holds the images"
        kinds = "picture and no .nii or .nii.gz file" if pictures else ".nii or .nii.gz file"
        raise DataError(f"{folder}: no {kinds} in it; {mend}")
    numbered = {file: found for file in files if (found := _CHANNEL.fullmatch(stem(file)))}
    if len(numbered) < len(files):
        return files
    wanted = [file for file, found in numbered.items() if int(found[2]) == channel]
    if not wanted:
        raise DataError(
            f"{folder}: no image of channel {channel:04d}, which the arm was trained on; rename "
            "the files, or name them one by one"
        )
    return wanted


def _others(image: Path, channels: Sequence[str]) -> tuple[Path, ...]:
    """Return the files of the further channels beside the first.

    Raises:
        DataError: When one is not there, or the name does not say which channel it is.
    """
    if len(channels) == 1:
        return ()
    own, numbers = _CHANNEL.fullmatch(stem(image)), _numbers(image.parent, channels)
    if own is None or int(own[2]) != numbers[0]:
        names = [f"NAME_{number:04d}.nii.gz" for number in numbers]
        raise DataError(
            f"{image}: the arm was trained on the channels {', '.join(channels)}; name their files "
            f"{', '.join(names)}, in one folder"
        )
    found = []
    for number, channel in zip(numbers[1:], channels[1:], strict=True):
        places = [image.with_name(f"{own[1]}_{number:04d}{end}") for end in SUFFIXES]
        there = next((place for place in places if place.is_file()), None)
        if there is None:
            raise DataError(
                f"{image}: no {places[0].name} beside it, the channel {channel}, which the arm was "
                "trained on; add it"
            )
        found.append(there)
    return tuple(found)


def _name(path: Path) -> str:
    found = None if is_picture(path) else _CHANNEL.fullmatch(stem(path))
    return found[1] if found else stem(path)


def _beside(images: dict[str, Path], masked: bool) -> dict[str, Path]:
    """Return the masks in ``masksTs`` beside ``imagesTs``, and likewise of the other folders.

    Those of pictures are in ``masks`` beside ``images``, where the source ``images`` looks for
    them; they count only where the arm learnt with masks, since others keep predictions there.
    """
    found: dict[str, Path] = {}
    for name, path in images.items():
        folder = path.absolute().parent
        if known := _IMAGES.fullmatch(folder.name):
            places = [folder.parent / f"masks{known[1]}" / f"{name}{end}" for end in SUFFIXES]
            found.update((name, place) for place in places if place.is_file())
        elif masked and is_picture(path) and folder.name == "images":
            masks = folder.with_name("masks")
            there = sorted(filter(is_picture, masks.iterdir())) if masks.is_dir() else []
            found.update((name, mask) for mask in there if stem(mask) == name)
    return found


def _partners(images: dict[str, Path], place: Path, what: str) -> dict[str, Path]:
    """Find the mask or label of each image: by the same name, else by the subject in the name."""
    if not place.exists():
        raise missing(place)
    if not place.is_dir():
        if len(images) > 1:
            raise DataError(f"{place}: one {what}, {len(images)} images; name a folder of {what}s")
        return dict.fromkeys(images, place)
    files = [file.path for file in files_of(place)]
    named = {stem(path): path for path in files}
    return {
        name: named.get(name) or _of_subject(path, files, place, what)
        for name, path in images.items()
    }


def _of_subject(image: Path, files: list[Path], place: Path, what: str) -> Path:
    """Return the file of an image's subject, by what its name says of whom it is."""
    subject = subject_of(image)
    found = [file for file in files if subject_of(file) == subject]
    if not found:
        raise DataError(
            f"{image}: no {what} of subject '{subject}' in {place}; add it, or leave the image out"
        )
    if len(found) > 1:
        raise DataError(
            f"{image}: {found[0].name} and {found[1].name} in {place} are both of subject "
            f"'{subject}'; keep one {what} a subject"
        )
    return found[0]
