"""An export described in Croissant, the format of machine-learning data sets, with its RAI fields.

Croissant 1.1 and RAI 1.0 (https://docs.mlcommons.org/croissant): what lies in the folder with its
checksums, the table's columns, and what is known of how the data came about. What is not known is
left out: a licence and a citation are what somebody said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vbench.files import sha256
from vbench.share.sheet import Datasheet
from vbench.share.table import TABLE
from vbench.share.words import label_words

CROISSANT = "croissant.json"
_CONFORMS = ("http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0")
#: What the short names of Croissant stand for; from its specification.
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
_FORMATS = {
    ".npy": "application/octet-stream",
    ".json": "application/json",
    ".md": "text/markdown",
    ".html": "text/html",
    ".parquet": "application/x-parquet",
    ".gz": "application/gzip",
}
#: How Croissant calls the types of labels, by the largest value that they hold.
_WHOLE = ((2**8, "cr:UInt8"), (2**16, "cr:UInt16"), (2**32, "cr:UInt32"), (2**64, "cr:UInt64"))


def croissant(folder: Path, sheet: Datasheet) -> dict[str, Any]:
    """Describe an export.

    Args:
        folder: Where all other files are by now.
        sheet: What the datasheet says.
    """
    size = " × ".join(map(str, sheet.size))
    stated = {"license": sheet.licence, "citeAs": sheet.citation}
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "name": name(sheet),
        "description": (
            f"{sheet.patches} synthetic labelled vessel patches of {size} voxels. {sheet.learnt}"
        ),
        "conformsTo": list(_CONFORMS),
        "version": "1.0.0",
        "keywords": ["synthetic", "vessel segmentation", "medical imaging"],
        **{key: value for key, value in stated.items() if value is not None},
        **rai(sheet),
        "distribution": [_file(folder, path) for path in _files(folder)],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": "patch",
                "name": "patch",
                "description": "A labelled patch.",
                "field": [
                    {
                        "@type": "cr:Field",
                        "@id": f"patch/{column}",
                        "name": column,
                        "description": about,
                        "dataType": kind,
                        "isArray": True,
                        "arrayShape": ",".join(map(str, shape)),
                        "source": {"fileObject": {"@id": TABLE}, "extract": {"column": column}},
                    }
                    for column, kind, about, shape in _columns(sheet)
                ],
            },
            *([_classes(sheet.labels)] if sheet.labels else []),
        ],
    }


def _columns(sheet: Datasheet) -> Iterator[tuple[str, str, str, tuple[int, ...]]]:
    """Yield the columns of arrays: name, type, what they are, and the shape."""
    channels = tuple((sheet.channel_names or {}).values())
    first = f"; first the channels {', '.join(channels)}" if channels else ""
    shape = (len(channels), *sheet.size) if channels else sheet.size
    yield "image", "cr:Float16", f"Intensities in [-1, 1]{first}.", shape
    if sheet.labels is None:
        yield "label", "cr:UInt8", "1 where there is vessel, else 0.", sheet.size
        return
    largest = max(sheet.labels.values())
    kind = next(kind for end, kind in _WHOLE if largest < end)
    yield "label", kind, f"The class: {label_words(sheet.labels)}.", sheet.size


def _classes(labels: Mapping[str, int]) -> dict[str, Any]:
    """Return the classes as records: which value of a label has which name."""
    fields = (("value", "sc:Integer", "In the labels."), ("name", "sc:Text", "Of the class."))
    return {
        "@type": "cr:RecordSet",
        "@id": "class",
        "name": "class",
        "description": "The values of the labels.",
        "dataType": "sc:Enumeration",
        "key": {"@id": "class/value"},
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"class/{field}",
                "name": field,
                "description": about,
                "dataType": kind,
            }
            for field, kind, about in fields
        ],
        "data": [{"class/value": value, "class/name": name} for name, value in labels.items()],
    }


def name(sheet: Datasheet) -> str:
    """Name an export in a few words."""
    return f"{sheet.benchmark} {sheet.generator_name or sheet.generator}"


def rai(sheet: Datasheet) -> dict[str, Any]:
    """Return the fields on responsible use that are known of an export."""
    fidelity = [score.says for score in sheet.scores if score.family == "fidelity"]
    found = {
        "dataCollection": (
            f"Sampled from the generator {sheet.generator} ({sheet.generator_about}) by vbench "
            f"{sheet.vbench}. {sheet.learnt}"
        ),
        "dataCollectionType": ["Others"],
        "dataCollectionMissingData": (
            f"{sheet.removed} patches were left out by the audit." if sheet.removed else "None."
        ),
        "dataPreprocessingProtocol": [
            "Images are in [-1, 1], as the generator makes them; no unit of intensity."
        ],
        "dataAnnotationProtocol": (
            "None: the generator makes image and label together, and nobody has corrected labels."
        ),
        "machineAnnotationTools": [f"{sheet.generator} ({sheet.plugin})"],
        "dataUseCases": ["Training and testing methods that segment vessels; no clinical use."],
        "dataLimitations": list(sheet.limits),
        "dataBiases": fidelity,
        "personalSensitiveInformation": [sheet.learnt, *sheet.concludes],
    }
    return {f"rai:{key}": value for key, value in found.items() if value}


def _files(folder: Path) -> list[Path]:
    """Return the files that are described one by one: all but NIfTI copies of patches."""
    copies = folder / "nnunet"
    return sorted(
        path for path in folder.rglob("*") if path.is_file() and not path.is_relative_to(copies)
    )


def _file(folder: Path, path: Path) -> dict[str, Any]:
    place = path.relative_to(folder).as_posix()
    return {
        "@type": "cr:FileObject",
        "@id": place,
        "name": place,
        "contentUrl": place,
        "contentSize": f"{path.stat().st_size} B",
        "encodingFormat": _FORMATS[path.suffix],
        "sha256": sha256(path),
    }
