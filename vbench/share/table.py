"""The patches of an export as one table that the Hugging Face library reads without code.

Parquet: a row a patch, image and label as nested lists. ``datasets.load_dataset("FOLDER")`` finds
it by the fields at the head of README.md.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vbench.files import atomic_write
from vbench.types import Array

TABLE = "data/patches.parquet"
#: Patches of one row group: bounds memory.
_CHUNK = 512


def write_table(path: Path, images: Array, labels: Array) -> None:
    """Write patches, some at a time.

    Args:
        path: Where to.
        images: ``(n, *size)``, of several channels ``(n, channels, *size)``; written as float16.
        labels: ``(n, *size)``, whole numbers; written in their own type.
    """
    import pyarrow as pa
    from pyarrow import parquet

    columns: dict[str, tuple[Array, npt.DTypeLike]] = {
        "image": (images, np.float16),
        "label": (labels, labels.dtype),
    }
    with atomic_write(path) as temporary:
        writer: Any = None
        for start in range(0, len(images), _CHUNK):
            part = pa.table(
                {
                    name: _nested(np.asarray(values[start : start + _CHUNK], dtype))
                    for name, (values, dtype) in columns.items()
                }
            )
            if writer is None:
                writer = parquet.ParquetWriter(temporary, part.schema, compression="zstd")
            writer.write_table(part)
        writer.close()


def _nested(array: Array) -> Any:
    """Return an array ``(n, *size)`` as a column of nested lists."""
    import pyarrow as pa

    column: Any = pa.array(np.ascontiguousarray(array).reshape(-1))
    for extent in reversed(array.shape[1:]):
        ends = np.arange(0, len(column) + 1, extent, dtype=np.int32)
        column = pa.ListArray.from_arrays(pa.array(ends), column)
    return column
