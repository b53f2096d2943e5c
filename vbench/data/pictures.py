"""Pictures (PNG, TIFF, JPEG …) as images of one slice, in the plane that they show.

A picture's left is the patient's right, as vbench shows slices, and its upper edge is anterior: so
it is drawn as it looks. What a volume's header says (size, unit) is given beside the file.
"""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from vbench.data.disguise import disguise, first_bytes
from vbench.data.nifti import Image, oriented_in_mm
from vbench.data.unpack import GZIP, blocks, check_pixels
from vbench.errors import DataError
from vbench.files import atomic_write
from vbench.types import Array

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

#: How the file of a picture may end, in lower case.
SUFFIXES = (
    *(".png", ".tif", ".tiff", ".jpg", ".jpeg", ".bmp", ".gif", ".ppm", ".pgm", ".pbm"),
    *(".ppm.gz", ".pgm.gz", ".pbm.gz"),
)
#: The parameter of a data source that says how large a pixel is. A source that has it reads
#: pictures; where it is None, distances count pixels.
PIXEL_SIZE = "pixel_size"
#: What is said then.
UNMEASURED = "the size of a pixel is not known: distances count pixels"
#: Pillow's names of these formats. Of others, EPS is a program that Pillow has Ghostscript run.
FORMATS = ("PNG", "TIFF", "JPEG", "BMP", "GIF", "PPM")
#: What Pillow raises where a file is damaged: each of its parsers has its own ways.
DAMAGED = (
    *(OSError, ValueError, TypeError, SyntaxError, EOFError, LookupError, ArithmeticError),
    *(AttributeError, struct.error),
)
#: The largest number that a written picture holds.
MOST = 65535
#: No packed picture unpacks to more bytes.
_MOST = 1 << 30
Channel = Literal["grey", "red", "green", "blue"]
#: JPEG blurs a mask's edges: what is brighter than this was white.
_HALF = 127


def is_picture(path: Path) -> bool:
    """Whether a file's name is that of a picture."""
    return path.name.lower().endswith(SUFFIXES) and not path.name.startswith(".")


def unmeasured(params: Mapping[str, Any]) -> bool:
    """Whether a data source's parameters leave the size of a pixel open."""
    return params.get(PIXEL_SIZE, 0) is None


def in_pixels(unit: str) -> str:
    """Return the unit of a metric where a pixel's size is not known."""
    return "px" if unit == "mm" else unit


def read_picture(
    path: Path,
    pixel: tuple[float, float] | None,
    *,
    channel: Channel = "grey",
    integer: bool = False,
    values: bool = False,
) -> Image:
    """Read a picture as an image of one slice.

    Args:
        path: The file.
        pixel: Width and height of a pixel in mm; None: not known.
        channel: Of a picture in colour; a grey one has all.
        integer: For labels and masks: 1 where it is not black.
        values: For labels: the values as they are stored, for those that name classes.

    Raises:
        DataError: When it is missing, damaged, or not one single picture.
    """
    with opened(path) as picture:
        if integer:
            flat = _stored(path, picture) if values else _not_black(picture)
        else:
            flat = _channel(path, picture, channel)
    wide, high = pixel or (1.0, 1.0)
    rows, columns = flat.shape
    native = np.diag([-wide, -high, min(wide, high), 1.0])
    native[0, 3], native[1, 3] = wide * (columns - 1), high * (rows - 1)
    return oriented_in_mm(path, flat.T[:, :, np.newaxis], native, measured=pixel is not None)


def picture_shape(path: Path) -> tuple[int, int, int]:
    """Return the shape that :func:`read_picture` would give a picture, without decoding it.

    Raises:
        DataError: When it cannot be opened.
    """
    with opened(path, decode=False) as picture:
        wide, high = picture.size
        turned = picture.getexif().get(0x0112, 1) >= 5
    return (high, wide, 1) if turned else (wide, high, 1)


def write_picture(path: str | Path, array: Array) -> None:
    """Write one slice as a grey PNG file that overlays the picture it was found in.

    Args:
        path: Ends with ``.png``.
        array: ``(X, Y, 1)`` in RAS+, as :func:`read_picture` returns; whole numbers below 65536,
            which take 8 bits where they are below 256. Numbers of another kind, from 0 to 1, are
            written as 0 to 65535.
    """
    import PIL.Image

    flat = np.asarray(array)[::-1, ::-1, 0].T
    if flat.dtype.kind == "f":
        flat = np.rint(flat.clip(0, 1) * MOST).astype(np.uint16)
    kind = np.uint8 if flat.dtype.itemsize == 1 else np.uint16
    with atomic_write(path) as temporary:
        PIL.Image.fromarray(np.ascontiguousarray(flat, dtype=kind)).save(temporary, format="PNG")


@contextmanager
def opened(path: Path, *, decode: bool = True) -> Iterator[Picture]:
    """Open a picture, turned upright as its camera says.

    Raises:
        DataError: When it is missing, damaged, or not one single picture.
    """
    import PIL.Image
    from PIL import ImageOps

    first = first_bytes(path)
    if not first:
        raise DataError(f"{path}: the file is empty (0 bytes); copy or download it again")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as of odd TIFF tags
            place = _unpacked(path) if first[:2] == GZIP else path
            with PIL.Image.open(place, formats=FORMATS) as picture:
                pages = getattr(picture, "n_frames", 1)
                if pages > 1:
                    raise DataError(
                        f"{path}: {pages} pages, expected one picture; write each as a file, or a "
                        "stack as NIfTI"
                    )
                packing = str(picture.info.get("compression", ""))
                check_pixels(path, path.stat().st_size, picture.size, packing)
                if not decode:
                    yield picture
                    return
                upright = ImageOps.exif_transpose(picture)
                upright.format = picture.format  # a turned copy has none
                yield upright
    except PIL.Image.DecompressionBombError as error:
        raise DataError(f"{path}: {error}; crop it") from error
    except DAMAGED as error:
        found = disguise(first)
        what = " ".join(str(error).replace(str(path), "it").split())
        if found is not None and "picture" not in found[0]:
            raise DataError(
                f"{path}: {found[0].removesuffix(', not a NIfTI file')}, not a picture; {found[1]}"
            ) from error
        raise DataError(
            f"{path}: not a picture that can be read ({what}); write it as PNG"
        ) from error


def _unpacked(path: Path) -> BytesIO:
    """Return what a gzip file holds.

    Raises:
        ValueError: When it is damaged, or more than any picture.
    """
    content = BytesIO()
    with path.open("rb") as file:
        for block in blocks(file):
            content.write(block)
            if content.tell() > _MOST:
                raise ValueError("it unpacks to more than 1 GB")
    content.seek(0)
    return content


def _channel(path: Path, picture: Picture, channel: Channel) -> Array:
    """Return one channel as float32 ``(rows, columns)``."""
    if picture.mode.startswith(("I", "F", "1", "L")) and picture.mode != "LAB":
        if channel != "grey":
            raise DataError(f"{path}: a grey picture has no channel '{channel}'; take 'grey'")
        grey = picture.convert("L") if picture.mode in ("1", "LA") else picture
        return np.asarray(grey, dtype=np.float32)
    colour = picture.convert("RGB")
    if channel == "grey":
        red, green, blue = np.moveaxis(np.asarray(colour, dtype=np.float32), 2, 0)
        # As ITU-R 601-2 weighs them, without rounding.
        return np.asarray(0.299 * red + 0.587 * green + 0.114 * blue, dtype=np.float32)
    return np.asarray(colour.getchannel(channel[0].upper()), dtype=np.float32)


def _not_black(picture: Picture) -> Array:
    """Return 1 where a mask is not black; of a lossy file, where it is nearer to white."""
    lossy = picture.format == "JPEG"
    if picture.mode.startswith(("I", "F", "1")) or picture.mode == "L":
        values: Any = np.asarray(picture)
    else:
        values = np.asarray(picture.convert("RGB")).max(axis=2)
    return np.asarray(np.nan_to_num(values) > (_HALF if lossy else 0), dtype=np.uint8)


def _stored(path: Path, picture: Picture) -> Array:
    """Return the numbers of a label whose values mean something.

    Raises:
        DataError: When it is in colour.
    """
    if picture.mode not in ("1", "L", "P") and not picture.mode.startswith(("I", "F")):
        raise DataError(
            f"{path}: a label in colour has no values to name as classes; write it as a grey "
            "picture, or leave 'classes' and 'ignore' out"
        )
    return np.asarray(picture)
