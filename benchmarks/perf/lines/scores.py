"""Single scores beside the tools of the field, on the pair of arteries with a DSC of 0.58."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from harness import Found, NotInstalledError, in_turn, line
from mask_cases import CASES, Case

CASE = "arteries, DSC 0.58"


def ours(metric: str, case: Case) -> float:
    """Return a score of a new pair."""
    from vbench import MaskPair, registry

    pair = MaskPair(case.prediction, case.truth, case.spacing)
    return registry.default().metric(metric)().score(pair).value


def edges(case: Case) -> list[float]:
    """Return the spacing as plain numbers."""
    return [float(edge) for edge in case.spacing]


def tensors(case: Case) -> list[Any]:
    """Return both masks as MONAI takes them."""
    import torch

    return [torch.from_numpy(mask)[None, None] for mask in (case.prediction, case.truth)]


def monai_dsc(case: Case) -> float:
    """DSC."""
    from monai.metrics import compute_dice

    return float(compute_dice(*tensors(case)))


def monai_assd(case: Case) -> float:
    """Average symmetric surface distance."""
    from monai.metrics import compute_average_surface_distance

    return float(compute_average_surface_distance(
        *tensors(case), include_background=True, symmetric=True, spacing=edges(case)
    ))  # fmt: skip


def monai_nsd(case: Case) -> float:
    """Surface Dice."""
    from monai.metrics import compute_surface_dice

    return float(compute_surface_dice(
        *tensors(case), [1.0], include_background=True, spacing=edges(case)
    ))  # fmt: skip


def medpy(name: str) -> Callable[[Case], float]:
    """Return a score of medpy."""

    def call(case: Case) -> float:
        from medpy.metric import binary

        spacing = (edges(case),) if name in ("hd", "hd95", "assd") else ()
        return float(getattr(binary, name)(case.prediction, case.truth, *spacing))

    return call


def simple_itk(case: Case) -> float:
    """DSC, of SimpleITK's overlap filter."""
    import SimpleITK

    found = SimpleITK.LabelOverlapMeasuresImageFilter()
    found.Execute(*(
        SimpleITK.GetImageFromArray(mask.T.view(np.uint8))
        for mask in (case.truth, case.prediction)
    ))  # fmt: skip
    return float(found.GetDiceCoefficient())


def simple_itk_hd(case: Case) -> float:
    """Hausdorff distance: its maximum, from voxels and not from borders."""
    import SimpleITK

    SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    images = [
        SimpleITK.GetImageFromArray(mask.T.view(np.uint8)) for mask in (case.prediction, case.truth)
    ]
    for image in images:
        image.SetSpacing(edges(case))
    found = SimpleITK.HausdorffDistanceImageFilter()
    found.Execute(*images)
    return float(found.GetHausdorffDistance())


def surface_distance(case: Case) -> float:
    """95 % Hausdorff distance of DeepMind's tool, weighted by area."""
    import surface_distance as theirs

    found = theirs.compute_surface_distances(case.truth, case.prediction, edges(case))
    return float(theirs.compute_robust_hausdorff(found, 95))


def distorch(case: Case) -> float:
    """hd95 of DisTorch, which needs CUDA or KeOps and is on no package index."""
    raise NotInstalledError("DisTorch (on no package index)")


#: Why some are slower than tools that only count.
COUNTED = (
    "It counts voxels; we find where they are, which the other scores need: dsc, precision and "
    "recall together take as long as one of them."
)
#: Score, what it is compared with, distribution, the peer's call, how near, rounds.
LINES: tuple[tuple[str, str, str, Callable[[Case], float], float, int], ...] = (
    ("dsc", "MONAI", "monai", monai_dsc, 1e-6, 3),
    ("assd", "MONAI", "monai", monai_assd, 1e-6, 3),
    ("nsd", "MONAI", "monai", monai_nsd, 1e-6, 3),
    ("dsc", "medpy", "medpy", medpy("dc"), 1e-9, 3),
    ("precision", "medpy", "medpy", medpy("precision"), 1e-9, 3),
    ("recall", "medpy", "medpy", medpy("recall"), 1e-9, 3),
    ("hd95-pooled", "medpy", "medpy", medpy("hd95"), 1e-6, 1),
    ("hd", "medpy", "medpy", medpy("hd"), 1e-6, 1),
    ("assd", "medpy", "medpy", medpy("assd"), 1e-6, 1),
    ("dsc", "SimpleITK", "SimpleITK", simple_itk, 1e-9, 3),
    ("hd", "SimpleITK", "SimpleITK", simple_itk_hd, 0.05, 1),
    ("hd95", "surface-distance", "surface-distance", surface_distance, 0.1, 1),
    ("hd95", "DisTorch", "", distorch, 1e-6, 1),
)


def _add(metric: str, tool: str, distribution: str, peer: Any, near: float, rounds: int) -> None:
    name = f"{metric} beside {tool}"
    why = COUNTED if tool == "medpy" else ""

    @line(name, peer=tool, distribution=distribution, rounds=rounds, goal=1, why=why)
    def measure(rounds: int) -> Found:
        case = CASES[CASE]()
        theirs, mine = peer(case), ours(metric, case)
        apart = abs(mine - theirs) / max(abs(theirs), 1e-12)
        assert apart <= near, (mine, theirs)
        equal = f"equal to {max(apart, 1e-9):.0e}"
        if near > 1e-3:
            equal = f"{mine:.3f} and {theirs:.3f} mm: another definition"
        taken, other = in_turn(lambda: ours(metric, case), lambda: peer(case), rounds)
        return Found(case.inputs, equal, taken, other)


for _row in LINES:
    _add(*_row)
