"""What all plugins have: kind, name, parameters and, for a family, members."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from vbench.params import Params
from vbench.types import Kind

#: How many classes or channels a plugin takes.
Count = int | Literal["any"]


class Plugin(ABC):
    """What all plugins have.

    Attributes:
        kind: Set by the base class of each kind.
        name: How a spec names it: lower case letters, digits and ``-``.
        paper: Where the method comes from (authors, year, DOI or arXiv number); may be empty.
        Params: The parameter model.
        tiny: Parameters with which it runs within a second, for tests.
        members: For a family, whose ``name`` ends with ``:*``: the members that are listed.
    """

    kind: ClassVar[Kind]
    name: ClassVar[str]
    paper: ClassVar[str] = ""
    Params: ClassVar[type[Params]] = Params
    tiny: ClassVar[Mapping[str, Any]] = {}
    members: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def member(cls, name: str) -> type[Plugin]:
        """Return the class of one member of a family, the same one each time.

        A plugin that is registered as ``lib:*`` is asked for ``lib:Net`` as ``member("Net")``. It
        may offer more members than it lists.

        Raises:
            PluginError: When there is no such member; with the nearest name.
        """
        raise NotImplementedError(f"{cls.__name__} is no family")
