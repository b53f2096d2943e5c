"""Cross-validation's folds: each subject is tested once, a person's in the same fold."""

from __future__ import annotations

import pytest

from vbench.data.splits import fold_subjects
from vbench.errors import DataError

IDS = [f"s{i:02d}" for i in range(11)]


@pytest.mark.parametrize("folds", [2, 3, 5, 8])
@pytest.mark.parametrize("val", [1, 2, 0.2])
def test_every_subject_is_tested_once_and_nobody_is_in_two_parts(folds: int, val: float) -> None:
    found = fold_subjects(IDS, folds, val, seed=0)
    assert sorted(s for fold in found for s in fold.test) == IDS
    sizes = [len(fold.test) for fold in found]
    assert max(sizes) - min(sizes) <= 1
    for fold in found:
        parts = [set(fold.train), set(fold.val), set(fold.test)]
        assert sum(map(len, parts)) == len(set.union(*parts)) == len(IDS)
        assert len(fold.val) == 2 if val == 0.2 else len(fold.val) == val


def test_subjects_of_a_person_stay_together() -> None:
    eyes = [f"p{i}_{side}" for i in range(6) for side in ("l", "r")]
    people = {eye: eye.partition("_")[0] for eye in eyes}
    for fold in fold_subjects(eyes, 3, 1, 0, people):
        persons = [{people[s] for s in part} for part in (fold.train, fold.val, fold.test)]
        assert [len(p) for p in persons] == [3, 1, 2]
        assert not persons[0] & persons[2]
        assert not persons[0] & persons[1]
        assert len(fold.test) == 4


def test_the_order_of_the_list_plays_no_part_and_the_seed_does() -> None:
    assert fold_subjects(IDS, 5, 2, 0) == fold_subjects(IDS[::-1], 5, 2, 0)
    assert fold_subjects(IDS, 5, 2, 0) != fold_subjects(IDS, 5, 2, 1)


@pytest.mark.parametrize(
    ("n", "folds", "val", "message"),
    [
        (4, 5, 1, "5 folds of 4 persons .* without anyone to test"),
        (4, 2, 2, "2 folds of 4 persons with 2 for validation leave a fold nobody to train on"),
    ],
)
def test_too_few_persons_are_one_line(n: int, folds: int, val: int, message: str) -> None:
    with pytest.raises(DataError, match=message):
        fold_subjects(IDS[:n], folds, val, 0)


def test_a_name_twice_is_refused() -> None:
    with pytest.raises(DataError, match="there twice"):
        fold_subjects(["a", "b", "a"], 2, 1, 0)
