"""What a file really is when its name is wrong: a pointer, a web page, another format.

Downloads and data managers leave such files behind: they have the right name, and no volume in it.
"""

from __future__ import annotations

import errno
from pathlib import Path

from vbench.errors import DataError
from vbench.usertext import regular

#: How many bytes at the start of a file tell what it is.
HEAD = 512
_ANNEX = "fetch the content with 'git annex get' or 'datalad get'"
_AGAIN = "a server sent it instead of the volume: download it again, logged in if need be"
_CONVERT = "convert it to NIfTI"
_PICTURE = "2D pictures are read by the source 'images'"
_UNPACK = "unpack it, and give the .nii or .nii.gz file in it"

#: Offset of a signature, the signature, what the file is, and the fix.
_SIGNS: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"PK\x03\x04", "a zip archive", _UNPACK),
    (0, b"PK\x05\x06", "an empty zip archive", "download the volume again"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (0, b"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    (257, b"ustar", "a tar archive", _UNPACK),
    (0, b"\x28\xb5\x2f\xfd", "compressed by zstd", "unpack it with 'zstd -d', then use gzip"),
    (0, b"BZh", "compressed by bzip2", "unpack it with 'bunzip2', then use gzip"),
    (0, b"\xfd7zXZ\x00", "compressed by xz", "unpack it with 'unxz', then use gzip"),
    (0, b"\x04\x22\x4d\x18", "compressed by lz4", "unpack it with 'lz4 -d', then use gzip"),
    (0, b"\x1f\x9d", "compressed by 'compress'", "unpack it with 'uncompress', then use gzip"),
    (128, b"DICM", "a DICOM file", "convert the series to NIfTI, such as with dcm2niix"),
    (0, b"NRRD000", "an NRRD file", _CONVERT),
    (0, b"\x00\x00\x00\x01", "a FreeSurfer MGH file", "convert it with mri_convert"),
    (0, b"ObjectType", "a MetaImage file", _CONVERT),
    (0, b"NDims", "a MetaImage file", _CONVERT),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file, such as of MINC 2", _CONVERT),
    (0, b"CDF\x01", "a NetCDF file, such as of MINC 1", _CONVERT),
    (0, b"\x89PNG\r\n", "a PNG picture", _PICTURE),
    (0, b"\xff\xd8\xff", "a JPEG picture", _PICTURE),
    (0, b"GIF8", "a GIF picture", _PICTURE),
    (0, b"II*\x00", "a TIFF picture", _PICTURE),
    (0, b"MM\x00*", "a TIFF picture", _PICTURE),
    (0, b"II+\x00", "a TIFF picture", _PICTURE),
    (0, b"MM\x00+", "a TIFF picture", _PICTURE),
    (0, b"\x93NUMPY", "a NumPy array", _CONVERT),
    (0, b"MATLAB 5.0 MAT-file", "a MATLAB file", _CONVERT),
    (0, b"# vtk DataFile", "a VTK file", _CONVERT),
    (0, b"%PDF", "a PDF document", "give the volume"),
    (0, b"\x00\x05\x16\x07", "what macOS keeps beside a file (AppleDouble)", "give the volume"),
)


def disguise(head: bytes) -> tuple[str, str] | None:
    """Return what a file that begins like this is, and the fix; None when it may be a volume."""
    if b"annex/objects/" in head[:HEAD] and b"\0" not in head[:64]:
        return "a git-annex pointer, not the volume", _ANNEX
    if head.startswith((b"version https://git-lfs", b"version https://hawser")):
        return "a Git LFS pointer, not the volume", "run 'git lfs pull'"
    for at, sign, what, mend in _SIGNS:
        if head[at : at + len(sign)] == sign:
            return f"{what}, not a NIfTI file", mend
    return _text(head)


def _text(head: bytes) -> tuple[str, str] | None:
    """Say what kind of text a file begins with; None when it is not text."""
    wide = head[:2] in (b"\xff\xfe", b"\xfe\xff")
    text = head[:HEAD].decode("utf-16" if wide else "utf-8-sig", "ignore").strip()
    if not text or not all(c.isprintable() or c in "\t\r\n" for c in text):
        return None
    low = text.lower()
    if low.startswith(("<!doctype html", "<html", "<head", "<body")):
        return "an HTML page, not a NIfTI file", _AGAIN
    if low.startswith("<"):
        html = "<html" in low
        return f"an {'HTML page' if html else 'XML document'}, not a NIfTI file", _AGAIN
    if low.startswith(("{", "[")):
        return "JSON text, not a NIfTI file", _AGAIN
    return f"text ('{' '.join(text.split())[:40]}'), not a NIfTI file", "give the volume"


def missing(path: Path) -> DataError:
    """Return the error for a path where no file can be opened."""
    try:
        target = str(path.readlink())
    except (OSError, ValueError):
        return DataError(f"{path}: no such file or folder; check the path")
    if "annex/objects" in target.replace("\\", "/"):
        return DataError(f"{path}: a git-annex link, not the volume; {_ANNEX}")
    return DataError(f"{path}: a broken link to {target}; fix or remove the link")


def unopened(path: Path, error: OSError) -> DataError:
    """Return the error for a file that the system will not open."""
    if error.errno in (errno.ENOENT, errno.ELOOP):
        return missing(path)
    return DataError(f"{path}: {error.strerror}; check the path and the permissions")


def first_bytes(path: Path) -> bytes:
    """Return what tells what a file is: its first :data:`HEAD` bytes.

    Raises:
        DataError: When the system will not open it.
    """
    try:
        with regular(path).open("rb") as file:
            return file.read(HEAD)
    except OSError as error:
        raise unopened(path, error) from error
