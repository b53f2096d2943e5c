"""Files by patterns of their names: ``raw/{subject}.nii.gz`` finds an image, and whose it is.

Public data sets are read as they are downloaded: one pattern says how the images are named, one the
labels, and perhaps one the masks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from vbench.data.folder import Fault, Listing, SubjectFiles
from vbench.errors import DataError

#: Files, with what the fields of their pattern stand for.
Images = Mapping[Path, Mapping[str, str]]
#: A field, anything, or one of several words.
_PART = re.compile(r"\{([A-Za-z_]\w*)\}|\*|\{([^{}/]*,[^{}/]*)\}")
#: The ending of a pattern: one, one of several, or anything.
_ENDING = re.compile(r"\.[^{}/]*$|,[^{}/]*\}$|\*$")


class Pattern:
    """A pattern of paths below a folder.

    ``{subject}``, or any other name in braces, stands for a piece of a folder's or a file's name;
    where it stands twice, both pieces are the same. ``*`` stands for anything within a name, and
    ``{train,test}`` for one of these words. Letters may be small or capital. Hidden files are
    passed over.
    """

    def __init__(self, text: str, endings: Sequence[str] = ()) -> None:
        """Read a pattern.

        Args:
            text: As a person wrote it.
            endings: How names may end, such as ``.png``, where the pattern names no ending.

        Raises:
            ValueError: When it names nobody, leads out of its folder, or has a loose brace.
        """
        self.text, given = text, text
        if endings and not _ENDING.search(text):
            text = f"{text}.{{{','.join(ending[1:] for ending in endings)}}}"
        self._any_ending = ".*" if text != given else ""
        self._steps = [step for step in text.split("/") if step not in ("", ".")]
        parts = list(_PART.finditer(text))
        self.fields = tuple(dict.fromkeys(part[1] for part in parts if part[1]))
        self._exact = all(part[1] for part in parts)
        if not self.fields:
            raise ValueError("names no subject; write {subject} where its name stands")
        if text.startswith("/") or ".." in self._steps:
            raise ValueError("leads out of the folder; set `path` above all of its files")
        if set(_PART.sub("", text)) & set("{}"):
            raise ValueError("has a brace that is no field; write a field as {subject}")

    def find(self, folder: Path) -> Iterator[tuple[Path, dict[str, str]]]:
        """Yield the files that fit, sorted, each with what the fields stand for."""
        yield from self._find(folder, self._steps, {})

    def named(self, values: Mapping[str, str]) -> str:
        """Return how a file is called when the fields stand for these values."""
        return (
            _PART.sub(lambda part: values[part[1]] if part[1] else part[0], self.text)
            + self._any_ending
        )

    def closer(self, names: Iterable[str], found: Iterable[str]) -> str:
        """Return a pattern that finds a file for every name, where this one found others.

        Args:
            names: What the only field is to stand for.
            found: What it stands for in files that are there, such as ``p1_mask`` for ``p1``.

        Returns:
            Such as ``labels/{subject}_mask``; empty when there is none, or one name is no rule.
        """
        (first, *others), there = names, set(found)
        ends = [each.split(first, 1) for each in sorted(there) if first in each]
        for before, behind in ends:
            if (
                others
                and len(self.fields) == 1
                and {f"{before}{o}{behind}" for o in others} <= there
            ):
                field = f"{{{self.fields[0]}}}"
                head, _, tail = self.text.rpartition(field)
                return f"{head}{before}{field}{behind}{tail}"
        return ""

    def of(self, values: Mapping[str, str], files: Mapping[str, Path]) -> list[Path]:
        """Return those of some files that fit when the fields stand for these values.

        Args:
            values: What each field stands for.
            files: By their path below the folder, in small letters.
        """
        if self._exact:
            place = _PART.sub(lambda part: values[part[1]], "/".join(self._steps)).lower()
            return [files[place]] if place in files else []
        form = _form("/".join(self._steps), values)
        return [file for place, file in files.items() if form.fullmatch(place)]

    def _find(
        self, folder: Path, steps: list[str], known: dict[str, str]
    ) -> Iterator[tuple[Path, dict[str, str]]]:
        form, last = _form(steps[0], known), len(steps) == 1
        if not _PART.search(steps[0]) and (folder / steps[0]).is_dir() and not last:
            yield from self._find(folder / steps[0], steps[1:], known)
            return
        for path in sorted(folder.iterdir()):
            fits = form.fullmatch(path.name)
            if fits is None or (path.name.startswith(".") and not steps[0].startswith(".")):
                continue
            values = {**known, **fits.groupdict()}
            if last and not path.is_dir():
                yield path, values
            elif not last and path.is_dir():
                yield from self._find(path, steps[1:], values)


def _form(text: str, known: Mapping[str, str]) -> re.Pattern[str]:
    """Return the regular expression of a pattern in which some fields are known."""
    found, end, seen = "", 0, set(known)
    for part in _PART.finditer(text):
        found += re.escape(text[end : part.start()])
        name, end = part[1], part.end()
        if part[2]:
            found += f"(?:{'|'.join(map(re.escape, part[2].split(',')))})"
        elif name is None:
            found += "[^/]*"
        elif name in known:
            found += re.escape(known[name])
        else:
            found += f"(?P={name})" if name in seen else f"(?P<{name}>[^/]+?)"
            seen.add(name)
    return re.compile(found + re.escape(text[end:]), re.IGNORECASE)


@dataclass(frozen=True)
class Names:
    """How the files of a data set are named; all patterns have the same fields.

    A file that labels or masks are named like is no image, though the images' pattern fits it, too.
    """

    image: Pattern
    label: Pattern
    mask: Pattern | None = None

    @classmethod
    def read(
        cls, image: str, label: str, mask: str | None = None, endings: Sequence[str] = ()
    ) -> Names:
        """Read the patterns; see :class:`Pattern`.

        Raises:
            ValueError: When one is none, or they do not go together.
        """
        read: dict[str, Pattern] = {}
        for kind, text in {"image": image, "label": label, "mask": mask}.items():
            try:
                read |= {} if text is None else {kind: Pattern(text, endings)}
            except ValueError as error:
                raise ValueError(f"{kind} = '{text}' {error}") from error
        names = cls(**read)
        names.check()
        return names

    @cached_property
    def kinds(self) -> dict[str, Pattern]:
        """The patterns by the parameter that holds each."""
        all_kinds = {"image": self.image, "label": self.label, "mask": self.mask}
        return {kind: pattern for kind, pattern in all_kinds.items() if pattern is not None}

    def check(self) -> None:
        """Raise ValueError when the patterns do not go together."""
        for kind, pattern in self.kinds.items():
            odd = set(pattern.fields) ^ set(self.image.fields)
            if odd:
                name = sorted(odd)[0]
                raise ValueError(
                    f"{{{name}}} stands in one of image and {kind} only; name the fields alike"
                )
        if len({pattern.text for pattern in self.kinds.values()}) < len(self.kinds):
            raise ValueError("two of image, label and mask are the same pattern")

    def pair(self, folder: Path, *, skip: bool = False, masked: bool = True) -> Listing:
        """Find the subjects: the images, with their labels and masks.

        A subject is called what the fields stand for, joined by ``-``.

        Args:
            folder: Which the patterns are below.
            skip: Pass over images without a label and labels without an image, with a remark:
                public data sets often label a part.
            masked: Where masks are named, there has to be one at least.

        Raises:
            DataError: When the folder cannot be listed.
        """
        try:
            found, images, labels = self._pair(folder)
        except OSError as error:
            raise DataError(f"{error.filename}: {error.strerror}; check the folder") from error
        faults, skip = list(found.faults), skip and bool(found.subjects)
        for left, there, lacking, pattern in (
            (images, labels, "label", self.label),
            (labels, images, "image", self.image),
        ):
            if left:
                first = next(iter(left))
                message = f"has no {lacking} {pattern.named(left[first])}{_others(left)}"
                field = pattern.fields[0]
                names = [[values[field] for values in each.values()] for each in (left, there)]
                near = "" if found.subjects else pattern.closer(*names)
                mend = (
                    f"{lacking} = '{near}' finds one for each"
                    if near
                    else f"add it, correct {lacking} = '{pattern.text}', or leave such files out: "
                    "unpaired = 'skip'"
                )
                faults.append(
                    Fault(first, message, "passed over" if skip else mend, serious=not skip)
                )
        if not found.subjects and not found.faults and not images:
            message = f"no image is named {self.image.text}"
            mend = "set `path` to the folder above it, or correct `image`"
            faults.append(Fault(folder, message, mend))
        if (
            found.subjects
            and masked
            and self.mask
            and not any(files.mask for files in found.subjects)
        ):
            message = f"no mask is named {self.mask.text}"
            faults.append(Fault(folder, message, "correct `mask`, or leave it out"))
        return Listing.of(folder, found.subjects, faults)

    def _pair(self, folder: Path) -> tuple[Listing, Images, Images]:
        """Return what belongs together, and the images and labels that belong to nothing."""
        every = {kind: dict(p.find(folder)) for kind, p in self.kinds.items() if kind != "image"}
        found = {
            kind: {file.relative_to(folder).as_posix().lower(): file for file in files}
            for kind, files in every.items()
        }
        others = {file for files in found.values() for file in files.values()}
        images = {file: of for file, of in self.image.find(folder) if file not in others}
        near = {kind: self._nearest(kind, files, images) for kind, files in found.items()}
        faults: list[Fault] = []
        subjects: dict[str, SubjectFiles] = {}
        for image, values in images.items():
            name = "-".join(values[field] for field in self.image.fields)
            files = {kind: near[kind].get(image, []) for kind in found}
            several = next((kind for kind, paths in files.items() if len(paths) > 1), None)
            if several is not None:
                shown = ", ".join(file.name for file in files[several])
                message = f"several files may be its {several}: {shown}"
                faults.append(Fault(image, message, f"make `{several}` more exact"))
            elif name in subjects:
                message = f"a second image of '{name}' beside {subjects[name].image}"
                faults.append(Fault(image, message, "make `image` more exact"))
            elif files["label"]:
                mask = files["mask"][0] if files.get("mask") else None
                subjects[name] = SubjectFiles(name, image, files["label"][0], mask)
        listing = Listing(tuple(subjects.values()), tuple(faults))
        if faults:
            return listing, {}, {}  # they may be why a file is left
        paired = {files.label for files in subjects.values()}
        return (
            listing,
            {image: of for image, of in images.items() if image not in near["label"]},
            {file: every["label"][file] for file in sorted(set(every["label"]) - paired)},
        )

    def _nearest(
        self, kind: str, files: Mapping[str, Path], images: Images
    ) -> dict[Path, list[Path]]:
        """Return the labels or masks of each image; one that fits several is of the longest name.

        So ``a_b_label`` is of ``a_b`` and not of ``a``, where anything may follow a name.
        """
        fits = {image: self.kinds[kind].of(of, files) for image, of in images.items()}
        length = {image: sum(map(len, of.values())) for image, of in images.items()}
        longest: dict[Path, int] = {}
        for image, some in fits.items():
            for file in some:
                longest[file] = max(length[image], longest.get(file, 0))
        near = {
            image: [file for file in some if longest[file] == length[image]]
            for image, some in fits.items()
        }
        return {image: some for image, some in near.items() if some}


def _others(paths: Sized) -> str:
    n = len(paths) - 1
    return f", nor {'has 1 other' if n == 1 else f'have {n} others'}" if n else ""
