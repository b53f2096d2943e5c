"""How a spec divides subjects: into three parts, or into folds."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator, model_validator

from vbench.tables import Table


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
