"""Which file of one folder belongs to which of another, by their names."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from vbench.data.entities import KINDS, MODALITIES, Name, natural
from vbench.data.header import SUFFIXES, stem
from vbench.data.pictures import is_picture
from vbench.errors import DataError

_KIND = "|".join(sorted((re.escape(word) for word in KINDS | {"angio"}), key=len, reverse=True))
_AFTER = re.compile(rf"[_.-]({_KIND})$", re.I)
_BEFORE = re.compile(rf"^({_KIND})[_.-]", re.I)


@dataclass(frozen=True)
class File:
    """A file with what its name, and in subfolders its folders' names, say.

    Attributes:
        path: The file.
        folder: The folder that it was found below.
    """

    path: Path
    folder: Path

    @cached_property
    def name(self) -> Name:
        """The entities and words of the name."""
        return Name.of(self.path, self.folder)

    @cached_property
    def text(self) -> str:
        """The name; of a file that is called ``seg`` or the like, its folders'."""
        if stem(self.path).lower() not in KINDS:
            return stem(self.path)
        return "_".join(self.path.relative_to(self.folder).parts[:-1]) or stem(self.path)

    @property
    def is_bids(self) -> bool:
        """Whether the name is made of entities."""
        return "sub" in self.name.entities

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The words of a BIDS name that do not only say what kind of file it is."""
        about = KINDS | MODALITIES
        return tuple(word for word in self.name.words if word.lower() not in about)

    @cached_property
    def bare(self) -> str:
        """The name without what says at its end of which kind the file is."""
        return _strip(self.text, _AFTER)


def files_of(folder: Path) -> list[File]:
    """List the NIfTI files of a folder, else its pictures; those of subfolders when it has none.

    Maps named as brain masks or tissue maps are left out, unless there are no others.

    Raises:
        DataError: When there is none.
    """
    for paths in (folder.iterdir(), folder.rglob("*")):
        there = [
            File(path, folder)
            for path in sorted(paths)
            if not any(part.startswith(".") for part in path.relative_to(folder).parts)
        ]
        volumes = [file for file in there if file.path.name.endswith(SUFFIXES)]
        found = volumes or [file for file in there if is_picture(file.path)]
        if found:
            return [f for f in found if not (f.is_bids and f.name.says_tissue())] or found
    raise DataError(f"{folder}: no .nii or .nii.gz file in it, and no picture")


def match(made: Sequence[File], true: Sequence[File]) -> list[tuple[File, File]]:
    """Pair files: those of the same name first, then by less and less of the name.

    BIDS names pair when they agree in every entity that both have, but for ``desc``, whatever
    the order of the entities. Other names pair without what says of which kind the file is.

    Returns:
        Predictions with their references, in the natural order of the references. A reference
        may be left without one: it is in no pair.

    Raises:
        DataError: When a prediction has no reference, or a file several partners.
    """
    partners: dict[File, File] = {}
    taken: set[File] = set()
    for key in _KEYS:
        by_key: dict[Hashable, tuple[list[File], list[File]]] = defaultdict(lambda: ([], []))
        for side, files in enumerate((made, true)):
            for file in files:
                if file not in taken:
                    by_key[key(file)][side].append(file)
        for ours, theirs in by_key.values():
            pairs = [(p, t) for p in ours for t in theirs if _agree(p, t)]
            _refuse_choice(pairs)
            for p, t in pairs:
                partners[t] = p
                taken |= {p, t}
    rest = [
        (p, t)
        for p in made
        for t in true
        if not {p, t} <= taken and _agree(p, t) and p.is_bids and t.is_bids and _near(p, t)
    ]
    _refuse_choice(rest)
    partners |= {t: p for p, t in rest if not {p, t} & taken}
    _need_partners(made, set(partners.values()), true)
    for left in (file for file in true if file not in partners):
        _refuse_twin(left, partners)
    return [(partners[t], t) for t in sorted(partners, key=lambda file: natural(str(file.path)))]


def subject_of(path: Path) -> str:
    """Return the subject that a file name names.

    In BIDS ``sub-…`` with all that says of which image the file is (session, acquisition, run …);
    else the name without ``.nii.gz`` and without what says of which kind the file is (``_pred``,
    ``_label``, ``_seg``, ``_0000`` and the like).
    """
    return _short(File(path, path.parent))


def subjects_of(files: Sequence[File]) -> list[str]:
    """Name each file's subject, as briefly as tells them apart."""
    names = [""] * len(files)
    for form in (_short, _long, _whole):
        count = Counter(names)
        names = [
            form(file) if not name or count[name] > 1 else name
            for file, name in zip(files, names, strict=True)
        ]
    return names


def _short(file: File) -> str:
    if not file.is_bids:
        return file.bare
    return _written(file, set(file.name.source()), file.words)


def _long(file: File) -> str:
    if not file.is_bids:
        return file.text
    return _written(file, set(file.name.entities), file.words)


def _whole(file: File) -> str:
    return "-".join([*file.path.relative_to(file.folder).parts[:-1], stem(file.path)])


def _written(file: File, keys: set[str], words: Iterable[str]) -> str:
    """Return the entities of these keys as the name has them, and the words after them."""
    own = [part for part in stem(file.path).split("_") if part.partition("-")[0] in keys]
    there = {part.partition("-")[0] for part in own}
    missing = [f"{k}-{v}" for k, v in file.name.entities.items() if k in keys - there]
    return "_".join([*missing, *own, *words])


def _strip(text: str, pattern: re.Pattern[str]) -> str:
    while shorter := pattern.sub("", text):
        if shorter == text:
            break
        text = shorter
    return text


def _entities(file: File, keys: Iterable[str]) -> Hashable:
    return frozenset((key, file.name.entities[key]) for key in keys), file.words


def _by_path(file: File) -> Hashable:
    return file.path.relative_to(file.folder).parts[:-1], stem(file.path)


def _by_name(file: File) -> Hashable:
    return (file.name.words, _entities(file, file.name.entities)) if file.is_bids else file.text


def _by_entities(file: File) -> Hashable:
    keys = [key for key in file.name.entities if key != "desc"]
    return _entities(file, keys) if file.is_bids else file.bare


def _by_source(file: File) -> Hashable:
    if file.is_bids:
        return _entities(file, file.name.source())
    return _strip(file.bare, _BEFORE)


def _by_source_in_any_case(file: File) -> Hashable:
    if file.is_bids:
        return frozenset((k, v.lower()) for k, v in file.name.source().items()), file.words
    return _strip(file.bare, _BEFORE).lower()


#: From the whole name to the smallest part of it by which files may still be paired.
_KEYS: tuple[Callable[[File], Hashable], ...] = (
    _by_path,
    _by_name,
    _by_entities,
    _by_source,
    _by_source_in_any_case,
)


def _agree(prediction: File, truth: File) -> bool:
    """Return whether no entity but ``desc``, and no word, says that two files differ."""
    if not (prediction.is_bids and truth.is_bids):
        return True
    ours, theirs = prediction.name, truth.name
    shared = (ours.entities.keys() & theirs.entities.keys()) - {"desc"}
    return all(ours.entities[key].lower() == theirs.entities[key].lower() for key in shared) and (
        ours.same_modality(theirs)
    )


def _near(prediction: File, truth: File) -> bool:
    """Return whether one name only leaves out what the other has."""
    return not (prediction.words and truth.words) or prediction.words == truth.words


def _refuse_choice(pairs: Sequence[tuple[File, File]]) -> None:
    """Raise DataError when a file is in two pairs, since it is unclear which is meant."""
    for side in (0, 1):
        first: dict[File, tuple[File, File]] = {}
        for pair in pairs:
            other = first.setdefault(pair[side], pair)
            if other is not pair:
                raise DataError(
                    f"{pair[side].path}: fits {other[1 - side].path} and "
                    f"{pair[1 - side].path.name}; keep one file a subject in the folder, or name "
                    "them apart"
                )


def _need_partners(files: Sequence[File], done: set[File], others: Sequence[File]) -> None:
    lonely = [file for file in files if file not in done]
    if not lonely:
        return
    file, subject = lonely[0], _short(lonely[0])
    more = f" and {len(lonely) - 1} more" if len(lonely) > 1 else ""
    _refuse_twin(file, done)
    differing = next((f for f in others if _person(f) == _person(file)), None)
    near = f" (the nearest is {differing.path.name})" if differing else ""
    raise DataError(
        f"{file.path}{more}: no file of subject '{subject}' in {others[0].folder}{near}; "
        "add it, or take this one out"
    )


def _refuse_twin(file: File, done: Iterable[File]) -> None:
    """Raise DataError when another file of the folder, which has a partner, is of this subject."""
    subject = _short(file)
    twin = next((f for f in done if _short(f) == subject), None)
    if twin is not None:
        raise DataError(
            f"{file.path}: is of subject '{subject}', as is {twin.path.name}; "
            "keep one file a subject in the folder"
        )


def _person(file: File) -> str:
    return file.name.entities.get("sub", file.text)
