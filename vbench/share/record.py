"""What the house keeps of an export: how to audit it again, and who is who in its datasheet.

A data set that was shared carries a random id and nothing else that leads to its patients. The
rest lies under that id in the results folder, beside the prepared patients.
"""

from __future__ import annotations

import re
from pathlib import Path

from vbench.errors import StoreError
from vbench.files import read_json
from vbench.records.model import Record
from vbench.records.parts import Key, Repetition

FOLDER = "exports"
FILE = "record.json"


class ExportRecord(Record):
    """An export.

    Attributes:
        id: Random; what the shared folder says.
        benchmark, arm, seed: What was exported.
        train, heldout: Keys of the prepared subjects that it was audited with.
        samples: Key of the samples that it was taken from.
        removed: Indices of the samples that were left out.
        patients: Names of the training patients, in the order in which the datasheet numbers them
            from 1: a random one.
        accepted: Why it was exported in spite of the audit; None when there was nothing to accept.
    """

    id: str
    benchmark: str
    arm: str
    seed: Repetition
    train: tuple[Key, ...]
    heldout: tuple[Key, ...]
    samples: Key
    removed: tuple[int, ...] = ()
    patients: tuple[str, ...] = ()
    accepted: str | None = None


def record_folder(out: Path, name: str) -> Path:
    """Return where the house keeps what belongs to an export."""
    return out / FOLDER / name


def read_record(out: Path, name: object) -> ExportRecord:
    """Read the record of an export.

    Args:
        out: The results folder.
        name: The id that the shared folder gives; it may have been changed by anyone.

    Raises:
        StoreError: When there is no such record.
    """
    # An id that is a path would lead to another plan, whose plugin files would be run.
    if not (isinstance(name, str) and re.fullmatch("[0-9a-f]{32}", name)):
        raise StoreError(f"dataset.json: the id {name!r} is none; expected what export wrote")
    path = record_folder(out, name) / FILE
    try:
        return ExportRecord.read(read_json(path), path)
    except (OSError, ValueError) as error:
        raise StoreError(
            f"{path}: no record of this export; name with --out the results folder that it was "
            "made in"
        ) from error
