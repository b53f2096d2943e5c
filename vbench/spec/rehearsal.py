"""A benchmark in rehearsal: every arm of it, with a handful of steps and small data."""

from __future__ import annotations

from math import prod
from typing import Any, TypeVar

from vbench.defaults import REHEARSAL
from vbench.registry import Registry
from vbench.spec.data import DataSet
from vbench.spec.model import PluginUse, Spec
from vbench.spec.split import Split
from vbench.types import Kind

Use = TypeVar("Use", bound=PluginUse)

#: Training steps and patches of a subject, at most.
STEPS, PATCHES = 3, 16
#: Patches of a batch and channels at the finest level, at most, where a batch of so many has no
#: more than these voxels. A step on less says little of a long one: weights would take most of it.
BATCH, CHANNELS, BATCH_VOXELS = 16, 32, 2**18
#: The same where patches are large: what is computed on them takes the time, whatever the width.
FEW, NARROW = 2, 8
#: Voxels along an edge of a volume that a source makes, at most, where patches are smaller.
EDGE = 48
#: GiB that a job may take, where the benchmark sets no limit.
MEMORY_GB = 8.0


def rehearsal(spec: Spec, registry: Registry) -> Spec:
    """Return the benchmark with all of its arms, and next to no work in each.

    One seed; one subject to validate and one to test, and as many to train on as an arm asks for
    (counts only: a split in fractions, by names or in folds stays as it is); small volumes where
    the source makes them; two trials and two checkpoints; trainings of a few steps on few patches,
    with few channels (parameters ``width`` and ``…_width``). All else of networks, losses, plugins
    and scores is the benchmark's own, patches have their size.
    """
    data = spec.data
    few = [n for _, table in spec.regimes.on() for n in getattr(table, "subjects", [])]
    parts = {
        name: _small(table, spec, registry, 1 if name == "source" else max([1, *few]))
        for name, table in data.sets.items()
    }
    compare, tune, patches = spec.compare, spec.tune, spec.patches
    batch = min(BATCH, BATCH_VOXELS // prod(patches.size))
    most = (batch, CHANNELS) if batch >= FEW else (FEW, NARROW)
    dose = patches.synthetic if isinstance(patches.synthetic, list) else None
    changed = {
        "benchmark": spec.benchmark.model_copy(
            update={
                "name": f"{spec.benchmark.name}{REHEARSAL}",
                "seeds": spec.benchmark.seeds[:1],
            }
        ),
        "data": data.with_sets(parts),
        "patches": patches.model_copy(
            update={"per_subject": min(patches.per_subject, PATCHES), "synthetic": dose}
        ),
        "generators": [_short(use, "generator", registry, most) for use in spec.generators],
        "segmenter": _short(spec.segmenter, "segmenter", registry, most),
        "segmenters": [_short(use, "segmenter", registry, most) for use in spec.segmenters],
        "compare": compare.model_copy(
            update={"steps": [STEPS + 1 + place for place in range(len(compare.steps))]}
        ),
        "tune": tune.model_copy(
            update={
                "trials": min(tune.trials, 2),
                "checkpoints": min(tune.checkpoints, 2),
                "validations": min(tune.validations, 1),
            }
        ),
        "limits": spec.limits.model_copy(
            update={"memory_gb": min(spec.limits.memory_gb or MEMORY_GB, MEMORY_GB)}
        ),
    }
    return spec.model_copy(update=changed)


def _small(data: DataSet, spec: Spec, registry: Registry, train: int) -> DataSet:
    """Return a data set with few subjects, and small ones where the source is told their shape."""
    changed: dict[str, Any] = {}
    split = data.split
    if isinstance(split, Split) and isinstance(split.train, int):
        changed["split"] = Split(train=min(train, split.train), val=1, test=1)
    field = registry.get("source", data.plugin).cls.Params.model_fields.get("shape")
    shape = (data.model_extra or {}).get("shape", field and field.default)
    if field is not None and isinstance(shape, list | tuple):
        size = [*spec.patches.size, *[1] * (len(shape) - len(spec.patches.size))]
        edges = [max(EDGE, edge) for edge in size]
        changed["shape"] = [min(n, edge) for n, edge in zip(shape, edges, strict=True)]
    return data.model_copy(update=changed)


def _short(use: Use, kind: Kind, registry: Registry, most: tuple[int, int]) -> Use:
    """Return a plugin that trains for a few steps on small batches, if it trains at all."""
    from vbench.params import length_param

    model, (batch, channels) = registry.get(kind, use.plugin).cls.Params, most
    params = {name: value for name, value in use.params.items() if name != "epochs"}
    length = length_param(model)
    if length is not None:
        params[length] = STEPS
    if "batch_size" in model.model_fields:
        params["batch_size"] = min(_number(params.get("batch_size"), batch), batch)
    for name in model.model_fields:
        if name == "width" or name.endswith("_width"):
            params[name] = min(_number(params.get(name), channels), channels)
    return use.model_copy(update={"params": params})


def _number(given: object, otherwise: int) -> int:
    """Return a parameter's value; it may also be a range to search, or left to a preset."""
    return given if isinstance(given, int) else otherwise
