"""nnU-Net's ``dataset.json``: read as versions 1 and 2 describe it, and written."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vbench.data.folder import Fault
from vbench.data.header import SUFFIXES
from vbench.errors import DataError
from vbench.files import read_json
from vbench.labels import BACKGROUND, IGNORE, LabelMap
from vbench.usertext import one_line

#: Names of labels, by letters alone, that are nnU-Net's ``ignore``, and those that may mean it.
_IGNORE = {"ignore", "ignored", "ignorelabel", "ignoreindex"}
_VAGUE = {"void", "unlabeled", "unlabelled", "unknown", "dontcare", "uncertain", "notlabeled"}
_EXAMPLE = '{"background": 0, "vessel": 1}'


@dataclass(frozen=True)
class About:
    """What ``dataset.json`` says.

    Attributes:
        labels: Values by name, of the background and ``ignore`` too; None when it names none.
        ignore: The values of the label ``ignore``: what nobody labelled.
        count: ``numTraining``; None when it is not said.
        table: The ``dataset`` table, files by case; None when there is none.
        order: ``regions_class_order``: the value of each region, later ones over earlier ones; None
            when it is not said.
        channels: ``channel_names``, in the order of their numbers; None when it names none.
    """

    labels: Mapping[str, tuple[int, ...]] | None = None
    ignore: tuple[int, ...] = ()
    count: int | None = None
    table: Mapping[str, Any] | None = None
    #: Names that may stand for ``ignore``, with their values.
    vague: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    order: tuple[int, ...] | None = None
    channels: Mapping[int, str] | None = None

    @property
    def vessels(self) -> tuple[int, ...]:
        """The values of all labels that are neither background nor ``ignore``."""
        named = {value for values in (self.labels or {}).values() for value in values}
        return tuple(sorted(named - {0} - set(self.ignore)))


def dataset_json(
    cases: int, *, channel: str = "TOF-MRA", ending: str = ".nii.gz", **more: Any
) -> dict[str, Any]:
    """Return what nnU-Net 2 is told of a data set of images and vessel labels.

    Args:
        cases: The number of labelled images.
        channel: What the images show; nnU-Net normalises by it (``noNorm``: not at all).
        ending: Of the files.
        more: Other keys.
    """
    return {
        "channel_names": {"0": channel},
        "labels": {"background": 0, "vessel": 1},
        "numTraining": cases,
        "file_ending": ending,
        **more,
    }


def read_about(file: Path, faults: list[Fault]) -> About:
    """Read ``dataset.json``; an absent one is a remark, since the names of files say enough."""

    def fault(message: str, mend: str, serious: bool = True) -> None:
        faults.append(Fault(file, message, mend, serious))

    try:
        about = read_json(file, unique=True)
    except FileNotFoundError:
        fault("missing", "write one so that nnU-Net reads the data", serious=False)
        return About()
    except OSError as error:
        fault(f"cannot be read ({error.strerror})", "check the file and its permissions")
        return About()
    except ValueError as error:
        fault(f"cannot be read ({error})", "correct the JSON, saved as UTF-8")
        return About()
    if not isinstance(about, dict):
        fault("not a JSON object", "write it as nnU-Net describes")
        return About()
    ending = about.get("file_ending", SUFFIXES[0])
    if ending not in SUFFIXES:
        fault(
            f"file_ending is {_shown(ending)}",
            'convert the files to .nii.gz, and set it to ".nii.gz"',
        )
    count = _number(about.get("numTraining"))
    if "numTraining" in about and count is None:
        fault(
            f"numTraining is {_shown(about['numTraining'])}, expected the number of cases",
            "correct or remove it",
        )
    table = about.get("dataset")
    if "dataset" in about and not isinstance(table, dict):
        fault(f"dataset is {_shown(table)}, expected files by case", "correct or remove it")
        table = None
    labels = _labels(about["labels"], fault) if "labels" in about else None
    ignore = _named(labels, _IGNORE)
    _check_ignore(labels or {}, ignore, fault)
    order = _order(about.get("regions_class_order"))
    if "regions_class_order" in about and order is None:
        fault(
            f"regions_class_order is {_shown(about['regions_class_order'])}",
            "write a list of whole numbers, one for each region",
        )
    return About(
        labels=labels,
        ignore=tuple(sorted({value for values in ignore.values() for value in values})),
        count=count,
        table=table,
        vague={k: v for k, v in _named(labels, _VAGUE).items() if v != (0,)},
        order=order,
        channels=_channel_names(about.get("channel_names", about.get("modality"))),
    )


def classes_of(about: About, file: Path) -> LabelMap | None:
    """Return the classes as ``dataset.json`` names them; None when it names none.

    Regions nest: a voxel of the tumour's core is of the whole tumour, too. As in nnU-Net, each is
    the value that ``regions_class_order`` gives it, and later regions lie over earlier ones: a
    region's class is what no later region has.

    Args:
        about: The content.
        file: Its file, for messages.

    Raises:
        DataError: When the labels overlap and the order is missing, or does not fit.
    """

    def fault(message: str, mend: str) -> DataError:
        return DataError(str(Fault(file, message, mend)))

    if about.labels is None:
        return None
    ignored = set(about.ignore)
    regions = {
        name: values
        for name, values in about.labels.items()
        if name.lower() != BACKGROUND and values != (0,) and not ignored.issuperset(values)
    }
    background = [
        value
        for name, values in about.labels.items()
        if name.lower() == BACKGROUND
        for value in values
        if value
    ]
    for name in about.vague:
        raise fault(
            f"the label '{name}' may be no class",
            "name it 'ignore', or name the classes in the spec's labels",
        )
    taken = [value for values in regions.values() for value in values]
    if about.order is None:
        if len(set(taken)) < len(taken):
            raise fault(
                "labels are regions that overlap, and there is no regions_class_order",
                "add it as nnU-Net describes, or name the classes in the spec's labels",
            )
        table: dict[str, Any] = {name: list(values) for name, values in regions.items()}
    else:
        if len(about.order) != len(regions):
            raise fault(
                f"regions_class_order has {len(about.order)} values, labels has {len(regions)} "
                "regions",
                "give each region one, in the order of labels",
            )
        table = {}
        later: set[int] = set()
        pairs = list(zip(regions.items(), about.order, strict=True))
        for (name, values), own in reversed(pairs):
            alone = [value for value in values if value not in later]
            if own not in alone:
                raise fault(
                    f"regions_class_order gives '{name}' the value {own}, which is not among "
                    f"those of it that no later region has ({alone})",
                    "correct the order, or name the classes in the spec's labels",
                )
            table[name] = [own, *(value for value in alone if value != own)]
            later.update(values)
        table = dict(reversed(table.items()))
    if about.ignore:
        table[IGNORE] = list(about.ignore)
    if background:
        table[BACKGROUND] = background
    try:
        return LabelMap.of(table)
    except ValueError as error:
        raise fault(f"labels: {error}", "correct it, or name the classes in the spec") from error


def _order(given: Any) -> tuple[int, ...] | None:
    values = [_number(value) for value in given] if isinstance(given, list) else [None]
    return tuple(v for v in values if v is not None) if None not in values else None


def _channel_names(given: Any) -> dict[int, str] | None:
    if not isinstance(given, dict):
        return None
    found = {_number(number): name for number, name in given.items()}
    sound = {n: name for n, name in found.items() if n is not None and isinstance(name, str)}
    return sound or None


def ignore_beside(truth: Path) -> tuple[int, ...]:
    """Return the ignore labels of the nnU-Net data set that holds a reference; none outside of one.

    Args:
        truth: A folder such as ``labelsTr``, or a file in one.

    Raises:
        DataError: When there is a ``dataset.json`` whose labels cannot be read.
    """
    folder = (truth if truth.is_dir() else truth.parent).resolve()
    file = folder.parent / "dataset.json"
    if not folder.name.startswith("labels") or not file.is_file():
        return ()
    faults: list[Fault] = []
    about = read_about(file, faults)
    if about.labels is None and faults:
        raise DataError(str(faults[0]))
    return about.ignore


def _labels(given: Any, fault: Callable[..., None]) -> dict[str, tuple[int, ...]] | None:
    """Return values by name, of nnU-Net 2 (name: value or region) or 1 ("value": name)."""
    if not isinstance(given, dict):
        fault(
            f"labels is {_shown(given)}, expected something like {_EXAMPLE}", "write them like this"
        )
        return None
    labels: dict[str, tuple[int, ...]] = {}
    for name, value in given.items():
        if _number(name) is not None and isinstance(value, str) and _number(value) is None:
            name, value = value, name
        values = [_number(v) for v in (value if isinstance(value, list) else [value])]
        known = tuple(v for v in values if v is not None)
        if not values or len(known) < len(values):
            fault(
                f"labels.{name} is {_shown(value)}, expected a whole number of 0 and above, or a "
                "list of them",
                f"write labels such as {_EXAMPLE}",
            )
            continue
        labels[name] = (*labels.get(name, ()), *known)
    return labels


def _check_ignore(
    labels: Mapping[str, tuple[int, ...]],
    ignore: Mapping[str, tuple[int, ...]],
    fault: Callable[..., None],
) -> None:
    for name, values in ignore.items():
        others = [
            other for other, own in labels.items() if other not in ignore and {*own} & {*values}
        ]
        if others or 0 in values:
            also = f"'{others[0]}'" if others else "the background"
            fault(
                f"labels.{name} is {_shown(list(values))}, which is also {also}",
                "give 'ignore' a value that no class has",
            )


def _named(
    labels: Mapping[str, tuple[int, ...]] | None, names: set[str]
) -> dict[str, tuple[int, ...]]:
    return {
        name: values
        for name, values in (labels or {}).items()
        if re.sub(r"[^a-z]", "", name.lower()) in names
    }


def _number(value: Any) -> int | None:
    """Return a whole number of 0 and above, also when it is written as 2.0 or "2"."""
    if isinstance(value, str) and re.fullmatch(r"\s*[0-9]{1,18}\s*", value):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and 0 <= value < 2**63 else None


def _shown(value: Any) -> str:
    """Return text unchanged and other values as JSON, shortened."""
    text = value if isinstance(value, str) else json.dumps(value)
    text = one_line(text) or '""'
    return text if len(text) <= 60 else f"{text[:57]}..."
