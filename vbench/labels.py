"""Which values of a label file are which class: names, what nobody labelled, what is background.

A label stays one map of whole numbers everywhere: values as the file has them, and from
preparation on the index of the class, 1 for the first, 0 for the background.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

#: Names in a table of labels that are no class.
IGNORE, BACKGROUND = "ignore", "background"
#: As the value of ``background``: whatever no class names.
REST = "rest"
#: Classes at most, so that an index fits into a byte.
MOST = 254
#: Values up to here are looked up in a table, larger ones are searched.
_TABLE = 2**16


class Indexed(NamedTuple):
    """A label by the index of its class.

    Attributes:
        classes: uint8, 0 for the background, of the shape of the values.
        ignore: bool, where nobody labelled; None: everywhere is labelled.
    """

    classes: npt.NDArray[np.uint8]
    ignore: npt.NDArray[np.bool_] | None


@dataclass(frozen=True)
class LabelMap:
    """The values of a label, by class.

    Attributes:
        names: Of the classes, in the order of their index, from 1.
        values: Of each class; the first is written into predictions.
        ignore: Of voxels that nobody labelled.
        background: Values beside 0 that are background.
        rest: Whether values that nothing names are background; else they are a fault.
    """

    names: tuple[str, ...]
    values: tuple[tuple[int, ...], ...]
    ignore: tuple[int, ...] = ()
    background: tuple[int, ...] = ()
    rest: bool = False

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> LabelMap:
        """Read a table of a spec, such as ``{artery = [1, 2], vein = 3, ignore = 255}``.

        Raises:
            ValueError: In one line, when it is none.
        """
        classes: dict[str, tuple[int, ...]] = {}
        ignore: tuple[int, ...] = ()
        background: tuple[int, ...] = ()
        rest = False
        for name, given in table.items():
            if name == BACKGROUND and given == REST:
                rest = True
                continue
            values = _values(name, given)
            if name == IGNORE:
                ignore = values
            elif name == BACKGROUND:
                background = tuple(value for value in values if value)
            else:
                _check_name(name)
                classes[name] = values
        if not classes:
            raise ValueError("names no class; write such as { artery = 1, vein = 2 }")
        if len(classes) > MOST:
            raise ValueError(f"names {len(classes)} classes; at most {MOST} are possible")
        _check_apart({**classes, IGNORE: ignore, BACKGROUND: (0, *background)})
        return cls(tuple(classes), tuple(classes.values()), ignore, background, rest)

    @property
    def table(self) -> dict[str, Any]:
        """The map as a table of a spec."""
        found: dict[str, Any] = {n: list(v) for n, v in zip(self.names, self.values, strict=True)}
        if self.rest:
            found[BACKGROUND] = REST
        elif self.background:
            found[BACKGROUND] = list(self.background)
        return {**found, IGNORE: list(self.ignore)} if self.ignore else found

    @property
    def of_classes(self) -> tuple[int, ...]:
        """The values of all classes."""
        return tuple(value for values in self.values for value in values)

    @property
    def written(self) -> tuple[int, ...]:
        """The value of each class in predictions: its first."""
        return tuple(values[0] for values in self.values)

    def ordered(self, names: Sequence[str]) -> LabelMap:
        """Return the map with its classes in another order: another data set's.

        Raises:
            ValueError: When the names are others.
        """
        if set(names) != set(self.names):
            raise ValueError(
                f"names the classes {', '.join(self.names)}, but data.source the classes "
                f"{', '.join(names)}; name the same ones, whatever their values"
            )
        by_name = dict(zip(self.names, self.values, strict=True))
        values = tuple(by_name[name] for name in names)
        return LabelMap(tuple(names), values, self.ignore, self.background, self.rest)

    def unnamed(self, values: npt.NDArray[Any]) -> dict[int, int]:
        """Return the values that nothing names, and how many voxels have each."""
        if self.rest:
            return {}
        known = {0, *self.of_classes, *self.ignore, *self.background}
        found, counts = _unique(values)
        return {int(v): int(n) for v, n in zip(found, counts, strict=True) if int(v) not in known}

    def index(self, values: npt.NDArray[Any]) -> Indexed:
        """Return the class of each voxel.

        Args:
            values: Whole numbers of 0 and above, any shape.

        Raises:
            ValueError: When a value has no name, with what can be done.
        """
        unnamed = self.unnamed(values)
        if unnamed:
            raise ValueError(told(unnamed))
        index = np.zeros(values.shape, dtype=np.uint8)
        for number, own in enumerate(self.values, start=1):
            index[_isin(values, own)] = number
        ignore = _isin(values, self.ignore) if self.ignore else None
        return Indexed(index, ignore if ignore is not None and ignore.any() else None)


def told(unnamed: Mapping[int, int]) -> str:
    """Say which values of a label have no name, and what can be done."""
    shown = ", ".join(f"{value} ({count} voxels)" for value, count in list(unnamed.items())[:5])
    more = f" and {len(unnamed) - 5} more" if len(unnamed) > 5 else ""
    values = list(unnamed)
    return (
        f"the label has the value {shown}{more}, which no class of `labels` names; name it, or "
        f"write background = {values if len(values) <= 5 else REST!r} to leave it out"
    )


def written(index: npt.NDArray[Any], values: Sequence[int]) -> npt.NDArray[Any]:
    """Return a map of class indices as the values that the label files have.

    Args:
        index: 0 for the background, else the class from 1.
        values: Of each class.

    Returns:
        Of the smallest unsigned type that holds them.
    """
    table = np.array([0, *values], dtype=np.min_scalar_type(max(values)))
    return table[np.asarray(index)]


def _isin(values: npt.NDArray[Any], wanted: Sequence[int]) -> npt.NDArray[np.bool_]:
    if len(wanted) == 1:
        return np.asarray(values == wanted[0])
    return np.isin(values, list(wanted))


def _unique(values: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    flat = np.asarray(values).ravel(order="K")
    if flat.dtype == bool:
        flat = flat.view(np.uint8)
    if flat.size and flat.max() < _TABLE:
        counts = np.bincount(flat)
        found = np.flatnonzero(counts)
        return found, counts[found]
    return np.unique(flat, return_counts=True)


def _values(name: str, given: Any) -> tuple[int, ...]:
    """Return the values of one name.

    Raises:
        ValueError: When they are no whole numbers.
    """
    values = given if isinstance(given, list | tuple) else [given]
    sound = all(isinstance(v, int) and not isinstance(v, bool) and 0 <= v < 2**63 for v in values)
    if not values or not sound:
        also = f", or '{REST}'" if name == BACKGROUND else ""
        raise ValueError(
            f"{name} = {given!r}; expected a whole number of 0 and above, or a list of them{also}"
        )
    if name != BACKGROUND and 0 in values:
        raise ValueError(f"{name} = {given!r}: 0 is the background; name other values")
    if len(set(values)) < len(values):
        raise ValueError(f"{name} = {given!r}: a value is listed twice")
    return tuple(values)


def _check_name(name: str) -> None:
    sound = name.isprintable() and name == name.strip() and 0 < len(name) <= 64
    if not sound or "," in name:
        raise ValueError(
            f"{name[:70]!r} cannot name a class; use up to 64 letters, digits and signs, no comma"
        )


def _check_apart(named: Mapping[str, Iterable[int]]) -> None:
    owner: dict[int, str] = {}
    for name, values in named.items():
        for value in values:
            other = owner.setdefault(value, name)
            if other != name:
                raise ValueError(
                    f"the value {value} is both {other} and {name}; a voxel has one class: name "
                    "each value once"
                )
