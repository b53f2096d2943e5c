"""The base of all records: frozen pydantic models that describe a file's content."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
)

from vbench.errors import StoreError


class Record(BaseModel):
    """Something that is on disk as JSON; fields that a newer vbench added are ignored in reading.

    Attributes:
        OPTIONAL: Names (as in the file) that are not written where they have no value.
    """

    model_config = ConfigDict(
        frozen=True, extra="ignore", populate_by_name=True, protected_namespaces=()
    )
    OPTIONAL: ClassVar[frozenset[str]] = frozenset()

    @model_serializer(mode="wrap")
    def _without_optional(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: dict[str, Any] = handler(self)
        return {k: v for k, v in written.items() if v is not None or k not in self.OPTIONAL}

    def to_json(self) -> dict[str, Any]:
        """Return the file's content: plain JSON values under the names of the format."""
        return self.model_dump(mode="json", by_alias=True)

    @classmethod
    def read(cls, value: Any, where: str | Path) -> Self:
        """Read a JSON value.

        Args:
            value: The value.
            where: The file, and line if any, for the message.

        Raises:
            StoreError: With the field that is wrong and what to do.
        """
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            raise StoreError(f"{where}: {first_fault(error)}; run the benchmark again") from error


def first_fault(error: ValidationError) -> str:
    """Describe the first fault of a value that does not fit its model, in one line."""
    fault = error.errors(include_url=False, include_context=False)[0]
    path = ".".join(map(str, fault["loc"]))
    more = f" ({error.error_count() - 1} more)" if error.error_count() > 1 else ""
    text = fault["msg"].removeprefix("Value error, ")
    return f"{path}: {text}{more}" if path else f"{text}{more}"


class Inputs(Record):
    """Base of the inputs of all stages; an unknown name is an error: it would have no effect."""

    model_config = ConfigDict(extra="forbid")


class Result(Record):
    """Base of the results of all stages."""
