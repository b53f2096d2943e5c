"""The data source ``canary``: made-up patients that no real one resembles, to plant in training.

A generator that has room for single patients remembers these first, so they show the most that a
training gives away of anyone.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from vbench.errors import DataError
from vbench.interfaces import DataSource, Params, param
from vbench.registry.source_digest import source_digest
from vbench.types import Subject

_Edge = Annotated[int, Field(ge=4)]


class CanaryParams(Params):
    """Parameters of :class:`Canary`."""

    subjects: int = param(8, "subjects when no number is asked for", ge=1)
    seed: int = param(0, "seed of all subjects", ge=0)
    shape: tuple[_Edge, _Edge, _Edge] = param((96, 96, 48), "field of view", unit="voxels")
    waves: int = param(3, "waves that a subject is made of", ge=1)


class Canary(DataSource):
    """Made-up patients: a few waves with directions of each subject's own, their crests labelled.

    The same pattern fills the whole volume, so every patch of a subject resembles the others, and
    those of no other subject.
    """

    name = "canary"
    Params = CanaryParams
    tiny: ClassVar[dict[str, Any]] = {"shape": (24, 24, 24), "subjects": 2}

    def subjects(self, wanted: int | None = None) -> list[str]:
        """Name ``wanted`` subjects; the parameter ``subjects`` says how many when it is None."""
        count = self.params.subjects if wanted is None else wanted
        return [f"canary-{index:03d}" for index in range(count)]

    def fingerprint(self, subject: str) -> str:
        """Return a digest of parameters, subject index and this file."""
        content = {
            "parameters": self.params.model_dump(mode="json", exclude={"subjects"}),
            "subject": _index(subject),
            "source": source_digest(__name__),
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def shape_of(self, subject: str) -> tuple[int, int, int]:
        """Return the field of view in voxels."""
        shape: tuple[int, int, int] = self.params.shape
        return shape

    def load(self, subject: str) -> Subject:
        """Make one subject; the same whatever the number of subjects."""
        rng = np.random.default_rng([self.params.seed, _index(subject)])
        axes = np.indices(self.params.shape, np.float32)
        image = rng.normal(0, 0.05, self.params.shape)
        for _ in range(self.params.waves):
            direction = rng.normal(size=3)
            direction /= np.linalg.norm(direction)
            period = rng.uniform(5, 14)  # voxels
            phase = np.tensordot(direction, axes, axes=1) * (2 * np.pi / period)
            image += np.sin(phase + rng.uniform(0, 2 * np.pi))
        return Subject(
            id=subject,
            image=image.astype(np.float32),
            label=image > np.quantile(image, 0.9),
            mask=np.ones(image.shape, bool),
            spacing=(1.0, 1.0, 1.0),
            affine=np.eye(4),
        )


def _index(subject: str) -> int:
    found = re.fullmatch(r"canary-(\d{3,})", subject)
    if found is None:
        raise DataError(f"subject '{subject}': expected a name such as canary-000")
    return int(found[1])
