"""Stage ``prepare``: one subject, normalised and masked, as memory-mapped arrays."""

from __future__ import annotations

from math import prod
from typing import Any, cast

import numpy as np

from vbench.engine.context import Context
from vbench.engine.stages.base import Lengths, Stage
from vbench.errors import ContractError
from vbench.files import as_json
from vbench.interfaces import DataSource
from vbench.records.training import PrepareInputs, PrepareResult
from vbench.spec.labels import opened
from vbench.types import CHANNELS, Subject


class Prepare(Stage[PrepareInputs, PrepareResult]):
    """Loads the subject from its source and writes the prepared volume."""

    name = "prepare"
    version = 2
    seconds = 1.0

    def run(self, context: Context, inputs: PrepareInputs) -> PrepareResult:
        """Write what :func:`vbench.data.prepare.prepare_subject` says."""
        from vbench.data.prepare import prepare_subject

        cls = cast(type[DataSource], context.plugin("source", inputs.plugin).cls)
        params = cls.Params.model_validate(context.job.extra["params"])
        channels = inputs.channels or CHANNELS
        source = opened(cls, params, inputs.labels, channels)
        subject = source.load(inputs.subject)
        _check(subject, cls.name, len(channels))
        found = prepare_subject(
            subject,
            context.folder,
            normalise=inputs.normalise,
            labels=inputs.labels,
            channels=channels,
        )
        return PrepareResult.model_validate(as_json(found))

    def amount(
        self, inputs: PrepareInputs, lengths: Lengths, result: PrepareResult | None = None
    ) -> float:
        """Return the voxels of the volume, where the source's parameters say so."""
        shape = inputs.params.get("shape")
        return float(prod(cast(list[int], shape))) if shape else 1.0


STAGE = Prepare()


def _check(subject: Any, owner: str, channels: int = 1) -> None:
    """Hold what a source loaded to the contract.

    Raises:
        ContractError: When it is no subject, or its arrays are not numbers of one 3D shape.
    """
    if not isinstance(subject, Subject):
        raise ContractError(
            f"{owner}.load returned {type(subject).__name__}; expected vbench.Subject"
        )
    arrays = {"image": subject.image, "label": subject.label, "mask": subject.mask}
    arrays |= {"ignore": subject.ignore, "values": subject.values}
    given = {name: np.asarray(array) for name, array in arrays.items() if array is not None}
    for name, array in given.items():
        if array.dtype.kind not in "biuf":
            raise ContractError(f"{owner}.load: {name} is {array.dtype}; expected numbers")
    shapes = {name: array.shape for name, array in given.items()}
    if channels > 1:
        if shapes["image"][:1] != (channels,):
            raise ContractError(
                f"{owner}.load: the image is {shapes['image']}; expected ({channels}, X, Y, Z)"
            )
        shapes["image"] = shapes["image"][1:]
    if len(set(shapes.values())) > 1 or len(shapes["image"]) != 3:
        raise ContractError(f"{owner}.load: shapes {shapes}; expected one shape (X, Y, Z)")
