"""The values of a label file, and which of them are vessel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vbench.data.nifti import Image
from vbench.errors import DataError
from vbench.types import Array
from vbench.usertext import counted


def whole_numbers(label: Image) -> Array:
    """Return a label's values as integers, signed ones as int32 where they fit.

    Raises:
        DataError: When they are not whole numbers of 0 and above.
    """
    values = label.array
    if values.dtype.kind == "b" or (values.dtype.kind == "u" and values.dtype.itemsize < 8):
        return values
    if values.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            rounded = np.rint(values)
            # Scaled integers (255 × 1/255) are whole but for rounding.
            wrong = ~(np.abs(values - rounded) < 1e-3)
        if wrong.any():
            raise DataError(
                f"{label.path}: {int(wrong.sum())} voxels of the label are not whole numbers "
                f"(such as {values[wrong][0]:g}); resample labels with nearest neighbours, and "
                "threshold probabilities"
            )
        # Beyond this, neighbouring whole numbers are one and the same floating-point number.
        exact = 2.0 ** (np.finfo(values.dtype).nmant + 1)
        if np.abs(rounded).max(initial=0) > exact:
            raise DataError(
                f"{label.path}: the label has values above {exact:.0f}, which {values.dtype} "
                "cannot tell apart; write it as integers"
            )
        values = rounded
    low, high = int(values.min(initial=0)), int(values.max(initial=0))
    if low < 0:
        below = values < 0
        count, first = int(below.sum()), ", ".join(map(str, np.argwhere(below)[0]))
        raise DataError(
            f"{label.path}: the label has negative values: {counted(count, 'voxel')}, down to "
            f"{low}, the first at ({first}); a label is 0 where there is no vessel, and above 0 "
            "where one is"
        )
    if high >= 2**63:
        raise DataError(f"{label.path}: the label has the value {high}; number below 2**63")
    return values.astype(np.int32 if high < 2**31 else np.int64, copy=False)


def vessel_mask(values: Array, classes: Sequence[int] | None, ignore: Sequence[int] = ()) -> Array:
    """Return where a label is vessel: one of ``classes``, or all above 0 but ``ignore``."""
    vessel = np.asarray(values > 0 if classes is None else np.isin(values, list(classes)))
    return vessel & ~np.isin(values, list(ignore)) if ignore else vessel
