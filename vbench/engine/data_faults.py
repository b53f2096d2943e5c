"""Checks the data of a benchmark before anything is trained."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import cast

from vbench.data.folder import FolderSource
from vbench.engine.datasets import role_of
from vbench.engine.keys import digest
from vbench.engine.plan import Plan
from vbench.engine.settings import resolved
from vbench.engine.stages.base import own_params
from vbench.engine.store import Store
from vbench.errors import DataError
from vbench.interfaces import Generator, Segmenter
from vbench.records.training import FitGeneratorInputs, FitSegmenterInputs, PrepareResult
from vbench.registry import Entry, Registry
from vbench.spec import Spec
from vbench.spec.check import build_params
from vbench.spec.data import where
from vbench.spec.labels import open_source, setup_of, with_classes
from vbench.spec.model import PluginUse
from vbench.spec.space import without_ranges
from vbench.types import Cutting, Setup

logger = logging.getLogger(__name__)


def data_faults(spec: Spec, registry: Registry) -> list[str]:
    """Return what ``vbench data check`` finds in the folders that a spec names.

    Returns:
        One line per fault, those that are alike folded; remarks are left to ``vbench data check``.
    """
    from vbench.data.check import faults_of, folded

    lines: list[str] = []
    spec = with_classes(spec, registry)
    for name, use in spec.data.sets.items():
        cls, key = registry.source(use.plugin), where(spec.data, name)
        if not issubclass(cls, FolderSource):
            continue
        values = {**cls.role_defaults.get(role_of(name), {}), **use.params}
        source = cast(FolderSource, open_source(cls, build_params(cls.Params, values, key), use))
        try:
            found, bare = faults_of(source), source.unlabelled()
        except DataError as error:
            lines.append(f"{key}: {error}")
            continue
        lines += [f"{key}: {line}" for line in ([bare] if bare else folded(found))]
    return lines


def refuse_faults(plan: Plan, store: Store, registry: Registry) -> None:
    """Check the data before anything is trained, unless all of it was prepared before.

    Raises:
        DataError: With the first fault.
    """
    jobs = [job for subjects in plan.data.values() for job in subjects.jobs.values()]
    lines = [] if all(store.has(job.key) for job in jobs) else data_faults(plan.spec, registry)
    lines = lines or weights_faults(plan, registry, store)
    remarks: list[str] = []
    if not lines:
        lines, remarks = generator_files(plan, registry, store)
    for remark in remarks:
        logger.warning("%s", remark)
    if lines:
        more = f" ({len(lines) - 1} more: 'vbench validate' lists them)" if lines[1:] else ""
        raise DataError(lines[0] + more)


def weights_faults(plan: Plan, registry: Registry, store: Store | None = None) -> list[str]:
    """Lay weights that were made elsewhere into the segmenters that start from them.

    Args:
        plan: The benchmark.
        registry: The plugins.
        store: What is done in it is not tried again.

    Returns:
        One line for each that does not fit.
    """
    from vbench.engine.given import adopt, read

    lines: dict[str, None] = {}
    tried: set[str] = set()
    for key, job in plan.jobs.items():
        inputs = job.inputs
        if not isinstance(inputs, FitSegmenterInputs) or inputs.given is None:
            continue
        params = own_params("segmenter", inputs.trial_spec, inputs.params, {})
        params |= job.extra.get("params", {})
        name = digest([inputs.plugin.name, params, inputs.given.to_json()])
        if name in tried or (store is not None and store.has(key)):
            continue
        tried.add(name)
        cls = cast(type[Segmenter], registry.get("segmenter", inputs.plugin.name).cls)
        segmenter = cls(cls.Params.model_validate(params), setup_of(plan.spec))
        file = Path(job.extra["weights"])
        try:
            adopt(segmenter, read(file), inputs.given, file)
        except DataError as error:
            lines[f"{job.extra['where']}: {error}"] = None
    return list(lines)


def generator_files(
    plan: Plan, registry: Registry, store: Store | None = None
) -> tuple[list[str], list[str]]:
    """Let generators look into the files that they read.

    Args:
        plan: The benchmark.
        registry: The plugins.
        store: A generator whose fits are all done in it looks at nothing; nor is anything read
            again that was prepared.

    Returns:
        One line for each fault, and one for each remark.
    """
    spec, faults, remarks = plan.spec, [], []
    setup: Setup | None = None
    for index, use in enumerate(spec.generators):
        entry = registry.get("generator", use.plugin)
        cls, key = cast(type[Generator], entry.cls), f"generators.{index}.params"
        if use.from_ or not _overrides(cls) or _fitted(plan, store, use, entry):
            continue
        setup = setup or _setup(plan, registry, store)
        params = build_params(cls.Params, without_ranges(cls.Params, use.params), key)
        try:
            found = cls.inspect(params, setup)
        except (ValueError, DataError) as error:
            faults.append(f"{key}: generator '{use.plugin}': {error}")
            continue
        remarks += [f"{key}: generator '{use.plugin}': {line}" for line in found]
    return faults, remarks


def _overrides(cls: type[Generator]) -> bool:
    return cls.inspect.__func__ is not Generator.inspect.__func__  # type: ignore[attr-defined]


def _fitted(plan: Plan, store: Store | None, use: PluginUse, entry: Entry) -> bool:
    """Whether all fits of a generator are in the store."""
    wanted = resolved(entry, use, "generators")
    fits = [
        key
        for key, job in plan.jobs.items()
        if isinstance(job.inputs, FitGeneratorInputs)
        and job.inputs.plugin.name == use.plugin
        and {**job.inputs.params, **job.extra.get("params", {})} == wanted
    ]
    return store is not None and bool(fits) and all(store.has(key) for key in fits)


def _setup(plan: Plan, registry: Registry, store: Store | None) -> Setup:
    """Return what generators are built for, with the spacing of the real training data.

    Of a procedure that makes subjects, the first is made for it.
    """
    spec, subjects = plan.spec, plan.data["source"]
    cls = registry.source(subjects.plugin)
    source = open_source(cls, cls.Params.model_validate(subjects.params), spec.data.sets["source"])
    names = subjects.fold(0).parts["train"]
    spacings = []
    for name in names:
        key = subjects.jobs[name].key
        if store is not None and store.has(key):
            spacings.append(store.result(key, PrepareResult).spacing)
        elif isinstance(source, FolderSource):
            spacings.append(source.spacing_of(name))
        elif not spacings:
            spacings.append(source.load(name).spacing)
    patches = spec.patches
    return replace(
        setup_of(spec),
        spacing=tuple(median(axis) for axis in zip(*spacings, strict=True)) or None,
        cutting=Cutting(patches.per_subject, patches.vessel_centred, normalise=spec.data.normalise),
    )


def unreadable(plan: Plan, registry: Registry) -> list[str]:
    """Load the subjects of a source without a known layout; of a procedure, only the first.

    Returns:
        One line for each that cannot be used.
    """
    from vbench.data.folder import FolderSource

    lines: list[str] = []
    for name, subjects in plan.data.items():
        key, cls = where(plan.spec.data, name), registry.source(subjects.plugin)
        if issubclass(cls, FolderSource):
            continue
        params = cls.Params.model_validate(subjects.params)
        source = open_source(cls, params, plan.spec.data.sets[name])
        # Any file that another kind of source reads may be wrong.
        folder = any(isinstance(value, Path) for value in params.model_dump().values())
        for subject in list(subjects.jobs)[: None if folder else 1]:
            try:
                source.load(subject)
            except DataError as error:
                lines.append(f"{key}: {error}")
    return lines
