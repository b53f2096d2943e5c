"""The tables of a spec that say what data there is, and what patches are drawn from it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    SerializerFunctionWrapHandler,
    Tag,
    field_validator,
    model_serializer,
    model_validator,
)

from vbench.labels import LabelMap
from vbench.spec.about import About
from vbench.tables import NAME, Table
from vbench.types import CHANNELS, LABELS

#: As ``labels``: the data set's own names.
DATASET = "dataset"
#: The one class of a spec that names none: all above 0.
_VESSEL: dict[str, int | list[int] | str] = dict.fromkeys(LABELS, 1)


def _no_truth_value(value: Any) -> Any:
    """Refuse true and false, which Python takes for 1 and 0."""
    if isinstance(value, bool):
        raise ValueError(f"{str(value).lower()}: expected a number")
    return value


class Split(Table):
    """Subjects of each part: all three as counts, as fractions, or as lists of names."""

    train: int | float | list[str] = Field(description="What everything is fitted on.")
    val: int | float | list[str] = Field(
        description="What trials, candidates and the probability threshold are chosen by."
    )
    test: int | float | list[str] = Field(description="What is scored, once.")

    @model_validator(mode="after")
    def _one_form(self) -> Split:
        parts = {"train": self.train, "val": self.val, "test": self.test}
        kinds = {type(value) for value in parts.values()}
        if kinds == {int, float}:
            raise ValueError("mixes counts and fractions; write all three in one form")
        if len(kinds) > 1:
            raise ValueError("mixes names with numbers; write all three in one form")
        for part, value in parts.items():
            if isinstance(value, list) and not value:
                raise ValueError(f"{part} is empty; each part needs a subject")
            if isinstance(value, int) and value < 1:
                raise ValueError(f"{part} = {value}; each part needs at least 1 subject")
            if isinstance(value, float) and not 0 < value < 1:
                raise ValueError(f"{part} = {value}; a fraction lies between 0 and 1")
        if kinds == {float} and sum(v for v in parts.values() if isinstance(v, float)) > 1 + 1e-9:
            raise ValueError("the fractions add up to more than 1")
        return self

    _count = field_validator("train", "val", "test", mode="before")(_no_truth_value)

    @property
    def wanted(self) -> int | None:
        """How many subjects the counts ask for; None for fractions and names."""
        parts = (self.train, self.val, self.test)
        return sum(p for p in parts if isinstance(p, int)) if isinstance(self.train, int) else None


class Folds(Table):
    """Cross-validation: every subject is tested once, by what never saw it."""

    folds: int = Field(ge=2, description="How often everything is trained, each time without one.")
    val: int | float = Field(
        description="Persons of each fold's rest that trials, candidates and the threshold are "
        "chosen by: a count, or a fraction of all."
    )
    subjects: int | None = Field(
        None, ge=2, description="How many subjects a source that makes them makes."
    )

    @model_validator(mode="before")
    @classmethod
    def _divides_all(cls, table: Any) -> Any:
        parts = [part for part in ("train", "test") if isinstance(table, dict) and part in table]
        if parts:
            both = " and ".join(f"'{part}'" for part in parts)
            raise ValueError(
                f"folds beside {both}: folds train on and test all subjects in turn; take {both} "
                "out, or take 'folds' out and give train, val and test"
            )
        return table

    @field_validator("val")
    @classmethod
    def _some(cls, val: int | float) -> int | float:
        if val < 1 if isinstance(val, int) else not 0 < val < 1:
            raise ValueError(f"{val}: expected a count from 1, or a fraction between 0 and 1")
        return val

    _count = field_validator("folds", "val", "subjects", mode="before")(_no_truth_value)

    @property
    def wanted(self) -> int | None:
        """How many subjects it asks for; None: as many as there are."""
        return self.subjects


def _form(split: Any) -> str:
    folds = isinstance(split, Folds) or (isinstance(split, dict) and "folds" in split)
    return "Folds" if folds else "Split"


class DataSet(BaseModel):
    """A set of subjects: a source plugin, its parameters beside it, and the split."""

    model_config = ConfigDict(extra="allow", frozen=True)

    plugin: str = Field(description="Name of a data source: phantom, nnunet, bids, manifest, …")
    split: Annotated[
        Annotated[Split, Tag("Split")] | Annotated[Folds, Tag("Folds")], Discriminator(_form)
    ] = Field(
        Split(train=0.6, val=0.15, test=0.25),
        description="How subjects are divided, by person: train, val and test, or folds and val.",
    )
    group: str | None = Field(
        None,
        description="Regular expression that finds, in its first parentheses, whose subject it is: "
        "(.+)_(left|right). A person's subjects stay in one part, which counts persons.",
    )
    subgroups: list[str] = Field(
        [],
        description="Columns of the manifest, or of participants.tsv, that scores are also told "
        'by: ["scanner", "sex"]; part of no job.',
    )
    about: About | None = Field(None, description="The data set in words; part of no job.")
    labels: dict[str, int | list[int] | str] | str = Field(
        _VESSEL,
        description="Classes by name, with their value or values in the label: { artery = [1, 2], "
        "vein = 3, ignore = 255 }; background = [9], or 'rest', for what is left out. 'dataset': "
        "as the data set names them. Default: all above 0 is vessel.",
    )
    channels: list[str] = Field(
        list(CHANNELS), description='Channels of the image by name, such as ["TOF", "T1"].'
    )

    @field_validator("labels", mode="before")
    @classmethod
    def _classes(cls, labels: Any) -> Any:
        if labels == DATASET:
            return labels
        if not isinstance(labels, dict):
            raise ValueError(f"expected a table such as {{ artery = 1, vein = 2 }}, or '{DATASET}'")
        LabelMap.of(labels)
        return labels

    @field_validator("subgroups")
    @classmethod
    def _columns(cls, columns: list[str]) -> list[str]:
        if not all(name.strip() and name.isprintable() for name in columns):
            raise ValueError("a column's name is empty, or cannot be printed")
        if len({name.lower() for name in columns}) < len(columns):
            raise ValueError("a column is listed twice; capitals make no other name")
        return columns

    @field_validator("channels")
    @classmethod
    def _channels(cls, channels: list[str]) -> list[str]:
        if not channels:
            raise ValueError('names no channel; write such as ["TOF", "T1"]')
        for name in channels:
            if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}", name):
                raise ValueError(
                    f"{name!r} cannot name a channel; use letters, digits, '.', '_' and '-'"
                )
        if len({name.lower() for name in channels}) < len(channels):
            raise ValueError("a channel is listed twice; capitals make no other name")
        return channels

    @field_validator("group")
    @classmethod
    def _finds_a_person(cls, group: str | None) -> str | None:
        if group is not None:
            try:
                parentheses = re.compile(group).groups
            except re.error as error:
                raise ValueError(f"no regular expression ({error})") from error
            if not parentheses:
                raise ValueError(
                    "has no parentheses around what names the person, as in (.+)_(left|right)"
                )
        return group

    @property
    def folds(self) -> int:
        """Into how many folds its persons are divided; 1 without cross-validation."""
        return self.split.folds if isinstance(self.split, Folds) else 1

    @property
    def label_map(self) -> LabelMap | None:
        """The classes; None: all above 0 is vessel.

        Raises:
            ValueError: When the data set has not been asked for them: they are ``"dataset"``.
        """
        if isinstance(self.labels, str):
            raise ValueError("labels = 'dataset': the data set was not asked")
        return None if self.labels == _VESSEL else LabelMap.of(self.labels)

    @property
    def params(self) -> dict[str, Any]:
        """The plugin's own parameters: every key that is not ours."""
        return dict(self.model_extra or {})


class TargetSet(DataSet):
    """One of several second data sets."""

    name: str = Field(pattern=NAME, description="What its table and its arms are called by.")


class Data(Table):
    """The data: where generators learn, and a second set, or several, for transfer."""

    source: DataSet = Field(description="Where generators and the real arm learn.")
    target: DataSet | None = Field(
        None, description="The second data set, for transfer and scratch."
    )
    targets: list[TargetSet] = Field(
        default_factory=list,
        description="Instead of target: several, each with its arms and its own table.",
    )
    normalise: Literal["percentile", "zscore", "patch-minmax"] = Field(
        "percentile",
        description="How intensities are brought to [-1, 1], for real and synthetic alike.",
    )
    seed: int = Field(0, description="Fixes the split and the patch positions, for every arm.")

    @model_validator(mode="before")
    @classmethod
    def _one_target(cls, table: Any) -> Any:
        if isinstance(table, dict) and table.get("targets") and table.get("target") is not None:
            raise ValueError("[data.target] beside [[data.targets]]; write one of the two")
        return table

    @model_validator(mode="after")
    def _apart(self) -> Data:
        names = [target.name for target in self.targets]
        twice = {name for name in names if names.count(name) > 1 or name == "source"}
        if twice:
            raise ValueError(f"targets: '{min(twice)}' is the name of another data set")
        return self

    @model_validator(mode="after")
    def _as_many_folds(self) -> Data:
        counts = {name: data.folds for name, data in self.sets.items() if data.folds > 1}
        if len(set(counts.values())) > 1:
            found = ", ".join(f"{where(self, name)} {n}" for name, n in counts.items())
            raise ValueError(f"folds go together, but their numbers differ: {found}")
        return self

    @model_serializer(mode="wrap")
    def _as_written(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: dict[str, Any] = handler(self)
        written.pop("target" if self.targets else "targets", None)
        return written

    @property
    def seconds(self) -> dict[str, DataSet]:
        """The second data sets by name; the only one is called ``target``."""
        if self.target is not None:
            return {"target": self.target}
        return {target.name: target for target in self.targets}

    @property
    def sets(self) -> dict[str, DataSet]:
        """All data sets by name."""
        return {"source": self.source, **self.seconds}

    def with_sets(self, sets: Mapping[str, DataSet]) -> Data:
        """Return the data with other tables of its data sets, by name."""
        names = [target.name for target in self.targets]
        return self.model_copy(
            update={
                "source": sets["source"],
                "target": sets.get("target") if self.target is not None else None,
                "targets": [sets[name] for name in names],
            }
        )

    @property
    def folds(self) -> int:
        """How many folds arms are repeated with; 1 without cross-validation."""
        return max(data.folds for data in self.sets.values())


def where(data: Data, name: str) -> str:
    """Return the key of a data set in the spec, for messages."""
    names = [target.name for target in data.targets]
    return f"data.targets.{names.index(name)}" if name in names else f"data.{name}"


class PatchSpec(Table):
    """The labelled patches that everything is fitted on."""

    size: list[int] = Field(
        [16, 16, 16],
        min_length=2,
        max_length=3,
        description="Voxels; 2 entries: axial slices, or the plane of single slices.",
    )
    per_subject: int = Field(400, ge=1, description="Patches drawn from each subject.")
    vessel_centred: float = Field(
        0.5, ge=0, le=1, description="Share centred on a vessel voxel; the rest on any brain voxel."
    )
    synthetic: int | list[float] | None = Field(
        None,
        description="Synthetic patches a generator makes; default: as many as real ones. A list "
        "makes a dose curve: [0.25, 1, 4] times the real ones, 1 among them.",
    )

    @field_validator("synthetic", mode="before")
    @classmethod
    def _count_or_doses(cls, value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | list | None):
            raise ValueError("expected a number of patches, or a list such as [0.25, 1, 4]")
        if isinstance(value, int) and value < 1:
            raise ValueError(f"{value}; a generator makes at least 1 patch")
        if isinstance(value, list):
            _check_doses(value)
        return value

    @property
    def doses(self) -> list[float]:
        """Multiples of the real patches, ascending; empty without a dose curve."""
        return sorted(self.synthetic) if isinstance(self.synthetic, list) else []

    def synthetic_patches(self, real: int, dose: float | None = None) -> int:
        """Return how many patches a generator makes.

        Args:
            real: How many real ones there are.
            dose: A multiple of them; None: what all but the arms of other doses use.
        """
        if isinstance(self.synthetic, int):
            return self.synthetic
        return max(1, round((1 if dose is None else dose) * real))

    @field_validator("size")
    @classmethod
    def _positive(cls, size: list[int]) -> list[int]:
        if min(size) < 4:
            plane = [edge for edge in size if edge != 1]
            fix = f"; 2D patches have two entries: {plane}" if len(plane) == 2 else ""
            raise ValueError(f"a patch edge is shorter than 4 voxels{fix}")
        return size


#: The largest dose; a number of patches, written into a list by mistake, is larger.
_MOST = 100


def _check_doses(doses: list[Any]) -> None:
    """Refuse what makes no dose curve.

    Raises:
        ValueError: With what is wrong.
    """
    for dose in doses:
        if isinstance(dose, bool) or not isinstance(dose, int | float) or not 0 < dose <= _MOST:
            raise ValueError(
                f"{dose!r}; a dose is a multiple of the real patches, above 0 and at most {_MOST}"
            )
    if len(set(doses)) < len(doses):
        raise ValueError("a dose is listed twice")
    if 1 not in doses:
        raise ValueError(
            "has no dose 1, as many as the real patches, which other doses are compared with and "
            "transfer starts from; add it"
        )
