"""Who is in which game of an attack: the members of shadow trainings, and made-up patients."""

from __future__ import annotations

from typing import cast

import numpy as np

from vbench.engine.datasets import Subjects, called
from vbench.engine.job import Job, identity
from vbench.engine.keys import derive_seed
from vbench.errors import DataError, SpecError
from vbench.interfaces import DataSource
from vbench.records.parts import Key
from vbench.records.training import PrepareInputs
from vbench.registry import Registry
from vbench.spec.audit import Audit
from vbench.spec.check import build_params
from vbench.spec.model import Spec


def shadow_members(source: Subjects, shadows: int, seed: int) -> list[tuple[Key, ...]]:
    """Choose the volumes that each shadow learns from, among training and test subjects.

    As many persons are left out of each as the audited generator did not see: the next ones in a
    random order, again from its start, so that each is left out about as often.

    Raises:
        SpecError: When there are too few shadows to have each person both in one and out of one.
    """
    train, heldout = source.persons("train"), source.persons("test")
    everyone = [*train, *heldout]
    least = -(-len(everyone) // min(len(train), len(heldout)))
    if 0 < shadows < least:
        raise SpecError(
            f"audit.shadows = {shadows}: of {len(everyone)} patients {len(heldout)} are left out "
            f"of each shadow, so {least} or more are needed to have each in one and out of one"
        )
    order = np.random.default_rng(derive_seed(seed, "shadows")).permutation(len(everyone))
    chosen = []
    for number in range(shadows):
        first = number * len(heldout)
        left_out = {int(order[(first + i) % len(order)]) for i in range(len(heldout))}
        members = [own for i, own in enumerate(everyone) if i not in left_out]
        chosen.append(tuple(key for own in members for key in own))
    return chosen


def canary_jobs(spec: Spec, registry: Registry, table: Audit) -> list[Job]:
    """Plan the preparation of made-up patients.

    Raises:
        DataError: When a patch does not fit into them.
        SpecError: When the source's parameters are wrong.
    """
    from vbench.data.patches import check_fit

    use = table.canary
    entry = registry.get("source", use.plugin)
    cls = cast(type[DataSource], entry.cls)
    params = build_params(cls.Params, use.params, "audit.canary.params")
    source = cls(params)
    with called("audit.canary", f"source '{use.plugin}'"):
        names = source.subjects(table.canaries)[: table.canaries]
        prints = [source.fingerprint(name) for name in names]
        shapes = {name: source.shape_of(name) for name in names}
    if len(set(prints)) < table.canaries:
        raise DataError(
            f"audit.canary: source '{use.plugin}' has {len(set(prints))} different subjects, but "
            f"audit.canaries = {table.canaries}; ask for fewer"
        )
    with called("audit.canary", f"source '{use.plugin}'"):
        check_fit({n: shape for n, shape in shapes.items() if shape}, spec.patches.size)
    values = params.model_dump(mode="json")
    return [
        Job(
            label=f"canary · {name}",
            inputs=PrepareInputs(
                plugin=identity(entry),
                params=values,
                subject=name,
                fingerprint=fingerprint,
                normalise=spec.data.normalise,
            ),
            extra={"params": values},
            benchmark=spec.benchmark.name,
        )
        for name, fingerprint in zip(names, prints, strict=True)
    ]
