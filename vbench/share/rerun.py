"""Audits an exported data set as the benchmark audited the samples that it was made of.

Metrics with their parameters, plugins' files, features, patches and seed are those of the
benchmark's own audit, so the files as exported get the scores of the leaderboard, up to the last
digits where another device or number of threads sums in another order.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from vbench import registry
from vbench.analysis.chosen import Chosen
from vbench.analysis.folder import Arm, Results, read_results
from vbench.defaults import OUT
from vbench.engine.stages.audit import features_of
from vbench.engine.stages.common import real_patches
from vbench.engine.store import Store
from vbench.errors import StoreError
from vbench.files import read_json, write_json
from vbench.interfaces import Metric
from vbench.records.parts import PluginIdentity, PluginSetting
from vbench.records.stages import AuditInputs
from vbench.registry import Registry
from vbench.tables import NAME

#: What an exported folder says of itself.
MANIFEST = "dataset.json"


def audit_export(folder: str | Path, *, out: str | Path = OUT) -> dict[str, Any]:
    """Audit an exported data set against the patients that its generator learnt from.

    Args:
        folder: What :func:`vbench.export` wrote; the patches may have been thinned out since.
        out: The results folder that still holds the benchmark and the prepared patients.

    Returns:
        By family and metric: value, floor, ceiling; also written to ``audit.json``.

    Raises:
        StoreError: When the folder is no export, or the patients are not in the results folder.
    """
    from vbench.audit.scores import audit_patches
    from vbench.data.patches import ArrayPatches

    folder, out = Path(folder), Path(out)
    store = Store(out / "store")
    try:
        manifest = read_json(folder / MANIFEST)
        images = np.load(folder / "images.npy", mmap_mode="r", allow_pickle=False)
        labels = np.load(folder / "labels.npy", mmap_mode="r", allow_pickle=False)
        benchmark, arm, seed = manifest["benchmark"], manifest["arm"], int(manifest["seed"])
        # A path would lead to another plan, whose plugin files would be run.
        if not re.fullmatch(NAME, benchmark):
            raise ValueError(f"the benchmark '{benchmark}' is no name")
        training, heldout = tuple(manifest["training"]), tuple(manifest["heldout"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{folder}: not a folder that `vbench export` wrote ({error})") from error
    if not all(store.has(key) for key in (*training, *heldout)):
        raise StoreError(
            f"{store.root}: the prepared patients are not here; name with --out the results "
            "folder that the data set was made in"
        )
    results = read_results(out / benchmark)
    inputs = _inputs(results, arm, seed)
    if inputs is None or (inputs.train, inputs.heldout) != (training, heldout):
        raise StoreError(
            f"{folder}: '{benchmark}' was run again on other data, or without this arm, since it "
            "was exported; export again"
        )
    plugins, groups = _plugins(results), inputs.groups or {}
    lender = plugins.segmenter(inputs.features.plugin.name) if inputs.features else None
    scores: dict[str, Any] = audit_patches(
        ArrayPatches(images, labels),
        real_patches(store, inputs.train, inputs.patches, groups.get("train")),
        real_patches(store, inputs.heldout, inputs.patches, groups.get("heldout")),
        **{family: _metrics(plugins, inputs, family) for family in ("fidelity", "privacy")},
        seed=inputs.seed,
        features=features_of(store, inputs, lender),
    )
    write_json(folder / "audit.json", scores)
    return scores


def planned_audit(results: Results, arm: Arm, chosen: Chosen) -> AuditInputs:
    """Return what the benchmark audits an arm's samples with.

    A benchmark whose spec lists no fidelity and no privacy metric has no audit: then all installed
    metrics are used, with the filter bank.

    Raises:
        StoreError: When the benchmark's own audit has not run, or records are missing.
    """
    key = arm.audit.get(chosen.seed)
    record = results.records.get(key or "")
    if record is not None:
        return record.inputs_as(AuditInputs)
    if key is not None or chosen.generator is None:
        raise StoreError(f"{arm.name}: its audit has not run; run the benchmark first")
    plugins = _plugins(results)
    return AuditInputs(
        trials=arm.trials[chosen.seed],
        train=chosen.generator.inputs.train,
        heldout=_test_subjects(results),
        patches=chosen.generator.inputs.patches,
        metrics={
            family: tuple(
                PluginSetting(plugin=PluginIdentity(name=name)) for name in plugins.metrics(family)
            )
            for family in ("fidelity", "privacy")
        },
        higher_is_better=chosen.trial.inputs.trial_spec.higher_is_better,
        features=None,
        seed=chosen.seed,
    )


def _inputs(results: Results, name: str, seed: int) -> AuditInputs | None:
    arm = next((arm for arm in results.arms if arm.name == name), None)
    chosen = results.chosen(arm, seed) if arm is not None else None
    return None if arm is None or chosen is None else planned_audit(results, arm, chosen)


def _test_subjects(results: Results) -> tuple[str, ...]:
    """Return the keys of the source's test subjects; validation chose the candidate."""
    source = results.plan.data["source"]
    labels = {f"source · {name}" for name in source.subjects["test"]} if source else set()
    return tuple(
        key for key, job in results.jobs.items() if job.stage == "prepare" and job.label in labels
    )


def _plugins(results: Results) -> Registry:
    paths = (results.plan.spec.get("plugins") or {}).get("paths", ())
    return registry.for_paths(tuple(paths))


def _metrics(plugins: Registry, inputs: AuditInputs, family: str) -> list[Any]:
    found = []
    for setting in inputs.metrics.get(family, ()):
        cls: type[Metric] = plugins.metric(setting.plugin.name)
        found.append(cls(cls.Params.model_validate(dict(setting.params))))
    return found
