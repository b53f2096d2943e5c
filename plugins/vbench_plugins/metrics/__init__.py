"""Built-in metrics."""

from __future__ import annotations

from collections.abc import Callable

import vbench
from vbench_plugins.metrics import (
    agreement,
    copies,
    evalseg,
    fidelity,
    label_inference,
    learned,
    morphology,
    named_vessels,
    overlap,
    prdc,
    privacy,
    surface,
    topology,
    volume,
)


@vbench.hookimpl
def vbench_register_metrics(register: Callable[[type[vbench.Metric]], None]) -> None:
    """Register them all."""
    for cls in (
        overlap.Dice,
        overlap.Precision,
        overlap.Recall,
        overlap.Detection,
        overlap.RecallBelow1,
        overlap.Recall1To2,
        overlap.RecallAbove2,
        surface.Hausdorff95,
        surface.Hausdorff,
        surface.Hausdorff95Pooled,
        evalseg.Hausdorff95EvalSeg,
        surface.AverageSurfaceDistance,
        surface.AverageDistance,
        surface.BalancedAverageDistance,
        surface.SurfaceDice,
        topology.CentrelineDice,
        topology.ComponentsError,
        topology.LoopsError,
        topology.ComponentsMatchingError,
        named_vessels.SideRoads,
        named_vessels.InvalidNeighbours,
        volume.VolumeError,
        fidelity.FrechetDistance,
        fidelity.KernelDistance,
        fidelity.MaximumMeanDiscrepancy,
        fidelity.ClassifierTest,
        prdc.Precision,
        prdc.Recall,
        prdc.Density,
        prdc.Coverage,
        morphology.Morphology,
        agreement.LabelAgreement,
        copies.Copies,
        learned.LearnedCopies,
        privacy.NearestRatio,
        privacy.NearCopies,
        privacy.MembershipAuc,
        label_inference.LabelInference,
    ):
        register(cls)
