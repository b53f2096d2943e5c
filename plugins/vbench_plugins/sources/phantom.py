"""The data source ``phantom``: brain arteries made by a procedure, imaged as a TOF-MRA.

It stands in for patients whose scans may not be shared, and its reference is exact in every voxel.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from vbench.errors import DataError
from vbench.interfaces import DataSource, Params, param
from vbench.labels import LabelMap
from vbench.registry.source_digest import source_digest
from vbench.types import Subject
from vbench_plugins.phantom.names import Apart, classes
from vbench_plugins.phantom.scanners import SCANNERS, Scanner

_Count = Annotated[int, Field(ge=1)]
#: Parameters that the first phantoms did not have; unused, they are no part of a subject's content.
_LATER = ("classes", "t1", "third_a2")
_Edge = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class PhantomParams(Params):
    """Parameters of :class:`Phantom`; an image parameter left at None is the scanner's."""

    scanner: Literal["a", "b"] = param("a", "site: a (source data) or b (the second data set)")
    subjects: int = param(20, "subjects when the split names no number", ge=1)
    seed: int = param(0, "seed of all subjects", ge=0)
    shape: tuple[_Count, _Count, _Count] = param((96, 112, 56), "field of view", unit="voxels")
    spacing: tuple[_Edge, _Edge, _Edge] | None = param(None, "voxel edge lengths", unit="mm")
    centre: tuple[float, float, float] = param(
        (0.0, -3.0, -13.0), "centre of the field of view; the circle of Willis is at (0, -3, -20)",
        unit="mm",
    )  # fmt: skip
    label_fraction: float = param(
        0.5, "share of a voxel that arteries must fill for it to be labelled", gt=0, le=1
    )
    masked: bool = param(True, "hand over the brain mask, and leave out labels outside of it")
    veins: bool = param(True, "show veins, which are not labelled")
    classes: tuple[Apart, ...] = param(
        (), "what a label tells apart: circle (TopCoW's names and values), veins, aneurysm; "
        "nothing: one class, vessel",
    )  # fmt: skip
    t1: bool = param(False, "a second channel: the same head T1-weighted, blood black")
    third_a2: float = param(
        0.0, "share of subjects with a third A2, a rare variant (3 % in MRA)", ge=0, le=1
    )
    variants: bool = param(True, "let the circle of Willis vary: thin, thick or absent vessels")
    stenoses: float | None = param(None, "mean number of stenoses per subject", ge=0)
    occlusion: bool = param(False, "occlude one branch: no signal and no label from there on")
    aneurysm: bool = param(False, "add a saccular aneurysm near the circle of Willis, labelled")
    bleeds: float | None = param(None, "mean number of bright clots per subject", ge=0)
    variation: float | None = param(None, "sd of the log of what varies by subject", ge=0)
    blood: float | None = param(None, "signal of fresh arterial blood; grey matter is 100", gt=0)
    vein: float | None = param(None, "signal of venous blood", gt=0)
    grey: float | None = param(None, "signal of grey matter", gt=0)
    white: float | None = param(None, "signal of white matter", gt=0)
    csf: float | None = param(None, "signal of cerebrospinal fluid", gt=0)
    skull: float | None = param(None, "signal of bone", ge=0)
    fat: float | None = param(None, "signal of fat", ge=0)
    marrow: float | None = param(None, "signal of the marrow of the skull base", ge=0)
    slow: float | None = param(None, "exponent of the signal loss in thin vessels", ge=0)
    inflow: float | None = param(None, "vessel length of inflow enhancement", unit="mm", gt=0)
    scatter: float | None = param(None, "sd of the log of the speed of branches", ge=0)
    turbulence: float | None = param(None, "share of signal lost at right angles", ge=0, le=1)
    slab: float | None = param(None, "thickness of an imaging slab", unit="mm", gt=0)
    saturation: float | None = param(None, "share of signal lost along a slab", ge=0, le=1)
    seam: float | None = param(None, "step of all signal at slab boundaries", ge=0, le=1)
    blur: float | None = param(None, "sd of the point spread", unit="voxels", ge=0)
    bias: float | None = param(None, "sd of the logarithm of the bias field", ge=0)
    noise: float | None = param(None, "sd of the complex noise (Rician magnitude)", ge=0)
    ghost: float | None = param(None, "motion ghosts, share of the signal", ge=0, le=1)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for name, shown, on in (
            ("veins", self.veins, "veins = true"),
            ("aneurysm", self.aneurysm, "aneurysm = true"),
        ):
            if name in self.classes and not shown:
                raise ValueError(f"classes names {name}, and there are none; set {on}")
        if len(set(self.classes)) < len(self.classes):
            raise ValueError(f"classes names one twice: {', '.join(self.classes)}")
        return self

    @model_serializer(mode="wrap")
    def _as_before(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # What came later is left out where it is not used, so that phantoms keep their keys.
        found: dict[str, Any] = handler(self)
        unused = {name for name in _LATER if not getattr(self, name)}
        return {name: value for name, value in found.items() if name not in unused}

    def resolved(self) -> Scanner:
        """Return the scanner with what these parameters override."""
        named = {
            field.name: getattr(self, field.name)
            for field in fields(Scanner)
            if getattr(self, field.name) is not None
        }
        return replace(SCANNERS[self.scanner], **named)


class Phantom(DataSource):
    """Procedural TOF-MRA of the arteries around the circle of Willis, or of a whole head."""

    name = "phantom"
    patients = False
    valued = True
    channels = "any"
    paper = "calibrated on BraVa: Wright et al. 2013, doi:10.1016/j.neuroimage.2013.05.089"
    Params = PhantomParams
    # The second data set comes from the other scanner, unless the spec says otherwise.
    role_defaults: ClassVar[Mapping[str, Mapping[str, Any]]] = {"target": {"scanner": "b"}}
    tiny: ClassVar[Mapping[str, Any]] = {"shape": (32, 32, 24), "subjects": 2}

    def known_labels(self) -> LabelMap | None:
        """Return what ``classes`` tells apart, by the names and values of TopCoW; None: nothing."""
        return LabelMap.of(classes(self.params.classes)) if self.params.classes else None

    def subjects(self, wanted: int | None = None) -> list[str]:
        """Name ``wanted`` subjects; the parameter ``subjects`` says how many when it is None.

        Raises:
            DataError: When more channels are named than there are.
        """
        made = 2 if self.params.t1 else 1
        if len(self.channel_names) > made:
            raise DataError(
                f"channels names {len(self.channel_names)}: {', '.join(self.channel_names)}; the "
                f"phantom has {'the TOF-MRA; set t1 = true' if made == 1 else 'the TOF-MRA and T1'}"
            )
        count = self.params.subjects if wanted is None else wanted
        return [f"phantom-{self.params.scanner}-{index:03d}" for index in range(count)]

    def _index(self, subject: str) -> int:
        found = re.fullmatch(rf"phantom-{self.params.scanner}-(\d{{3,}})", subject)
        if found is None:
            raise DataError(
                f"subject '{subject}': expected a name such as phantom-{self.params.scanner}-000"
            )
        return int(found[1])

    def _resolved(self) -> dict[str, Any]:
        """Return what decides a subject's content: parameters in full, without their number."""
        chosen = self.params.model_dump(exclude={"subjects"})
        return {**chosen, **asdict(self.params.resolved())}

    def fingerprint(self, subject: str) -> str:
        """Return a digest of parameters, subject index and the phantom's own source."""
        content = {
            "parameters": self._resolved(),
            "subject": self._index(subject),
            "source": source_digest(__name__),
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def shape_of(self, subject: str) -> tuple[int, int, int]:
        """Return the field of view in voxels."""
        shape: tuple[int, int, int] = self.params.shape
        return shape

    def anatomy(self, subject: str) -> list[str]:
        """Return what the head is drawn from: seed, site and number, whatever the image is like."""
        return [f"phantom {self.params.seed} {self.params.scanner} {self._index(subject)}"]

    def load(self, subject: str) -> Subject:
        """Make one subject; the same whatever the number of subjects."""
        from vbench_plugins.phantom.make import make

        index = self._index(subject)
        scanner = self.params.resolved()
        made = make(self.params, scanner, (self.params.seed, ord(self.params.scanner), index))
        images = [made.image, *([] if made.t1 is None else [made.t1])][: len(self.channel_names)]
        return Subject(
            id=subject,
            image=made.image if len(images) == 1 else np.stack(images),
            label=made.label > 0 if self.params.classes else made.label,
            values=made.label if self.params.classes else None,
            mask=made.mask if self.params.masked else None,
            spacing=scanner.spacing,
            affine=made.grid.affine,
            notes={"truth": {"parameters": self._resolved(), "index": index, **made.truth}},
        )

    def attachments(self, subject: Subject) -> dict[str, str]:
        """Return the tree of arteries as SWC centre lines."""
        from vbench_plugins.phantom.swc import Tree, swc_text

        return {".swc": swc_text(Tree.from_json(subject.notes["truth"]["tree"]))}
