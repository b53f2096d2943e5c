"""The checks of a data source: subjects that are sound, and the same each time."""

from __future__ import annotations

import json
import pickle
import re
from typing import Any, ClassVar

import numpy as np

from vbench.data.header import MM
from vbench.errors import DataError
from vbench.interfaces import DataSource
from vbench.testing.guards import (
    changed,
    digest,
    global_state,
    in_new_process,
    no_network,
    other_random_state,
)
from vbench.testing.suite import Conformance, Skip, expect
from vbench.types import Subject

WANTED = 2
_ID = re.compile(r"^[A-Za-z0-9._-]+$")
_PROBE = """
import pickle, sys
cls, settings, subject = pickle.load(sys.stdin.buffer)
print(cls(settings).fingerprint(subject))
"""


class SourceSuite(Conformance):
    """Every check of a data source; subclass it, set ``plugin``, and ``params`` where it needs any.

    A source that reads a folder is given a small one: ``params = {"path": …}``.
    """

    plugin: ClassVar[type[DataSource]]
    _loaded: ClassVar[dict[str, Subject]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Give each suite its own subjects."""
        super().__init_subclass__(**kwargs)
        cls._loaded = {}

    def source(self) -> Any:
        """Return a new source."""
        return self.plugin(self.settings())

    def first(self) -> str:
        """Return the name of the first subject."""
        return str(self.source().subjects(WANTED)[0])

    def subject(self) -> Subject:
        """Return the first subject, loaded once for all checks."""
        if "first" not in self._loaded:
            self._loaded["first"] = self.source().load(self.first())
        return self._loaded["first"]

    def test_names_subjects(self) -> None:
        """Names its subjects in a stable order, each once."""
        names = self.source().subjects(WANTED)
        expect(names, "there is no subject")
        for name in names:
            expect(
                isinstance(name, str) and _ID.match(name),
                f"subject {name!r}: expected letters, digits, '.', '_' and '-'",
            )
        expect(len(set(names)) == len(names), f"a subject is named twice: {names}")
        with other_random_state(99):
            again = self.source().subjects(WANTED)
        expect(names == again, f"first {names}, then {again}")

    def test_subjects_are_sound(self) -> None:
        """Loads finite intensities, a binary label, positive spacing and an RAS+ affine in mm."""
        subject = self.subject()
        expect(isinstance(subject, Subject), f"load returned {type(subject).__name__}")
        expect(subject.id == self.first(), f"subject {self.first()!r} calls itself {subject.id!r}")
        shape = np.shape(subject.image)
        expect(len(shape) == 3, f"the image has shape {shape}; expected three axes")
        expect(np.asarray(subject.image).dtype.kind in "fiu", "the image does not hold numbers")
        expect(np.isfinite(subject.image).all(), "the image holds NaN or infinity")
        known = self.source().shape_of(self.first())
        expect(known in (None, shape), f"shape_of says {known}, the image has {shape}")
        masks = {"label": subject.label, "mask": subject.mask, "ignore": subject.ignore}
        for what, mask in masks.items():
            if mask is None:
                continue
            expect(mask.shape == shape, f"the {what} has shape {mask.shape}, the image {shape}")
            expect(mask.dtype == np.bool_, f"the {what} is {mask.dtype}; expected bool")
        expect(subject.label.any(), "the label is empty")
        spacing = subject.spacing
        expect(
            len(spacing) == 3 and all(0 < s < np.inf for s in spacing),
            f"spacing is {spacing}; expected three positive lengths in mm",
        )
        expect(subject.unit in MM, f"unit is {subject.unit!r}; expected one of {', '.join(MM)}")

    def test_affine_is_canonical(self) -> None:
        """Gives an affine whose axes point right, anterior, superior, of the spacing's lengths."""
        subject = self.subject()
        affine = np.asarray(subject.affine, dtype=np.float64)
        expect(affine.shape == (4, 4), f"the affine has shape {affine.shape}")
        lengths = np.linalg.norm(affine[:3, :3], axis=0)
        expect(
            np.allclose(lengths, subject.spacing, rtol=1e-3),
            f"the affine's axes are {lengths} long, the spacing is {subject.spacing}",
        )
        directions = affine[:3, :3] / lengths
        # Axes at 45° point one way as much as another.
        expect(
            (np.diag(directions) > np.abs(directions).max(axis=0) - 0.01).all(),
            "the arrays are not in RAS+ order; reorder them (nibabel.as_closest_canonical)",
        )

    def test_notes_are_plain(self) -> None:
        """Keeps notes that can be written as JSON."""
        try:
            json.dumps(dict(self.subject().notes), default=_numbers)
        except TypeError as error:
            raise AssertionError(f"notes: {error}") from error

    def test_loading_repeats(self) -> None:
        """Loads the same subject the same way, whatever the global random state."""
        first = self.subject()
        with other_random_state(99):
            second = self.source().load(self.first())
        for what in ("image", "label", "affine"):
            same = digest(getattr(first, what)) == digest(getattr(second, what))
            expect(same, f"the {what} is another the second time")

    def test_fingerprint_is_stable(self) -> None:
        """Has a fingerprint for each subject that does not change from process to process."""
        source = self.source()
        names = source.subjects(WANTED)
        prints = [source.fingerprint(name) for name in names]
        expect(all(isinstance(p, str) and p for p in prints), f"fingerprints are {prints}")
        expect(len(set(prints)) == len(prints), "two subjects have one fingerprint")
        source.load(names[0])
        expect(source.fingerprint(names[0]) == prints[0], "it changes when the subject is loaded")
        there = _fingerprint_elsewhere((self.plugin, self.settings(), names[0]))
        expect(there == prints[0], f"it is {prints[0]} here and {there} in another process")

    def test_parameters_can_be_sent(self) -> None:
        """Has parameters that can be sent to another process."""
        settings = self.settings()
        again = pickle.loads(pickle.dumps(settings))  # nosec B301 - pickled by this very line
        expect(again == settings, "pickling changes the parameters")

    def test_leaves_global_state_alone(self) -> None:
        """Touches no global random state."""
        before = global_state()
        self.source().load(self.first())
        touched = changed(before)
        expect(not touched, f"changes {', '.join(sorted(touched))}")

    def test_needs_no_network(self) -> None:
        """Reaches for no network."""
        with no_network() as attempts:
            self.source().load(self.first())
        expect(not attempts, f"tried to {'; '.join(attempts[:3])}")

    def test_missing_folder_is_named(self) -> None:
        """Says which folder is missing, as an error that a user can fix."""
        if "path" not in self.plugin.Params.model_fields:
            raise Skip("reads no folder: there is no parameter `path`")
        settings = self.plugin.Params(**{**self.settings().model_dump(), "path": "no/such/folder"})
        try:
            self.plugin(settings).subjects(WANTED)
        except DataError as error:
            expect("no/such/folder" in str(error), f"the error does not name the folder: {error}")
        else:
            raise AssertionError("a missing folder was taken for one with subjects")


def _fingerprint_elsewhere(task: Any) -> str:
    """Return the fingerprint that a process of its own, with another hash seed, computes.

    Raises:
        Skip: When the class cannot be found there, as one of a single file cannot.
    """
    try:
        return in_new_process(_PROBE, data=pickle.dumps(task))
    except AssertionError as error:
        module = task[0].__module__
        if "ModuleNotFoundError" in str(error) and f"'{module.partition('.')[0]}" in str(error):
            raise Skip(f"{module} cannot be imported by name in a new process") from error
        raise


def _numbers(value: Any) -> Any:
    """Allow numpy's numbers and arrays in notes."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no JSON form")
