"""Stage ``prepare``: one subject, normalised and masked, as memory-mapped arrays."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from vbench.engine.context import Context
from vbench.errors import ContractError
from vbench.interfaces import DataSource
from vbench.types import Subject


def run(context: Context) -> dict[str, Any]:
    """Load the subject from its source and write the prepared volume."""
    from vbench.data.prepare import prepare_subject

    cls = cast(type[DataSource], context.plugin("source").cls)
    source = cls(cls.Params.model_validate(context.job.extra["params"]))
    subject = source.load(context.inputs["subject"])
    _check(subject, cls.name)
    return prepare_subject(subject, context.folder, normalise=context.inputs["normalise"])


def _check(subject: Any, owner: str) -> None:
    """Hold what a source loaded to the contract.

    Raises:
        ContractError: When it is no subject, or its arrays are not numbers of one 3D shape.
    """
    if not isinstance(subject, Subject):
        raise ContractError(
            f"{owner}.load returned {type(subject).__name__}; expected vbench.Subject"
        )
    arrays = {"image": subject.image, "label": subject.label, "mask": subject.mask}
    arrays["ignore"] = subject.ignore
    given = {name: np.asarray(array) for name, array in arrays.items() if array is not None}
    for name, array in given.items():
        if array.dtype.kind not in "biuf":
            raise ContractError(f"{owner}.load: {name} is {array.dtype}; expected numbers")
    shapes = {name: array.shape for name, array in given.items()}
    if len(set(shapes.values())) > 1 or len(shapes["image"]) != 3:
        raise ContractError(f"{owner}.load: shapes {shapes}; expected one shape (X, Y, Z)")
