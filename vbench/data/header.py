"""What the header of a NIfTI file says, and whether it can be used, before any voxel is read."""

from __future__ import annotations

import math
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vbench.data.disguise import HEAD, disguise, unopened
from vbench.data.unpack import DENSEST, GZIP
from vbench.errors import DataError

#: The unit of what does not say how large a voxel is.
VOXEL = "voxel"
#: What one spatial unit is in mm; where a voxel's size is not known, its edges count as 1 mm.
MM = {"mm": 1.0, "micron": 1e-3, "meter": 1e3, VOXEL: 1.0}
#: How the file of a volume may end.
SUFFIXES = (".nii.gz", ".nii")
#: Spatial unit by the lower three bits of ``xyzt_units``; None: not said.
_UNITS = {0: None, 1: "meter", 2: "mm", 3: "micron"}
#: Types of voxels that are read, by code.
_TYPES = {
    2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8",
    256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8",
}  # fmt: skip
_OTHER_TYPES = {
    0: "unknown", 1: "binary", 32: "complex64", 128: "RGB24", 1536: "float128",
    1792: "complex128", 2048: "complex256", 2304: "RGBA32",
}  # fmt: skip
#: Bytes of the header by its first number, and the least offset of the voxels.
_SIZES = {348: 352, 540: 544}


def stem(path: Path) -> str:
    """Return a file's name without its ending: ``.nii``, ``.nii.gz``, ``.png``, ``.ppm.gz``."""
    for suffix in SUFFIXES:
        if path.name.endswith(suffix):
            return path.name[: -len(suffix)]
    return Path(path.stem).stem if path.suffix == ".gz" else path.stem


@dataclass(frozen=True)
class Header:
    """What a header says about its voxels.

    Attributes:
        raw: nibabel's header, as it stands in the file.
        shape: Three axes.
        kind: Type of the voxels.
        offset: Byte at which they begin.
        slope: Their scale; 1 when the header sets none.
        inter: What is added to the scaled value.
        unit: ``mm``, ``micron``, ``meter``, or None when it is not said.
    """

    raw: Any
    shape: tuple[int, int, int]
    kind: np.dtype[Any]
    offset: int
    slope: float
    inter: float
    unit: str | None

    @property
    def size(self) -> int:
        """Bytes of the header itself."""
        return int(self.raw["sizeof_hdr"])

    @property
    def nbytes(self) -> int:
        """Bytes of all voxels."""
        return math.prod(self.shape) * self.kind.itemsize


def damaged(path: Path, error: object) -> DataError:
    """Return the error for a file that cannot be decoded."""
    why = " ".join(str(error).split()) or type(error).__name__
    return DataError(f"{path}: the file is damaged or cut short ({why}); copy or download it again")


def check_file(path: Path) -> int:
    """Return the size in bytes of a file that may hold a volume.

    Raises:
        DataError: When it is missing, empty, or not what its name says.
    """
    name = path.name.lower()
    if name.endswith((".hdr", ".img", ".hdr.gz", ".img.gz")):
        raise DataError(
            f"{path}: half of a pair of .hdr and .img; convert both to one file, for example with "
            "'nib-convert x.img x.nii.gz'"
        )
    if not path.name.endswith(SUFFIXES):
        mend = "write the ending in lower case" if name.endswith(SUFFIXES) else ""
        raise DataError(f"{path}: not a .nii or .nii.gz file; {mend or 'convert it to NIfTI'}")
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            what = "a folder" if stat.S_ISDIR(about.st_mode) else "not a regular file"
            raise DataError(f"{path}: {what}, expected a NIfTI file; give the file")
        with path.open("rb") as file:
            first = file.read(HEAD)
    except ValueError as error:
        raise DataError(f"{path}: not a valid file name ({error}); correct the path") from error
    except OSError as error:
        raise unopened(path, error) from error
    zipped = first[:2] == GZIP
    if not first:
        raise DataError(f"{path}: the file is empty (0 bytes); copy or download it again")
    if not zipped:
        refuse_disguise(path, first)
    if zipped and not path.name.endswith(".gz"):
        raise DataError(f"{path}: compressed, though its name says otherwise; rename it to .nii.gz")
    if not zipped and path.name.endswith(".gz"):
        if _order(first) is None:
            raise DataError(f"{path}: neither compressed nor NIfTI; copy or download it again")
        raise DataError(f"{path}: not compressed, though its name says so; rename it to .nii")
    return about.st_size


def refuse_disguise(path: Path, first: bytes) -> None:
    """Raise DataError when the first bytes are not those of a volume."""
    if first[:2] == GZIP:
        raise DataError(f"{path}: compressed twice; unpack it once")
    if first and not any(first):
        raise DataError(f"{path}: begins with zeros, not with a header; copy or download it again")
    found = disguise(first)
    if found is not None:
        raise DataError(f"{path}: {found[0]}; {found[1]}")


def parse(path: Path, take: Callable[[int], bytes]) -> Header:
    """Read the header as it is in the file: nibabel repairs some faults silently.

    Args:
        path: For messages.
        take: Gives the next bytes of the file, fewer only at its end.

    Raises:
        DataError: When it is no header of a single volume of real numbers.
    """
    from nibabel.nifti1 import Nifti1Header
    from nibabel.nifti2 import Nifti2Header

    first = take(min(_SIZES))
    refuse_disguise(path, first)
    if len(first) < 4:
        raise damaged(path, f"{len(first)} bytes, expected a header")
    order = _order(first)
    if order is None:
        raise DataError(f"{path}: not a NIfTI file; convert it to NIfTI")
    size = int.from_bytes(first[:4], "little" if order == "<" else "big")
    first += take(size - len(first))
    if len(first) < size:
        raise damaged(path, f"{len(first)} bytes, its header has {size}")
    magic = first[344:348] if size == 348 else first[4:8]
    if magic in (b"ni1\0", b"ni2\0"):
        raise DataError(
            f"{path}: the header of a pair of .hdr and .img; convert both to one file, such as "
            "with 'nib-convert x.img x.nii.gz'"
        )
    if magic not in (b"n+1\0", b"n+2\0"):
        what = "an ANALYZE header, which does not say left from right" if size == 348 else "damaged"
        raise DataError(f"{path}: no NIfTI signature ({what}); convert it to NIfTI")
    kind = Nifti1Header if size == 348 else Nifti2Header
    raw = kind(binaryblock=first[:size], endianness=order, check=False)
    slope, inter = _scale(path, raw)
    return Header(
        raw, _shape(path, raw), _type(path, raw, order), _offset(path, raw), slope, inter,
        _unit(path, raw),
    )  # fmt: skip


def check_length(path: Path, header: Header, size: int) -> None:
    """Raise DataError when a file of ``size`` bytes cannot hold what its header claims."""
    needed = header.offset + header.nbytes
    packed = path.name.endswith(".gz")
    if (needed > (size + 1) * DENSEST) if packed else (needed != size):
        raise wrong_length(path, header, f"the file has {size}")
    if needed > 2**30:
        import psutil

        # As stored, and once more as what it is worked on.
        free, used = psutil.virtual_memory().available, 2 * needed
        if used > free:
            raise DataError(
                f"{path}: {header.shape} voxels need {used / 2**30:.1f} GB of memory, "
                f"{free / 2**30:.1f} GB are free; crop it, or use a larger machine"
            )


def wrong_length(path: Path, header: Header, found: str) -> DataError:
    """Return the error for a file that is longer or shorter than its header says."""
    voxels = "×".join(map(str, header.shape))
    return DataError(
        f"{path}: {found} bytes, its header says {header.offset + header.nbytes} ({voxels} voxels "
        f"of {header.kind.name} from byte {header.offset}): damaged or cut short, or the header "
        "is wrong; copy or download it again, or correct the header"
    )


def _order(first: bytes) -> str | None:
    """Return the byte order of a header, None when there is none."""
    sizes = {"<": int.from_bytes(first[:4], "little"), ">": int.from_bytes(first[:4], "big")}
    return next((order for order, size in sizes.items() if size in _SIZES), None)


def _shape(path: Path, raw: Any) -> tuple[int, int, int]:
    dims = [int(n) for n in raw["dim"]]
    if not 1 <= dims[0] <= 7:
        raise DataError(f"{path}: {dims[0]} axes (dim[0]), expected 3; correct the header")
    shape = tuple(dims[1 : dims[0] + 1])
    if len(shape) < 2 or any(n < 1 for n in shape) or any(n != 1 for n in shape[3:]):
        raise DataError(
            f"{path}: shape {shape}, expected one volume of three axes; "
            "extract one volume of a series, or one channel, into a separate file"
        )
    return shape[0], shape[1], shape[2] if shape[2:] else 1


def _type(path: Path, raw: Any, order: str) -> np.dtype[Any]:
    code = int(raw["datatype"])
    if code not in _TYPES:
        named = _OTHER_TYPES.get(code, "not of NIfTI")
        raise DataError(
            f"{path}: voxels of type {code} ({named}), expected real numbers; "
            "convert them to float32, or to uint8 for a label"
        )
    return np.dtype(order + _TYPES[code])


def _offset(path: Path, raw: Any) -> int:
    least = _SIZES[int(raw["sizeof_hdr"])]
    offset = float(raw["vox_offset"])
    if offset == 0:
        return least
    if not (math.isfinite(offset) and offset.is_integer() and least <= offset < 2**40):
        raise DataError(
            f"{path}: voxels from byte {offset:g} (vox_offset), expected a whole number of "
            f"{least} and above; correct the header"
        )
    return int(offset)


def _scale(path: Path, raw: Any) -> tuple[float, float]:
    """Return slope and intercept; a slope of 0 or NaN means that none is set."""
    slope, inter = float(raw["scl_slope"]), float(raw["scl_inter"])
    if slope == 0 or math.isnan(slope):
        return 1.0, 0.0
    if not (math.isfinite(slope) and math.isfinite(inter)):
        raise DataError(
            f"{path}: values are scaled by {slope:g} and {inter:g} (scl_slope, scl_inter), "
            "expected finite numbers; correct the header"
        )
    return slope, inter


def _unit(path: Path, raw: Any) -> str | None:
    code = int(raw["xyzt_units"]) & 7
    if code not in _UNITS:
        raise DataError(
            f"{path}: spatial unit {code} (xyzt_units), expected 1 (meter), 2 (mm), 3 (micron) "
            "or 0 (not said); correct the header"
        )
    return _UNITS[code]
