"""Exports the synthetic patches of an arm as a data set to share, with its audit and datasheet.

The audit compares the exported files themselves with the patients that the generator learnt
from, so whoever holds those patients can run it again on what is about to be shared.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

import vbench
from vbench.analysis.chosen import Chosen
from vbench.analysis.folder import Arm, Results, read_results
from vbench.analysis.leaderboard import typed_leaderboard
from vbench.defaults import OUT
from vbench.errors import StoreError, did_you_mean
from vbench.files import atomic_write, write_json
from vbench.records.board import Summary
from vbench.records.stages import PrepareResult
from vbench.regimes import named
from vbench.share.datasheet import datasheet
from vbench.share.rerun import MANIFEST, audit_export, planned_audit


def export(
    arm: str,
    folder: str | Path,
    *,
    benchmark: str,
    out: str | Path = OUT,
    seed: int | None = None,
    nifti: bool = False,
) -> Path:
    """Write the synthetic patches that an arm selected, their audit and a datasheet.

    Args:
        arm: A synthetic arm, such as ``synthetic/wgan-gp-sn``.
        folder: Where to; must not exist, or be empty.
        benchmark: The benchmark's name.
        out: The results folder.
        seed: Which repetition; default: the one with the best validation score.
        nifti: Also write each patch as NIfTI, in nnU-Net layout.

    Returns:
        The folder: ``images.npy``, ``labels.npy``, ``dataset.json``, ``audit.json`` and
        ``DATASHEET.md``.

    Raises:
        StoreError: When there is no such arm, it did not finish, or the folder is in use.
    """
    folder, out = Path(folder), Path(out)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise StoreError(f"{folder}: exists and is not empty; name another folder")
    results = read_results(out / benchmark)
    planned = _synthetic_arm(results, arm)
    chosen = _best(results, planned, seed)
    manifest = _manifest(results, planned, chosen)
    means = _means(results, planned)
    samples = out / "store" / (chosen.samples.key if chosen.samples else "")
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("images.npy", "labels.npy"):
        with atomic_write(folder / name) as temporary:
            shutil.copyfile(samples / name, temporary)
    write_json(folder / MANIFEST, manifest)
    scores = audit_export(folder, out=out)
    with atomic_write(folder / "DATASHEET.md") as path:
        path.write_text(datasheet(manifest, scores, means), encoding="utf-8")
    if nifti:
        _write_nifti(folder, manifest)
    return folder


def _synthetic_arm(results: Results, name: str) -> Arm:
    arms = {arm.name: arm for arm in results.arms if named(arm.regime).samples}
    if name not in arms:
        raise StoreError(f"no synthetic arm is called '{name}'{did_you_mean(name, list(arms))}")
    return arms[name]


def _best(results: Results, arm: Arm, seed: int | None) -> Chosen:
    """Return what the arm selected with this seed, or with the best one on validation subjects."""
    found = {chosen.seed: chosen for chosen in results.all_chosen(arm)}
    if seed is not None:
        found = {seed: found[seed]} if seed in found else {}
    if not found:
        which = "it" if seed is None else f"seed {seed}"
        raise StoreError(f"{arm.name}: {which} has not finished; run the benchmark first")

    def quality(chosen: Chosen) -> float:
        sign = 1.0 if chosen.trial.inputs.trial_spec.higher_is_better else -1.0
        return sign * chosen.evaluated.validation_score

    return max(found.values(), key=quality)


def _manifest(results: Results, arm: Arm, chosen: Chosen) -> dict[str, Any]:
    """Return what ``dataset.json`` says: how the patches were made, and what an audit needs."""
    samples, generator = chosen.samples, chosen.generator
    if samples is None or generator is None:
        raise StoreError(f"{arm.name}: the records of its samples are missing; run again")
    audit = planned_audit(results, arm, chosen)
    prepared = results.result(generator.inputs.train[0], PrepareResult)
    return {
        "benchmark": results.benchmark,
        "arm": arm.name,
        "generator": arm.generator,
        "seed": chosen.seed,
        "params": generator.result.to_json()["params"],
        "plugin": generator.inputs.plugin.to_json(),
        "patches": samples.result.n,
        "size": list(samples.inputs.size),
        "spacing": list(prepared.spacing) if prepared is not None else [],
        "training_subjects": len(generator.inputs.train),
        "training": list(audit.train),
        "heldout": list(audit.heldout),
        "patch_spec": audit.patches.to_json(),
        "vessel_fraction": samples.result.vessel_fraction,
        "vbench": vbench.__version__,
        "exported": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _means(results: Results, arm: Arm) -> Mapping[str, Summary]:
    """Return the arm's scores on the test subjects, by metric."""
    rows = typed_leaderboard(results).rows
    return next(row.metrics for row in rows if row.arm == arm.name)


def _write_nifti(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Write each patch as a case in nnU-Net layout, below ``nnunet/``."""
    from vbench.data.datasetjson import dataset_json
    from vbench.data.nifti import write_volume

    images = np.load(folder / "images.npy", mmap_mode="r", allow_pickle=False)
    labels = np.load(folder / "labels.npy", mmap_mode="r", allow_pickle=False)
    affine = np.diag([*manifest["spacing"], 1.0])
    place = folder / "nnunet"
    for i, (image, label) in enumerate(zip(images, labels, strict=True)):
        if image.ndim == 2:
            image, label = image[..., None], label[..., None]
        name = f"synthetic_{i:06d}"
        write_volume(place / "imagesTr" / f"{name}_0000.nii.gz", image.astype(np.float32), affine)
        write_volume(place / "labelsTr" / f"{name}.nii.gz", label.astype(np.uint8), affine)
    write_json(place / "dataset.json", dataset_json(len(images)))
