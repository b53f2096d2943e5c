"""The datasheet of an exported data set, in Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vbench.markdown import escape, table
from vbench.records.board import Summary


def datasheet(
    manifest: Mapping[str, Any], scores: Mapping[str, Any], means: Mapping[str, Summary]
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
        "- **Not for**: diagnosis; training without a test on your own real patients.",
        "",
        "## What a segmenter trained only on these patches reached on real test subjects",
        "",
        *table(["score", "mean", "95 % interval", "n"], _mean_rows(means)),
    ]
    for family, title in (("fidelity", "How real they look"), ("privacy", "What they give away")):
        rows = [
            [escape(name), *(number(s[k]) for k in ("value", "floor", "ceiling")), _alarm(s)]
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


def _mean_rows(means: Mapping[str, Summary]) -> list[list[str]]:
    rows = []
    for name, m in means.items():
        interval = "" if m.ci95 is None else f"{number(m.ci95[0])} to {number(m.ci95[1])}"
        rows.append([escape(name), number(m.mean), interval, str(m.n)])
    return rows


def _alarm(score: Mapping[str, Any]) -> str:
    return "**ALARM**" if score.get("alarm") else ""


def number(value: float | None) -> str:
    """Write a score with three digits; – when there is none."""
    return "–" if value is None else f"{value:.3g}"
