"""Each check of a data source finds the fault that it is there for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fixtures.plugins.line import Line

import vbench
from vbench.errors import DataError
from vbench.testing import SourceSuite, run, suite_for


class TestLine(SourceSuite):
    plugin = Line


class Empty(Line):
    """No subjects."""

    def subjects(self, wanted=None):
        return []


class Twins(Line):
    """Two subjects of one name."""

    def subjects(self, wanted=None):
        return ["line-1", "line-1"]


class Slashes(Line):
    """Names that are paths."""

    def subjects(self, wanted=None):
        return ["sub/line-1"]


class Shuffled(Line):
    """Another order each time."""

    def subjects(self, wanted=None):
        return [f"line-{i}" for i in np.random.permutation(20)]  # noqa: NPY002


class Loaded(Line):
    """Loads a subject with one field changed."""

    change: dict = {}  # noqa: RUF012

    def load(self, subject):
        return replace(super().load(subject), **self.change)


class Mirrored(Loaded):
    """Left and right are swapped."""

    change = {"affine": np.diag([-1.0, 1, 1, 1])}  # noqa: RUF012


class Micrometres(Loaded):
    """The affine has another unit than the spacing."""

    change = {"spacing": (1e-3, 1e-3, 1e-3)}  # noqa: RUF012


class OwnUnit(Loaded):
    """A unit of another name than vbench has for it."""

    change = {"unit": "um"}  # noqa: RUF012


class GreyLabel(Loaded):
    """The label is not binary."""

    change = {"label": np.full((8, 8, 8), 0.5)}  # noqa: RUF012


class Holes(Loaded):
    """NaN outside of the scanner's field of view."""

    change = {"image": np.full((8, 8, 8), np.nan)}  # noqa: RUF012


class WrongMask(Loaded):
    """A mask of another scan."""

    change = {"mask": np.ones((8, 8, 7), bool)}  # noqa: RUF012


class Stranger(Loaded):
    """Calls itself something else."""

    change = {"id": "somebody"}  # noqa: RUF012


class NotesObjects(Loaded):
    """Notes that no file can hold."""

    change = {"notes": {"scanner": object()}}  # noqa: RUF012


class Noisy(Line):
    """Adds other noise each time."""

    def load(self, subject):
        loaded = super().load(subject)
        return replace(loaded, image=loaded.image + np.random.random((8, 8, 8)))  # noqa: NPY002


class OneFingerprint(Line):
    """All subjects look alike."""

    def fingerprint(self, subject):
        return "line@1"


class Folder(Line):
    """Takes a missing folder for an empty one."""

    class Params(vbench.Params):
        path: str = vbench.param(..., "Where the files are")


class Terse(Folder):
    """Does not say which folder."""

    def subjects(self, wanted=None):
        if self.params.path != "here":
            raise DataError("folder not found")
        return super().subjects(wanted)


@pytest.mark.parametrize(
    ("cls", "check", "message"),
    [
        (Empty, "names-subjects", "there is no subject"),
        (Twins, "names-subjects", "named twice"),
        (Slashes, "names-subjects", "'sub/line-1': expected letters"),
        (Shuffled, "names-subjects", "then"),
        (Mirrored, "affine-is-canonical", "not in RAS+ order"),
        (Micrometres, "affine-is-canonical", "the spacing is (0.001"),
        (OwnUnit, "subjects-are-sound", "unit is 'um'; expected one of mm, micron, meter, voxel"),
        (GreyLabel, "subjects-are-sound", "the label is float64; expected bool"),
        (Holes, "subjects-are-sound", "NaN or infinity"),
        (WrongMask, "subjects-are-sound", "the mask has shape (8, 8, 7)"),
        (Stranger, "subjects-are-sound", "calls itself 'somebody'"),
        (NotesObjects, "notes-are-plain", "object has no JSON form"),
        (Noisy, "loading-repeats", "the image is another"),
        (Noisy, "leaves-global-state-alone", "numpy.random"),
        (OneFingerprint, "fingerprint-is-stable", "two subjects have one"),
    ],
)
def test_the_fault_is_found(cls, check, message):
    (outcome,) = run(suite_for(cls), only=[check])
    assert outcome.status == "failed"
    assert message in outcome.message


def test_a_fingerprint_that_another_process_does_not_repeat(install):
    install("hashing")
    from hashing import Hashing

    (outcome,) = run(suite_for(Hashing), only=["fingerprint-is-stable"])
    assert outcome.status == "failed"
    assert "in another process" in outcome.message


@pytest.mark.parametrize(
    ("cls", "message"),
    [(Folder, "taken for one with subjects"), (Terse, "does not name the folder")],
)
def test_a_missing_folder_that_goes_unnamed(cls, message):
    (outcome,) = run(suite_for(cls, {"path": "here"}), only=["missing-folder-is-named"])
    assert outcome.status == "failed"
    assert message in outcome.message


def test_what_is_needed_is_said():
    statuses = {o.check: (o.status, o.message) for o in run(suite_for(Folder))}
    assert statuses["names-subjects"] == (
        "skipped",
        "needs path, which has no default: give it to the check",
    )
    assert statuses["describes-itself"][0] == "passed"
