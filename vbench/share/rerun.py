"""Audits an exported data set as the benchmark audited the samples that it was made of.

Metrics with their parameters, plugins' files, features, patches and seed are those of the
benchmark's own audit, so the files as exported get the scores of the leaderboard, up to the last
digits where another device or number of threads sums in another order. Privacy metrics that the
benchmark does not name are computed as well, with their defaults: whoever wrote the spec does not
choose what an export is held to. What the benchmark's attacks found of the generator is added.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vbench import registry
from vbench.analysis.chosen import Chosen
from vbench.analysis.folder import Arm, Results, read_results
from vbench.defaults import OUT
from vbench.engine.stages.audit import features_of
from vbench.engine.stages.common import real_patches
from vbench.engine.store import Store
from vbench.errors import StoreError
from vbench.files import read_json
from vbench.interfaces import Metric
from vbench.records.judging import AttackResult, AuditInputs
from vbench.records.parts import PluginIdentity, PluginSetting, Repetition, seed_of
from vbench.records.training import PrepareInputs
from vbench.registry import Registry
from vbench.share.patches import Contents, meaningless, read_patches
from vbench.share.record import read_record
from vbench.spec.labels import takes
from vbench.types import CHANNELS, Patches

#: What an exported folder says of itself.
MANIFEST = "dataset.json"


class Audit:
    """The audit of one arm and seed, to be run on files.

    Attributes:
        inputs: What the benchmark's audit was given, and the privacy metrics that it lacks.
        store, plugins: Of the results folder and the benchmark.
        attacks: What attacks on the generator found, by name: it counts whatever is done to its
            samples.
        contents: Classes and channels of the patches.
        untaken: Privacy metrics that do not take as many of them.
        training: Patches of the patients that the generator was fitted on.
        heldout: Patches of patients that it never saw.
    """

    def __init__(self, results: Results, arm: Arm, chosen: Chosen, out: Path) -> None:
        """Open the patients' patches.

        Raises:
            StoreError: When the benchmark's own audit or attack has not run, or the prepared
                patients are not in the results folder.
        """
        planned = planned_audit(results, arm, chosen)
        self.attacks = _attacks(results, arm, chosen.seed)
        self.store, self.plugins = Store(out / "store"), plugins_of(results)
        self.inputs, self.untaken = _taken(planned, self.plugins, contents_of(results, planned))
        if not all(self.store.has(key) for key in (*self.inputs.train, *self.inputs.heldout)):
            raise StoreError(
                f"{self.store.root}: the prepared patients are not here; name with --out the "
                "results folder that the data set was made in"
            )
        self.contents = contents_of(results, self.inputs)
        groups = self.inputs.groups or {}
        self.training, self.heldout = (
            real_patches(self.store, keys, self.inputs.patches, groups.get(name))
            for name, keys in (("train", self.inputs.train), ("heldout", self.inputs.heldout))
        )

    def patches(self, folder: Path) -> Patches:
        """Open the patches of an export's folder; see :meth:`Contents.patches`."""
        return self.contents.patches(folder, self.training)

    def of(self, synthetic: Patches) -> dict[str, Any]:
        """Return the scores of synthetic patches, as :func:`vbench.audit.audit_patches` does."""
        from vbench.audit.scores import audit_patches

        inputs, plugins = self.inputs, self.plugins
        lender = plugins.segmenter(inputs.features.plugin.name) if inputs.features else None
        found: dict[str, Any] = audit_patches(
            synthetic,
            self.training,
            self.heldout,
            **{family: _metrics(plugins, inputs, family) for family in ("fidelity", "privacy")},
            seed=inputs.seed,
            features=features_of(self.store, inputs, lender),
        )
        found["privacy"] = {**found["privacy"], **self.attacks}
        return found


def audit_export(folder: str | Path, *, out: str | Path = OUT) -> dict[str, Any]:
    """Audit an exported data set against the patients that its generator learnt from.

    Nothing is written. What is returned names what must not leave: which patches come from which
    patient's.

    Args:
        folder: What :func:`vbench.export` wrote; the patches may have been thinned out since.
        out: The results folder that still holds the benchmark and the prepared patients.

    Returns:
        By family and metric: value, floor, ceiling, and what else the metric says.

    Raises:
        StoreError: When the folder is no export, or the patients are not in the results folder.
    """
    folder, out = Path(folder), Path(out)
    try:
        manifest = read_json(folder / MANIFEST)
        if "training" in manifest:
            raise StoreError(f"{folder}: written by an older vbench; export the arm again")
        name = manifest["id"]
        fault = meaningless(*read_patches(folder))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{folder}: not a folder that `vbench export` wrote ({error})") from error
    if fault:
        raise StoreError(f"{folder}: {fault}; that such a set gives nobody away is meaningless")
    record = read_record(out, name)
    results = read_results(out / record.benchmark)
    arm = next((arm for arm in results.arms if arm.name == record.arm), None)
    chosen = results.chosen(arm, record.seed) if arm is not None else None
    audit = None if arm is None or chosen is None else Audit(results, arm, chosen, out)
    if audit is None or (audit.inputs.train, audit.inputs.heldout) != (
        record.train,
        record.heldout,
    ):
        raise StoreError(
            f"{folder}: '{record.benchmark}' was run again on other data, or without this arm, "
            "since it was exported; export again"
        )
    try:
        return audit.of(audit.patches(folder))
    except ValueError as error:
        raise StoreError(f"{folder}: {error}; these are not the patches of this export") from error


def planned_audit(results: Results, arm: Arm, chosen: Chosen) -> AuditInputs:
    """Return what the benchmark audits an arm's samples with, and the privacy metrics it lacks.

    A benchmark whose spec lists no fidelity and no privacy metric has no audit: then all installed
    metrics are used, with the filter bank.

    Raises:
        StoreError: When the benchmark's own audit has not run, or records are missing.
    """
    key = arm.audit.get(chosen.seed)
    record = results.records.get(key or "")
    plugins = plugins_of(results)
    if record is not None:
        inputs = record.inputs_as(AuditInputs)
        named = {setting.plugin.name for setting in inputs.metrics["privacy"]}
        others = [each for each in _defaults(plugins, "privacy") if each.plugin.name not in named]
        privacy = (*inputs.metrics["privacy"], *others)
        return inputs.model_copy(update={"metrics": {**inputs.metrics, "privacy": privacy}})
    if key is not None or chosen.generator is None:
        raise StoreError(f"{arm.name}: its audit has not run; run the benchmark first")
    return AuditInputs(
        trials=arm.trials[chosen.seed],
        train=chosen.generator.inputs.train,
        heldout=_test_subjects(results, chosen.seed),
        patches=chosen.generator.inputs.patches,
        metrics={family: _defaults(plugins, family) for family in ("fidelity", "privacy")},
        higher_is_better=chosen.trial.inputs.trial_spec.higher_is_better,
        features=None,
        seed=seed_of(chosen.seed),
    )


def contents_of(results: Results, inputs: AuditInputs) -> Contents:
    """Return what the patches show that an audit is given."""
    prepared = results.records[inputs.train[0]].inputs_as(PrepareInputs)
    return Contents.of(prepared.labels, prepared.channels or CHANNELS)


def _taken(
    inputs: AuditInputs, plugins: Registry, contents: Contents
) -> tuple[AuditInputs, tuple[str, ...]]:
    """Return an audit without the metrics that take fewer classes or channels, and their names."""

    def fits(setting: PluginSetting) -> bool:
        cls: Any = plugins.metric(setting.plugin.name)
        counts = (cls.classes, len(contents.classes)), (cls.channels, len(contents.channels))
        return all(takes(count, wanted) for count, wanted in counts)

    metrics = {family: tuple(filter(fits, found)) for family, found in inputs.metrics.items()}
    left = [each.plugin.name for each in inputs.metrics["privacy"] if not fits(each)]
    return inputs.model_copy(update={"metrics": metrics}), tuple(left)


def _attacks(results: Results, arm: Arm, seed: Repetition) -> Mapping[str, Mapping[str, Any]]:
    """Return what the benchmark's attack on a generator found; nothing when none was planned."""
    key = arm.attack.get(seed)
    found = results.result(key, AttackResult)
    if key is not None and found is None:
        raise StoreError(
            f"{arm.name}: the attack on its generator has not finished; run the benchmark again"
        )
    return {} if found is None else found.privacy


def _defaults(plugins: Registry, family: str) -> tuple[PluginSetting, ...]:
    """Return all metrics of a family that need no parameter."""
    return tuple(
        PluginSetting(plugin=PluginIdentity(name=name))
        for name, cls in plugins.metrics(family).items()
        if not any(field.is_required() for field in cls.Params.model_fields.values())
    )


def _test_subjects(results: Results, seed: Repetition) -> tuple[str, ...]:
    """Return the keys of the source's test subjects; validation chose the candidate."""
    source = results.plan.data["source"]
    labels = {f"source · {name}" for name in source.seen_by(seed)["test"]} if source else set()
    return tuple(
        key for key, job in results.jobs.items() if job.stage == "prepare" and job.label in labels
    )


def plugins_of(results: Results) -> Registry:
    """Return the plugins that a benchmark may use, those of its own files included."""
    return registry.for_paths(results.plan.plugin_files)


def _metrics(plugins: Registry, inputs: AuditInputs, family: str) -> list[Any]:
    found = []
    for setting in inputs.metrics.get(family, ()):
        cls: type[Metric] = plugins.metric(setting.plugin.name)
        found.append(cls(cls.Params.model_validate(dict(setting.params))))
    return found
