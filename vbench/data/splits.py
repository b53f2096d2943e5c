"""Divides subjects into training, validation and test: seeded, by person, nobody in two parts."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vbench.errors import DataError, did_you_mean

PARTS = ("train", "val", "test")


@dataclass(frozen=True)
class Split:
    """The subjects of each part.

    Attributes:
        train: In a random order that the seed decides, so that its first n are a random choice,
            and a part of its first n + 1; as listed when the split names them.
        val: The validation subjects.
        test: The test subjects.
    """

    train: tuple[str, ...]
    val: tuple[str, ...]
    test: tuple[str, ...]


def group_by_pattern(ids: Sequence[str], pattern: str) -> dict[str, str]:
    """Return each subject's person: what the pattern's first parentheses match in its name.

    Raises:
        DataError: When it does not match a name, or puts all subjects into one group.
    """
    found = {name: match and match[1] for name in ids for match in [re.search(pattern, name)]}
    lost = [name for name, person in found.items() if not person]
    example = "such as (.+)_(left|right) for the eyes of a person"
    if lost:
        how = "no subject" if len(lost) == len(ids) else f"{len(ids) - len(lost)} of {len(ids)}"
        raise DataError(
            f"group = '{pattern}': matches {how}, not '{lost[0]}'; write a regular expression that "
            f"fits every name, {example}"
        )
    people = {name: str(person) for name, person in found.items()}
    if len(set(people.values())) == 1 and len(ids) > 1:
        raise DataError(
            f"group = '{pattern}': all {len(ids)} subjects are of one group, "
            f"'{next(iter(people.values()))}'; put the parentheses around what names the person, "
            f"{example}"
        )
    return people


def split_subjects(
    ids: Sequence[str],
    split: Mapping[str, Any],
    seed: int,
    people: Mapping[str, str] | None = None,
) -> Split:
    """Divide subjects into train, val and test.

    Where persons have several subjects, such as two eyes, it is persons that are counted and
    divided, and all subjects of a person go to one part.

    Each part is a count (``train = 12``), a fraction of all subjects (``train = 0.6``) or a list
    of names; a part that is left out is empty. Subjects are ranked by a hash of seed and name, and
    test is filled first, then val, then train: the order of ``ids`` plays no part, and another
    number of training subjects changes neither test nor val.

    Args:
        ids: The subjects that there are.
        split: Part to count, fraction or names.
        seed: The data seed.
        people: Subject to person; None: each subject is a different person.

    Raises:
        DataError: When there are too few subjects, an unknown or a doubled one, one whose person
            is in two parts, or when a value is none of the three.
    """
    _refuse_doubles(ids)
    if people:
        return _split_people(ids, split, seed, people)
    for part in split:
        if part not in PARTS:
            hint = did_you_mean(part, PARTS)
            raise DataError(f"split.{part}: no such part, expected train, val or test{hint}")
    named = {part: tuple(v) for part, v in split.items() if isinstance(v, list | tuple)}
    _check_names(ids, named)
    taken = {name for names in named.values() for name in names}
    free = sorted((i for i in ids if i not in taken), key=lambda i: _rank(seed, i))
    counts = _counts({p: v for p, v in split.items() if p not in named}, len(ids))
    if sum(counts.values()) > len(free):
        wanted = ", ".join(f"{part} {n}" for part, n in counts.items())
        raise DataError(
            f"split: {wanted} wanted, {len(free)} subjects to choose from; ask for fewer"
        )
    parts = dict(named)
    for part in reversed(PARTS):
        if part in counts:
            parts[part], free = tuple(free[: counts[part]]), free[counts[part] :]
    return Split(*(parts.get(part, ()) for part in PARTS))


def fold_subjects(
    ids: Sequence[str],
    folds: int,
    val: float,
    seed: int,
    people: Mapping[str, str] | None = None,
) -> list[Split]:
    """Divide subjects for cross-validation: each is tested in one fold, a person's in the same.

    Persons are ranked by a hash of seed and name. The test persons of the folds are consecutive
    parts of that order, as large as each other or one larger; those after them, cyclically, are
    the fold's validation persons, and the rest train.

    Args:
        ids: The subjects that there are.
        folds: How many folds.
        val: Validation persons of each fold: a count, or a fraction of all persons.
        seed: The data seed.
        people: Subject to person; None: each subject is a different person.

    Raises:
        DataError: When there are too few persons.
    """
    _refuse_doubles(ids)
    members: dict[str, list[str]] = {}
    for name in sorted(ids):
        members.setdefault(people[name] if people else name, []).append(name)
    order = sorted(members, key=lambda person: _rank(seed, person))
    n, kept = len(order), val if isinstance(val, int) else max(1, round(val * len(order)))
    largest = -(-n // folds)
    if n < folds or largest + kept >= n:
        raise DataError(
            f"split: {folds} folds of {n} persons with {kept} for validation leave a fold "
            f"{'without anyone to test' if n < folds else 'nobody to train on'}; "
            "take fewer folds, or fewer for validation"
        )
    found, first = [], 0
    for fold in range(folds):
        size = n // folds + (fold < n % folds)
        turned = order[first:] + order[:first]
        first += size
        parts = turned[size + kept :], turned[size : size + kept], turned[:size]
        ranked = (sorted(part, key=lambda person: _rank(seed, person)) for part in parts)
        found.append(Split(*(tuple(s for p in part for s in members[p]) for part in ranked)))
    return found


def _split_people(
    ids: Sequence[str], split: Mapping[str, Any], seed: int, people: Mapping[str, str]
) -> Split:
    """Divide persons, then list the subjects of each."""
    members: dict[str, list[str]] = {}
    for name in sorted(ids):
        members.setdefault(people[name], []).append(name)
    named = {part: v for part, v in split.items() if isinstance(v, list | tuple)}
    # A list may name persons, or single subjects of theirs.
    parts = {
        part: [one for name in names for one in (members.get(name, [name]))]
        for part, names in named.items()
    }
    _check_names(ids, {part: tuple(names) for part, names in parts.items()})
    place: dict[str, str] = {}
    for part, names in parts.items():
        for name in names:
            other = place.setdefault(people[name], part)
            if other != part:
                raise DataError(
                    f"split.{part}: '{name}' is of '{people[name]}', who is in {other} already; "
                    "a person belongs to one part"
                )
    free = [person for person in members if person not in place]
    counted = {part: v for part, v in split.items() if part not in named}
    drawn = split_subjects(free, counted, seed)
    for part in PARTS:
        if part not in parts:
            parts[part] = [name for person in getattr(drawn, part) for name in members[person]]
    return Split(*(tuple(parts[part]) for part in PARTS))


def _check_names(ids: Sequence[str], named: Mapping[str, tuple[Any, ...]]) -> None:
    """Raise DataError for a name that is unknown, or in two parts."""
    seen: dict[str, str] = {}
    for part, names in named.items():
        for name in names:
            if name not in ids:
                hint = did_you_mean(str(name), ids)
                raise DataError(f"split.{part}: no subject is called '{name}'{hint}")
            if name in seen:
                raise DataError(
                    f"split.{part}: '{name}' is in {seen[name]} already; a subject belongs to one"
                )
            seen[name] = part


def _counts(split: Mapping[str, Any], n: int) -> dict[str, int]:
    """Return each part's count; fractions are of all ``n`` subjects, rounded to the same sum."""
    counts: dict[str, int] = {}
    shares: dict[str, float] = {}
    for part, value in split.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
            raise DataError(
                f"split.{part} = {value!r}: expected a count (3), a fraction (0.15) or a list of "
                "subjects"
            )
        if isinstance(value, int):
            counts[part] = value
        elif value <= 1:
            shares[part] = value
        else:
            raise DataError(f"split.{part} = {value}: a fraction is at most 1.0; a count is whole")
    if sum(shares.values()) > 1 + 1e-9:
        raise DataError(f"split: the fractions add up to {sum(shares.values()):g}, more than 1")
    whole = {part: int(share * n + 1e-9) for part, share in shares.items()}
    rest = round(sum(shares.values()) * n) - sum(whole.values())
    by_remainder = sorted(shares, key=lambda p: whole[p] - shares[p] * n)
    for part in by_remainder[:rest]:
        whole[part] += 1
    for part in shares:
        if shares[part] > 0 and whole[part] == 0:
            largest = max(whole, key=lambda p: whole[p])
            if whole[largest] < 2:
                raise DataError(f"split.{part}: {n} subjects are too few for a share of each")
            whole[part], whole[largest] = 1, whole[largest] - 1
    return counts | whole


def _rank(seed: int, name: str) -> bytes:
    return hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=16).digest()


def _refuse_doubles(ids: Sequence[str]) -> None:
    seen: set[str] = set()
    for name in ids:
        if name in seen:
            raise DataError(f"the subject '{name}' is there twice; give each a different name")
        seen.add(name)
