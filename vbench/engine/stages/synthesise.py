"""Stage ``synthesise``: sample labelled patches from one candidate of a generator."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from vbench.engine.context import Context
from vbench.engine.stages.common import check_labelled_patches, params_of, training_setup
from vbench.engine.weights import load_weights
from vbench.files import write_npy
from vbench.interfaces import Generator
from vbench.layout import image_of, label_of

#: Patches asked for at once; bounds memory, changes nothing else.
CHUNK = 512


def run(context: Context) -> dict[str, Any]:
    """Sample ``n`` patches; artifacts ``images.npy`` (float16) and ``labels.npy`` (uint8)."""
    inputs = context.inputs
    cls = cast(type[Generator], context.plugin("generator").cls)
    fitted = context.store.folder(inputs["generator"])
    result = context.store.result(inputs["generator"])
    if result.get("skipped"):
        return {"skipped": True, "n": 0, "checkpoint": inputs["checkpoint"]}
    params = params_of(cls, result["params"])
    size, n = tuple(inputs["size"]), inputs["n"]
    generator = cls(params, training_setup(context, size))
    generator.load_weights(load_weights(fitted / f"candidate-{inputs['checkpoint']}.safetensors"))
    images = np.empty((n, *size), np.float16)
    labels = np.empty((n, *size), np.uint8)
    for number, start in enumerate(range(0, n, CHUNK)):
        count = min(CHUNK, n - start)
        drawn = generator.sample(count, seed=inputs["seed"] + number)
        check_labelled_patches(drawn, count, size, cls.name)
        images[start : start + count] = image_of(drawn)
        labels[start : start + count] = label_of(drawn)
        context.report(start + count, n, {})
    write_npy(context.folder / "images.npy", images)
    write_npy(context.folder / "labels.npy", labels)
    context.cost["steps"] = n
    return {
        "n": n,
        "checkpoint": inputs["checkpoint"],
        "vessel_fraction": float(labels.mean()),
        "empty_share": float((labels.reshape(n, -1).max(axis=1) == 0).mean()),
    }
