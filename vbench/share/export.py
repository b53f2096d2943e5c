"""Exports the synthetic patches of an arm as a data set to share, with its audit and datasheet.

The audit compares the exported files themselves with the patients that the generator learnt
from, and an alarm keeps them in. What leaves names no patient; what does stays in the house.
"""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vbench.analysis.folder import Results, read_results
from vbench.analysis.selected import arm_called, selected
from vbench.colours import class_legend
from vbench.defaults import OUT
from vbench.engine.store import Store
from vbench.errors import AlarmError, StoreError
from vbench.figures.figure import Figure
from vbench.figures.pixels import enlarge, patch_sheet, png
from vbench.files import atomic_write, write_json
from vbench.picture import explained
from vbench.records.parts import Repetition
from vbench.records.training import PrepareInputs
from vbench.share.aside import built_aside, check_free
from vbench.share.build import build
from vbench.share.croissant import CROISSANT, croissant
from vbench.share.dataset_card import CARD, dataset_card
from vbench.share.datasheet import html, markdown, page
from vbench.share.gate import Outcome, audited, refuse
from vbench.share.patches import Contents, read_patches, write_nifti, write_sums
from vbench.share.record import FILE, ExportRecord, record_folder
from vbench.share.rerun import MANIFEST, Audit
from vbench.share.review import write_review
from vbench.share.sheet import Datasheet
from vbench.share.table import TABLE, write_table
from vbench.types import Patches
from vbench.usertext import one_line

#: Patches that the datasheet shows.
SHOWN = 8
#: A shorter name of a patient is too common in other words to be looked for.
_NAME = 4


def export(
    arm: str,
    folder: str | Path,
    *,
    benchmark: str,
    out: str | Path = OUT,
    seed: Repetition | None = None,
    nifti: bool = False,
    drop_flagged: bool = False,
    accept_risk: str | None = None,
    licence: str | None = None,
    citation: str | None = None,
    review: str | Path | None = None,
) -> Path:
    """Write the synthetic patches that an arm selected, their audit and a datasheet.

    All is written or nothing is: on an alarm, too. What leads to patients (their names, which
    patch comes from whom, pictures of their patches) is written to ``<out>/exports/<id>/``.

    Args:
        arm: A synthetic arm, such as ``synthetic/wgan-gp-sn``.
        folder: Where to; must not exist, or be empty.
        benchmark: The benchmark's name.
        out: The results folder.
        seed: Which repetition; default: the one with the best validation score.
        nifti: Also write each patch as NIfTI, in nnU-Net layout.
        drop_flagged: Remove patches that the audit flags, audit what is left, and so on.
        accept_risk: Why it is exported in spite of an alarm; the datasheet says so.
        licence: Under which the data set is shared.
        citation: How to cite it.
        review: Another folder for the house's own page and tables; also written on an alarm.

    Returns:
        The folder: ``images.npy``, ``labels.npy``, ``dataset.json``, ``audit.json``,
        ``DATASHEET.md``, ``DATASHEET.html``, ``README.md``, ``croissant.json``,
        ``data/patches.parquet`` and ``SHA256SUMS``.

    Raises:
        AlarmError: When the audit raised an alarm and no reason is given.
        StoreError: When there is no such arm, it did not finish, its samples are no data set,
            their privacy cannot be judged, or a folder is in use.
    """
    folder, out = Path(folder), Path(out)
    check_free(folder)
    review_at = _review_folder(review, folder)
    reason, terms = said("--accept-risk", accept_risk), said("--licence", licence)
    cited = said("--cite", citation)
    results = read_results(out / benchmark)
    planned = arm_called(results, arm, kind="synthetic arm", fits=lambda each: each.shares)
    chosen = selected(results, planned, seed)
    if chosen.samples is None or chosen.generator is None:
        raise StoreError(f"{arm}: the records of its samples are missing; run again")
    name_nobody(
        results,
        {
            "--accept-risk": reason,
            "--licence": terms,
            "--cite": cited,
            "benchmark": benchmark,
            "arm": arm,
        },
    )
    store = Store(out / "store")
    images, labels = read_patches(store.artifacts(chosen.samples.key, "images.npy", "labels.npy"))
    audit = Audit(results, planned, chosen, out)
    names = _patients(store, audit)
    numbers = _shuffled(len(names))

    def look(place: Path, outcome: Outcome) -> None:
        write_review(place, outcome, images, labels, audit.training, names, numbers, arm)

    with built_aside(folder) as part:
        outcome = audited(audit, images, labels, part, what=arm, drop=drop_flagged)
        if reason is None:
            try:
                refuse(outcome, arm, dropped=drop_flagged)
            except (AlarmError, StoreError):
                if review_at is not None:
                    with built_aside(review_at) as place:
                        look(place, outcome)
                raise
        needed = outcome.verdict.word != "no alarm" or (drop_flagged and bool(outcome.flagged))
        record = ExportRecord(
            id=secrets.token_hex(16),
            benchmark=benchmark,
            arm=arm,
            seed=chosen.seed,
            train=audit.inputs.train,
            heldout=audit.inputs.heldout,
            samples=chosen.samples.key,
            removed=tuple(sorted(flag.patch for flag in outcome.removed)),
            patients=tuple(name for _, name in sorted(zip(numbers, names, strict=True))),
            accepted=reason if needed else None,
        )
        sheet = build(
            results, planned, chosen, audit, outcome, record, numbers, part,
            licence=terms, citation=cited, nifti=nifti,
        )  # fmt: skip
        _write_shared(part, sheet, audit, outcome, nifti=nifti)
        home = record_folder(out, record.id)
        try:
            with built_aside(home) as place:
                write_json(place / FILE, record.to_json())
                look(place, outcome)
            if review_at is not None:
                with built_aside(review_at) as place:
                    look(place, outcome)
        except BaseException:
            shutil.rmtree(home, ignore_errors=True)
            raise
    return folder


def _write_shared(
    part: Path, sheet: Datasheet, audit: Audit, outcome: Outcome, *, nifti: bool
) -> None:
    """Write all that leaves beside the patches: what describes files after them, sums last."""
    images, labels = read_patches(part)
    write_json(part / MANIFEST, sheet.to_json())
    write_json(part / "audit.json", shared_scores(outcome.scores))
    shown = page(sheet, _examples(audit.patches(part), audit.contents, outcome))
    write_table(part / TABLE, images, labels)
    for name, text in {
        "DATASHEET.md": markdown(shown),
        "DATASHEET.html": html(shown),
        CARD: dataset_card(sheet),
    }.items():
        with atomic_write(part / name) as path:
            path.write_text(text, encoding="utf-8")
    if nifti:
        write_nifti(part / "nnunet", images, labels, sheet.spacing, contents=audit.contents)
    write_json(part / CROISSANT, croissant(part, sheet))
    write_sums(part)


def shared_scores(scores: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """Return of an audit what may leave: single numbers, flags and intervals.

    Lists may tell of single patients or patches, and words of an error of paths: they stay.
    """
    return {
        family: {
            metric: {
                name: value
                for name, value in score.items()
                if value is None
                or isinstance(value, bool | int | float)
                or (name == "features" and isinstance(value, str))
                or (name.endswith("ci95") and isinstance(value, list) and len(value) == 2)
            }
            for metric, score in found.items()
        }
        for family, found in scores.items()
    }


def _examples(patches: Patches, contents: Contents, outcome: Outcome) -> list[Figure]:
    """Return a picture of some patches: image, label and both; of none that is flagged.

    A datasheet may go where its data set does not.
    """
    flagged = [flag.patch for flag in outcome.flagged]
    clear = np.flatnonzero(~np.isin(outcome.kept, flagged))
    if not len(clear):
        return []
    index = clear[np.unique(np.linspace(0, len(clear) - 1, SHOWN).astype(int))]
    sheet = enlarge(patch_sheet(patches.take(index)))
    words = f"{len(index)} of the patches: image, label and both, a column each"
    if contents.labels:
        sheet = explained(sheet, class_legend(tuple(contents.classes)))
        words += f"; the colours are those of {', '.join(contents.classes)}"
    return [Figure("Some of the patches", None, words, png(sheet), words)]


def _patients(store: Store, audit: Audit) -> list[str]:
    """Name the training patients, by their index in the patches' ``subject_index``."""
    groups = (audit.inputs.groups or {}).get("train")
    if groups is not None:
        return list(dict.fromkeys(groups))
    return [store.record(key).inputs_as(PrepareInputs).subject for key in audit.inputs.train]


def _shuffled(n: int) -> list[int]:
    """Return the numbers from 1 to n in an order that nobody can repeat."""
    numbers = list(range(1, n + 1))
    secrets.SystemRandom().shuffle(numbers)
    return numbers


def _review_folder(review: str | Path | None, folder: Path) -> Path | None:
    """Return where the review goes.

    Raises:
        StoreError: When it is in use, or lies in what is to be shared, or around it.
    """
    if review is None:
        return None
    place, shared = Path(review).resolve(), folder.resolve()
    if place.is_relative_to(shared) or shared.is_relative_to(place):
        raise StoreError(
            f"{review}: the review shows patients and must not lie in the folder to share, nor "
            "around it; name another with --review"
        )
    check_free(place)
    return place


def said(option: str, text: str | None) -> str | None:
    """Return what a person said, on one line.

    Raises:
        StoreError: When it says nothing.
    """
    if text is None:
        return None
    if not re.search(r"\w", text):
        raise StoreError(f"{option}: is empty; say it in words, the datasheet shows them")
    return one_line(" ".join(text.split()))


def name_nobody(results: Results, texts: Mapping[str, str | None]) -> None:
    """Refuse words for the datasheet that hold a patient's name.

    Raises:
        StoreError: When one does.
    """
    for what, text in texts.items():
        for name in _all_names(results):
            alone = rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])"
            if text and len(name) >= _NAME and re.search(alone, text, re.IGNORECASE):
                raise StoreError(
                    f"{what}: '{text}' holds '{name}', the name of a patient, and would be shared; "
                    "use other words"
                )


def _all_names(results: Results) -> Iterable[str]:
    for data in results.plan.data.values():
        if data is not None:
            yield from (name for part in data.subjects.values() for name in part)
            yield from (data.groups or {}).values()
