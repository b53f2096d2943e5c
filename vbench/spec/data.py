"""The tables of a spec that say what data there is."""

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
from vbench.spec.split import Folds, Split
from vbench.tables import NAME, Table
from vbench.types import CHANNELS, LABELS

#: As ``labels``: the data set's own names.
DATASET = "dataset"
#: The one class of a spec that names none: all above 0.
_VESSEL: dict[str, int | list[int] | str] = dict.fromkeys(LABELS, 1)


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
