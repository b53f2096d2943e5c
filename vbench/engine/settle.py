"""Settles what parameters leave to the machine, once, before any job has a key.

The plugin answers a value such as ``precision = "auto"`` where the run is planned. The answer
takes its place in the spec, and so is part of every job's parameters and key: workers on other
machines compute in the same way, and a rerun finds its results.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from vbench.interfaces import Fitted
from vbench.registry import Registry
from vbench.spec.check import build_params
from vbench.spec.labels import setup_of
from vbench.spec.model import Spec
from vbench.spec.space import without_ranges
from vbench.types import Kind


def settle(spec: Spec, registry: Registry) -> Spec:
    """Return the spec with every answer written out.

    Args:
        spec: A sound spec.
        registry: The plugins.
    """
    setup = setup_of(spec)

    def answered(
        kind: Kind, plugin: str, own: Mapping[str, Any], shared: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        cls = cast(type[Fitted], registry.get(kind, plugin).cls)
        named = without_ranges(cls.Params, {**(shared or {}), **own})
        params = build_params(cls.Params, named, f"{kind}.params")
        return {**own, **cls.settle(params, setup)}

    generators = [
        use.model_copy(update={"params": answered("generator", use.plugin, use.params)})
        for use in spec.generators
    ]
    networks = [
        use.model_copy(update={"params": answered("segmenter", use.plugin, use.params)})
        for use in spec.networks
    ]
    first, *others = networks
    regimes = {}
    for regime, table in spec.regimes.on():
        if hasattr(table, "params"):
            params = answered("segmenter", first.plugin, table.params, first.params)
            if others:  # which all share: only what the table itself leaves open
                params = {name: params[name] for name in table.params}
            regimes[regime.name] = table.model_copy(update={"params": params})
    return spec.model_copy(
        update={
            "generators": generators,
            **({"segmenters": networks} if spec.segmenters else {"segmenter": first}),
            "regimes": spec.regimes.model_copy(update=regimes),
        }
    )
