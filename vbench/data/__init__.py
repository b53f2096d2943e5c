"""Subjects from files to patches: read, check, prepare, split, cut. Names load when used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vbench.data.folder import Fault, FolderParams, FolderSource, Listing, SubjectFiles
    from vbench.data.nifti import read_image, write_like_native, write_volume
    from vbench.data.patches import ArrayPatches, MixedPatches, VolumePatches
    from vbench.data.predict import predict_volume
    from vbench.data.prepare import open_volume, prepare_subject
    from vbench.data.splits import Split, split_subjects
    from vbench.data.subject_files import read_subject

_HOME = {
    "Fault": "folder",
    "FolderParams": "folder",
    "FolderSource": "folder",
    "Listing": "folder",
    "SubjectFiles": "folder",
    "read_image": "nifti",
    "read_subject": "subject_files",
    "write_like_native": "nifti",
    "write_volume": "nifti",
    "ArrayPatches": "patches",
    "MixedPatches": "patches",
    "VolumePatches": "patches",
    "predict_volume": "predict",
    "open_volume": "prepare",
    "prepare_subject": "prepare",
    "Split": "splits",
    "split_subjects": "splits",
}

__all__ = [
    "ArrayPatches",
    "Fault",
    "FolderParams",
    "FolderSource",
    "Listing",
    "MixedPatches",
    "Split",
    "SubjectFiles",
    "VolumePatches",
    "open_volume",
    "predict_volume",
    "prepare_subject",
    "read_image",
    "read_subject",
    "split_subjects",
    "write_like_native",
    "write_volume",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'vbench.data' has no attribute '{name}'")
    return getattr(importlib.import_module(f"vbench.data.{_HOME[name]}"), name)
