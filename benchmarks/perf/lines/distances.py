"""hd95, and all segmentation scores together, beside MONAI's hd95 alone."""

from __future__ import annotations

from typing import Any

from harness import Found, in_turn, line
from machine import share_of_bytes
from mask_cases import CASES, Case

GUARDS = ("arteries, DSC 0.58", "WMH-like")
#: Why goals are missed.
WHY = {
    "hd95, WMH-like": "the masks are specks whose every voxel is on the border: half of the time "
    "are nearest neighbours of 5,000 points by scipy's k-d tree.",
    "all scores, WMH-like": "half of the 44 ms are some 250 passes of the thinning, over "
    "few voxels each, which cost as much as passes over many.",
    "all scores, SegTHOR-like": "`hd95-evalseg` takes 7 of 9 s: it repeats the scans of another "
    "tool voxel by voxel, and they are long in organs; centrelines take 2 s.",
    "all scores, OAI-like": "the masks are cartilage, not vessels, and their centrelines "
    "(clDice, recall by radius) take 1.4 of 2.0 s: every voxel inside is taken off.",
}


def monai(case: Case) -> float:
    """Return MONAI's 95 % Hausdorff distance."""
    import torch
    from monai.metrics import compute_hausdorff_distance

    masks = [torch.from_numpy(mask)[None, None] for mask in (case.prediction, case.truth)]
    spacing = [float(edge) for edge in case.spacing]
    found = compute_hausdorff_distance(
        *masks, include_background=True, percentile=95, spacing=spacing
    )
    return float(found)


def hd95(case: Case) -> float:
    """Return hd95 of a new pair."""
    from vbench import MaskPair, registry

    pair = MaskPair(case.prediction, case.truth, case.spacing)
    return registry.default().metric("hd95")().score(pair).value


def table(case: Case) -> float:
    """Return hd95, of all segmentation scores of a new pair."""
    from vbench import score

    return score(case.prediction, case.truth, case.spacing)["hd95"]


def _compare(case: Case, ours: Any, rounds: int) -> Found:
    mine, theirs = ours(case), monai(case)
    apart = abs(mine - theirs) / theirs
    assert apart < 1e-6, (mine, theirs)
    taken, peer = in_turn(lambda: ours(case), lambda: monai(case), rounds)
    read = case.prediction.nbytes + case.truth.nbytes
    return Found(
        case.inputs,
        f"hd95 {mine:.4f} mm, equal to {max(apart, 1e-9):.0e}",
        taken,
        peer,
        limit=f"reading both masks once: {share_of_bytes(read, min(taken))}",
    )


def _add(name: str) -> None:
    quick = name in GUARDS
    about = {"peer": "MONAI hd95", "distribution": "monai", "quick": quick}

    def why(what: str) -> dict[str, str]:
        return {"why": WHY.get(what, "")}

    @line(f"hd95, {name}", goal=10, rounds=3, **about, **why(f"hd95, {name}"))
    def distance(rounds: int) -> Found:
        return _compare(CASES[name](), hd95, rounds)

    @line(f"all scores, {name}", goal=1, rounds=2, **about, **why(f"all scores, {name}"))
    def scores(rounds: int) -> Found:
        return _compare(CASES[name](), table, rounds)


for _name in CASES:
    _add(_name)
