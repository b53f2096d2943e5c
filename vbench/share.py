"""Exports the synthetic patches of an arm as a data set to share, with its audit and datasheet.

The audit compares the exported files themselves with the patients that the generator learnt
from, so it can be run again, by whoever holds those, on what is about to leave the house.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

import vbench
from vbench import registry
from vbench.engine.store import Store
from vbench.errors import StoreError
from vbench.files import atomic_write, read_json, write_json
from vbench.markdown import escape, table
from vbench.suggest import did_you_mean

#: What the folder says of itself.
MANIFEST = "dataset.json"


def export(
    arm: str,
    folder: str | Path,
    *,
    benchmark: str,
    out: str | Path = "results",
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
    plan = _plan(out, benchmark)
    entry = _arm(plan, arm)
    store = Store(out / "store")
    finished = {int(s): key for s, key in entry["evaluate"].items() if store.has(key)}
    if not finished or (seed is not None and seed not in finished):
        which = "it" if seed is None else f"seed {seed}"
        raise StoreError(f"{arm}: {which} has not finished; run the benchmark first")
    if seed is None:
        seed = max(finished, key=lambda s: store.result(finished[s])["validation_score"])
    chosen = store.result(finished[seed])
    trial = store.record(entry["trials"][str(seed)][chosen["trial"]])
    samples = store.folder(trial["inputs"]["synthetic"][chosen["checkpoint"]])
    made = store.record(samples.name)
    fitted = store.record(made["inputs"]["generator"])
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("images.npy", "labels.npy"):
        with atomic_write(folder / name) as temporary:
            shutil.copyfile(samples / name, temporary)
    training = fitted["inputs"]["train"]
    manifest = {
        "benchmark": benchmark,
        "arm": arm,
        "generator": entry["generator"],
        "seed": seed,
        "params": fitted["result"]["params"],
        "plugin": fitted["inputs"]["plugin"],
        "patches": made["result"]["n"],
        "size": made["inputs"]["size"],
        "spacing": store.result(training[0])["spacing"],
        "training_subjects": len(training),
        "training": training,
        "heldout": _heldout(plan),
        "patch_spec": fitted["inputs"]["patches"],
        "vessel_fraction": made["result"]["vessel_fraction"],
        "vbench": vbench.__version__,
        "exported": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    write_json(folder / MANIFEST, manifest)
    scores = audit_export(folder, out=out)
    with atomic_write(folder / "DATASHEET.md") as path:
        path.write_text(datasheet(manifest, scores, _means(out, benchmark, arm)), encoding="utf-8")
    if nifti:
        _write_nifti(folder, manifest)
    return folder


def audit_export(folder: str | Path, *, out: str | Path = "results") -> dict[str, Any]:
    """Audit an exported data set against the patients that its generator learnt from.

    Args:
        folder: What :func:`export` wrote; the patches may have been thinned out since.
        out: The results folder that still holds the prepared patients.

    Returns:
        By family and metric: value, floor, ceiling; also written to ``audit.json``.

    Raises:
        StoreError: When the folder is no export, or the patients are not in the results folder.
    """
    from vbench.audit import audit_patches
    from vbench.data.patches import ArrayPatches, VolumePatches
    from vbench.data.prepare import open_volume

    folder, store = Path(folder), Store(Path(out) / "store")
    try:
        manifest = read_json(folder / MANIFEST)
        images = np.load(folder / "images.npy", mmap_mode="r", allow_pickle=False)
        labels = np.load(folder / "labels.npy", mmap_mode="r", allow_pickle=False)
        spec, parts = manifest["patch_spec"], (manifest["training"], manifest["heldout"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{folder}: not a folder that `vbench export` wrote ({error})") from error
    for key in (*parts[0], *parts[1]):
        if not store.has(key):
            raise StoreError(
                f"{store.root}: the prepared patients are not here; name with --out the results "
                "folder that the data set was made in"
            )

    def pool(keys: list[str]) -> VolumePatches:
        volumes = [open_volume(store.folder(key)) for key in keys]
        return VolumePatches(
            volumes,
            size=spec["size"],
            per_subject=spec["per_subject"],
            vessel_centred=spec["vessel_centred"],
            seed=spec["seed"],
        )

    plugins = registry.default()
    scores: dict[str, Any] = audit_patches(
        ArrayPatches(images, labels),
        pool(parts[0]),
        pool(parts[1]),
        fidelity=[cls() for cls in plugins.metrics("fidelity").values()],  # type: ignore[misc]
        privacy=[cls() for cls in plugins.metrics("privacy").values()],  # type: ignore[misc]
        seed=manifest["seed"],
    )
    write_json(folder / "audit.json", scores)
    return scores


def datasheet(
    manifest: Mapping[str, Any], scores: Mapping[str, Any], means: Mapping[str, Any]
) -> str:
    """Return the datasheet as Markdown: what the set is, how it was made, what it is worth."""
    size = " × ".join(map(str, manifest["size"]))
    spacing = " × ".join(f"{s:g}" for s in manifest["spacing"])
    lines = [
        f"# {manifest['patches']} synthetic labelled vessel patches",
        "",
        f"Made by `{manifest['generator']}` (vbench {manifest['vbench']}, benchmark "
        f"{manifest['benchmark']}, seed {manifest['seed']}), exported {manifest['exported']}.",
        "",
        f"- **Content**: patches of {size} voxels of {spacing} mm; `images.npy` float16 in "
        f"[-1, 1], `labels.npy` 0 or 1; vessel in {manifest['vessel_fraction']:.2%} of the voxels.",
        f"- **Learnt from**: {manifest['training_subjects']} subjects. No patch is a patient's; "
        "what may still be given away is measured below.",
        "- **Not for**: diagnosis; training without a test on real patients of one's own.",
        "",
        "## What a segmenter trained on these patches alone reached on real test subjects",
        "",
        *table(["score", "mean", "95 % interval", "n"], _mean_rows(means)),
    ]
    for family, title in (("fidelity", "How real they look"), ("privacy", "What they give away")):
        rows = [
            [escape(name), *(_number(s[k]) for k in ("value", "floor", "ceiling")), _alarm(s)]
            for name, s in scores[family].items()
        ]
        lines += ["", f"## {title}", ""]
        lines += table(["score", "this set", "as good as can be", "as bad as can be", ""], rows)
    lines += [
        "",
        "An audit finds the leaks that it looks for. A score like that of unseen patients is no "
        "proof of anonymity.",
        "",
    ]
    return "\n".join(lines)


def _plan(out: Path, benchmark: str) -> dict[str, Any]:
    path = out / benchmark / "plan.json"
    try:
        plan: dict[str, Any] = read_json(path)
    except (OSError, ValueError) as error:
        raise StoreError(f"{path}: no benchmark of this name was run here") from error
    return plan


def _arm(plan: Mapping[str, Any], arm: str) -> dict[str, Any]:
    arms: dict[str, dict[str, Any]] = {a["arm"]: a for a in plan["arms"]}
    synthetic = [name for name, a in arms.items() if a["regime"] == "synthetic"]
    if arm not in synthetic:
        raise StoreError(f"no synthetic arm is called '{arm}'{did_you_mean(arm, synthetic)}")
    return arms[arm]


def _heldout(plan: Mapping[str, Any]) -> list[str]:
    """Return the keys of the source's test subjects; validation chose the candidate."""
    subjects = plan["data"]["source"]["subjects"]
    labels = {f"source · {name}" for name in subjects["test"]}
    return [j["key"] for j in plan["jobs"] if j["stage"] == "prepare" and j["label"] in labels]


def _means(out: Path, benchmark: str, arm: str) -> dict[str, Any]:
    rows = read_json(out / benchmark / "leaderboard.json")["rows"]
    found: dict[str, Any] = next(row["metrics"] for row in rows if row["arm"] == arm)
    return found


def _mean_rows(means: Mapping[str, Any]) -> list[list[str]]:
    rows = []
    for name, m in means.items():
        low, high = m.get("ci95") or (None, None)
        interval = "" if low is None else f"{_number(low)} to {_number(high)}"
        rows.append([escape(name), _number(m["mean"]), interval, str(m["n"])])
    return rows


def _alarm(score: Mapping[str, Any]) -> str:
    return "**ALARM**" if score.get("alarm") else ""


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"


def _write_nifti(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Write each patch as a case in nnU-Net layout, below ``nnunet/``."""
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
    description = {
        "channel_names": {"0": "TOF-MRA"},
        "labels": {"background": 0, "vessel": 1},
        "numTraining": len(images),
        "file_ending": ".nii.gz",
    }
    write_json(place / "dataset.json", description)
