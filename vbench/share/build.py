"""Gathers what a datasheet says from the records of a run and from the audit of the files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, Literal, get_origin

import numpy as np
from pydantic import JsonValue

import vbench
from vbench.analysis.chosen import Chosen
from vbench.analysis.folder import Arm, Results
from vbench.analysis.leaderboard import typed_leaderboard
from vbench.analysis.scores import metric_info
from vbench.audit.attacks import ABOUT, ATTACKS
from vbench.engine.stages.common import spacing_of
from vbench.engine.store import Store
from vbench.interfaces import Fitted
from vbench.records.board import Board, Row
from vbench.records.training import PrepareInputs
from vbench.registry import Registry
from vbench.registry.catalogue import summary
from vbench.share import words
from vbench.share.croissant import CROISSANT
from vbench.share.gate import Outcome
from vbench.share.patches import SUMS, Contents, read_patches
from vbench.share.record import ExportRecord
from vbench.share.rerun import Audit
from vbench.share.sheet import AuditScore, Datasheet, Utility, Worst
from vbench.share.table import TABLE
from vbench.share.words import label_words
from vbench.types import Array


def build(
    results: Results,
    arm: Arm,
    chosen: Chosen,
    audit: Audit,
    outcome: Outcome,
    record: ExportRecord,
    numbers: Sequence[int],
    part: Path,
    *,
    licence: str | None,
    citation: str | None,
    nifti: bool,
) -> Datasheet:
    """Return the datasheet of an export.

    Args:
        results: The benchmark.
        arm: What is exported of it.
        chosen: Its repetition.
        audit: What the files were audited with.
        outcome: What that found.
        record: What the house keeps.
        numbers: The number of each training patient.
        part: The folder with the patches.
        licence: Of the data set; None when none was given.
        citation: How to cite it; likewise.
        nifti: Whether NIfTI files are written.
    """
    assert chosen.generator is not None
    fitted, store = chosen.generator, audit.store
    plugin = fitted.inputs.plugin
    entry = audit.plugins.get("generator", plugin.name)
    cls = audit.plugins.generator(plugin.name)
    images, labels = read_patches(part)
    board = typed_leaderboard(results)
    row = next(row for row in board.rows if row.arm == arm.name)
    real = are_people(store, audit.plugins, fitted.inputs.train)
    subjects, heldout = (
        len(np.unique(patches.subject_index)) for patches in (audit.training, audit.heldout)
    )
    scores = tuple(
        _score(audit.plugins, family, name, found, real)
        for family in ("privacy", "fidelity")
        for name, found in outcome.scores[family].items()
    )
    utility = tuple(utility_of(results, board, chosen, row))
    spacing = spacing_of(store, fitted.inputs) or ()
    vessel = float(np.mean([(np.asarray(label) > 0).mean() for label in labels]))
    contents = audit.contents
    worst = _worst(outcome, numbers)
    judged, removed = outcome.verdict, len(outcome.removed)
    shipped = f"{entry.distribution} {entry.version}" if entry.version else "a local plugin"
    return Datasheet(
        id=record.id,
        vbench=vbench.__version__,
        benchmark=record.benchmark,
        arm=record.arm,
        generator=plugin.name,
        generator_name=None if arm.generator == plugin.name else arm.generator,
        generator_about=summary(cls),
        paper=cls.paper,
        plugin=shipped,
        params=shareable(cls, fitted.result.params),
        patches=len(images),
        size=tuple(labels.shape[1:]),
        spacing=spacing,
        labels=contents.labels,
        channel_names=contents.channel_names,
        class_fractions=_class_fractions(labels, contents),
        vessel_fraction=vessel,
        empty_share=float(np.mean([not np.asarray(label).any() for label in labels])),
        learns=cls.learns,
        people=real,
        subjects=subjects,
        heldout=heldout,
        removed=removed,
        flagged=len(outcome.flagged),
        verdict=judged.word,
        alarms=judged.alarms,
        worst=worst,
        accepted=record.accepted,
        licence=licence,
        citation=citation,
        repetitions=max(row.seeds, 1),
        scores=scores,
        utility=utility,
        learnt=words.learnt(cls.learns, subjects, real),
        concludes=words.conclusion(
            word=judged.word,
            alarms=judged.alarms,
            failed=outcome.failed,
            flagged=len(outcome.flagged),
            removed=removed,
            worst=worst,
            subjects=subjects,
            real=real,
            accepted=record.accepted,
        ),
        limits=words.limits(
            scores=scores,
            patches=len(images),
            guarantee=fitted.result.guarantee,
            subjects=subjects,
            heldout=heldout,
            removed=removed,
            learns=cls.learns,
            real=real,
            untaken=audit.untaken,
        ),
        criteria=words.criteria(
            scores=scores,
            utility=utility,
            word=judged.word,
            spacing=spacing,
            vessel_fraction=vessel,
            repetitions=row.seeds,
            licence=licence,
            generator=plugin.name,
            paper=cls.paper,
            labels=label_words(contents.labels),
        ),
        files={
            "images.npy": "the images, float16 in [-1, 1]",
            "labels.npy": f"their labels, {label_words(contents.labels)}",
            **({"nnunet/": "the same as NIfTI, in nnU-Net layout"} if nifti else {}),
            TABLE: "the same as a table, which the library datasets loads",
            "README.md": "how to load it: the data set card of the Hugging Face hub",
            CROISSANT: "all files and how they came about, in Croissant",
            "DATASHEET.md, DATASHEET.html": "this datasheet",
            "dataset.json": "this datasheet for programs",
            "audit.json": "all fidelity and privacy scores",
            SUMS: "checksums of all files",
        },
    )


def _class_fractions(labels: Array, contents: Contents) -> dict[str, float] | None:
    if contents.labels is None:
        return None
    counts = np.zeros(len(contents.classes) + 1)
    for label in labels:
        counts += np.bincount(contents.indexed(label).ravel(), minlength=len(counts))
    shares = counts / counts.sum()
    return {name: float(shares[i]) for i, name in enumerate(contents.classes, start=1)}


def are_people(store: Store, plugins: Registry, keys: Sequence[str]) -> bool:
    """Whether any of these prepared subjects is a person; those of an unknown source are."""
    names = {store.record(key).inputs_as(PrepareInputs).plugin.name for key in keys}
    return any(not plugins.has("source", name) or plugins.source(name).patients for name in names)


def shareable(cls: type[Fitted], params: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Return the parameters that cannot name a file or a person: numbers, flags, fixed choices."""
    found: dict[str, JsonValue] = {}
    for name, value in params.items():
        field = cls.Params.model_fields.get(name)
        fixed = field is not None and get_origin(field.annotation) is Literal
        if isinstance(value, bool | int | float) or (isinstance(value, str) and fixed):
            found[name] = value
    return found


def _score(
    plugins: Registry, family: Any, name: str, found: Mapping[str, Any], real: bool
) -> AuditScore:
    if name in ATTACKS:
        kind, about = f"{name}@{ATTACKS[name]}", ABOUT[name]
    else:
        cls = plugins.metric(name)
        kind, about = f"{cls.name}@{cls.version}", summary(cls)
    interval = found.get("ci95")
    return AuditScore(
        family=family,
        name=name,
        id=kind,
        about=about,
        value=found.get("value"),
        floor=found.get("floor"),
        ceiling=found.get("ceiling"),
        ci95=None if interval is None else tuple(interval),
        alarm=bool(found.get("alarm")),
        says=words.score_words(family, about, found, real),
    )


def _worst(outcome: Outcome, numbers: Sequence[int]) -> Worst | None:
    worst = outcome.verdict.worst
    if worst is None:
        return None
    return Worst(
        number=numbers[worst.subject],
        value=worst.value,
        ci95=worst.interval,
        metric=worst.metric,
    )


def utility_of(results: Results, board: Board, chosen: Chosen, row: Row) -> list[Utility]:
    """Return the segmentation scores: of these patches, of all repetitions, of real patches."""
    reference = next(
        (
            other.metrics
            for other in board.rows
            if other.regime == "real"
            and (other.cohort, other.segmenter) == (row.cohort, row.segmenter)
        ),
        {},
    )
    found = []
    for name, mean in row.metrics.items():
        values = [
            case.value
            for case in chosen.evaluated.cases
            if case.metric == name and case.value is not None and case.label is None
        ]
        found.append(
            Utility(
                metric=name,
                unit=metric_info(results, name).unit,
                this=fmean(values) if values else None,
                mean=mean.mean,
                ci95=mean.ci95,
                real=reference[name].mean if name in reference else None,
                subjects=len(values),
            )
        )
    return found
