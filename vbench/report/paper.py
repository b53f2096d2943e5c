"""The paper's own numbers, beside ours.

Kossen et al. 2021 (doi 10.1016/j.compbiomed.2021.104254): one seed, no intervals; what the paper
does not report is not here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vbench.analysis.wording import number, span

NOTE = (
    "Compare the DSC and the order of arms, not the 95HD: the paper's values very likely come from"
    " EvaluateSegmentation, whose quantile is taken over distances that an early stop cut short;"
    " it lies near the maximum and depends on the run. Ours is the larger of both directions'"
    " 95th percentiles of border distances in mm. The data differ too."
)


@dataclass(frozen=True)
class Line:
    """One line of the comparison.

    Attributes:
        what: The experiment.
        paper_dsc, paper_hd95: The paper's scores, as text.
        arm: Ours; empty when the benchmark has no such arm.
        dsc, hd95: Our scores, as text.
    """

    what: str
    paper_dsc: str
    paper_hd95: str
    arm: str
    dsc: str
    hd95: str


def comparison(board: Mapping[str, Any]) -> list[Line]:
    """Return the lines that the benchmark has an arm for; empty without a real and a synthetic."""
    rows = [row for row in board["rows"] if row["status"] == "ok"]
    if "dsc" not in board["metrics"]:
        return []
    real = next((row for row in rows if row["regime"] == "real"), None)
    synthetic = _closest(rows, "synthetic")
    if real is None or synthetic is None:
        return []
    lines = [
        _line("U-net on real patches", "0.89", "26.57", real),
        _line("U-net on synthetic patches, WGAN-GP-SN", "0.85", "30.00", synthetic),
    ]
    order = _order(rows)
    if order:
        lines.append(Line("order of the GANs by DSC", "WGAN-GP-SN first", "", "", order, ""))
    against = synthetic["versus"].get("real", {}).get("dsc")
    if against:
        ours = f"{number(against['ratio'], 3)} {span(against['ratio_ci95'], 3)}"
        lines.append(Line("synthetic / real", "0.955", "", synthetic["arm"], ours, ""))
    pretrained = _closest([row for row in rows if row["n_subjects"] == 1], "transfer")
    scratch, control = (
        next((r for r in rows if (r["regime"], r["n_subjects"], r["control"]) == wanted), None)
        for wanted in (("scratch", 1, None), ("scratch", 1, "equal-steps"))
    )
    if pretrained:
        what = "second data set, 1 patient, pre-trained on synthetic"
        lines.append(_line(what, "0.91", "24.66", pretrained))
    if scratch:
        what = "second data set, 1 patient, no pre-training"
        lines.append(_line(what, "0.84", "27.36", scratch))
    if control:
        what = "the same with as many steps as pre-training and fine-tuning"
        lines.append(_line(what, "", "", control))
    for name, what, paper in (
        ("scratch", "pre-trained less not, 1 patient, as many steps on the patient", "+0.07"),
        ("control", "pre-trained less not, 1 patient, as many steps in all", ""),
    ):
        gain = (pretrained or {}).get("versus", {}).get(name, {}).get("dsc")
        if pretrained and gain:
            ours = f"{gain['difference']:+.3f} {span(gain['ci95'], 3)}"
            lines.append(Line(what, paper, "", pretrained["arm"], ours, ""))
    return lines


def _order(rows: list[dict[str, Any]]) -> str:
    """Return the paper's GANs that the benchmark has, best first; empty for fewer than two."""
    gans = [
        row
        for row in rows
        if row["regime"] == "synthetic" and row["generator"] in ("dcgan", "wgan-gp", "wgan-gp-sn")
    ]
    gans.sort(key=lambda row: -(row["metrics"]["dsc"]["mean"] or 0.0))
    return ", ".join(row["generator"] for row in gans) if len(gans) > 1 else ""


def _closest(rows: list[dict[str, Any]], regime: str) -> dict[str, Any] | None:
    """Return the arm of the paper's generator, else the best of the regime (rows are ranked)."""
    found = [row for row in rows if row["regime"] == regime]
    named = [row for row in found if row["generator"] == "wgan-gp-sn"]
    return next(iter(named or found), None)


def _line(what: str, dsc: str, hd95: str, row: Mapping[str, Any]) -> Line:
    ours = [
        f"{number(entry['mean'])} {span(entry['ci95'])}"
        if (entry := row["metrics"].get(name))
        else ""
        for name in ("dsc", "hd95")
    ]
    return Line(what, dsc, hd95, row["arm"], *ours)
