"""Stage ``prepare``: one subject, normalised and masked, as memory-mapped arrays."""

from __future__ import annotations

from typing import Any, cast

from vbench.engine.context import Context
from vbench.interfaces import DataSource


def run(context: Context) -> dict[str, Any]:
    """Load the subject from its source and write the prepared volume."""
    from vbench.data.prepare import prepare_subject

    cls = cast(type[DataSource], context.plugin("source").cls)
    source = cls(cls.Params.model_validate(context.job.extra["params"]))
    subject = source.load(context.inputs["subject"])
    return prepare_subject(subject, context.folder, normalise=context.inputs["normalise"])
