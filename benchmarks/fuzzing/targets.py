"""All kinds of input that are spoiled, by name."""

from __future__ import annotations

from fuzzing.commands import CentreLines, Metadata, Specs, Trees, Volumes
from fuzzing.data_sets import Classes, Columns, Pictures, Predictions
from fuzzing.given import Bundles, Patches, Weights
from fuzzing.results import Exports, Packs, Results, Shared
from fuzzing.target import Target

TARGETS: dict[str, Target] = {
    "nifti": Volumes(),
    "nnunet": Trees("nnunet"),
    "bids": Trees("bids"),
    "manifest": Trees("manifest"),
    "spec": Specs(),
    "swc": CentreLines(),
    "store": Results(),
    "arrays": Shared(),
    "export": Exports(),
    "metadata": Metadata(),
    "pack": Packs(),
    "classes": Classes(),
    "columns": Columns(),
    "images": Pictures(),
    "score": Predictions(),
    "weights": Weights(),
    "bundle": Bundles(),
    "folder": Patches(),
}
