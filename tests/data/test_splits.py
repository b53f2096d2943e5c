import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vbench.data.splits import split_subjects
from vbench.errors import DataError

IDS = [f"s{i:02d}" for i in range(20)]
COUNTS = st.fixed_dictionaries({p: st.integers(0, 6) for p in ("train", "val", "test")})


@given(COUNTS, st.integers(0, 5), st.permutations(IDS))
def test_counts_are_kept_and_no_subject_is_in_two(
    counts: dict[str, int], seed: int, ids: list[str]
) -> None:
    split = split_subjects(ids, counts, seed)
    assert {p: len(getattr(split, p)) for p in counts} == counts
    everyone = [*split.train, *split.val, *split.test]
    assert len(set(everyone)) == len(everyone)
    assert split == split_subjects(IDS, counts, seed)


@given(st.integers(3, 60), st.integers(1, 8), st.integers(1, 8), st.integers(1, 8))
def test_fractions_that_add_up_use_every_subject(n: int, a: int, b: int, c: int) -> None:
    total = a + b + c
    ids = [f"s{i}" for i in range(n)]
    shares = {"train": a / total, "val": b / total, "test": c / total}
    split = split_subjects(ids, shares, 0)
    parts = {p: len(getattr(split, p)) for p in shares}
    assert sum(parts.values()) == n
    assert min(parts.values()) >= 1
    for part, share in shares.items():
        assert abs(parts[part] - share * n) <= 2


def test_training_subjects_nest_and_leave_the_others_alone() -> None:
    splits = [split_subjects(IDS, {"train": n, "val": 3, "test": 5}, 1) for n in range(13)]
    for smaller, larger in itertools.pairwise(splits):
        assert larger.train[: len(smaller.train)] == smaller.train
        assert (larger.val, larger.test) == (smaller.val, smaller.test)


def test_the_seed_decides() -> None:
    counts = {"train": 10, "val": 5, "test": 5}
    assert len({split_subjects(IDS, counts, seed).test for seed in range(20)}) > 15


def test_named_subjects_keep_their_order_and_the_rest_is_drawn() -> None:
    split = split_subjects(IDS, {"train": 4, "test": ["s07", "s03"]}, 0)
    assert split.test == ("s07", "s03")
    assert len(split.train) == 4
    assert not {"s07", "s03"} & set(split.train)
    assert split.val == ()


@pytest.mark.parametrize(
    ("split", "message"),
    [
        ({"train": 19, "val": 1, "test": 1}, "val 1, test 1 wanted, 20 subjects to choose from"),
        ({"train": 19, "test": ["s01", "s02"]}, "train 19 wanted, 18 subjects to choose from"),
        ({"train": ["s1"]}, r"split\.train: no subject is called 's1'; did you mean"),
        ({"train": ["s01"], "test": ["s01"]}, r"split\.test: 's01' is in train already"),
        ({"train": ["s01", "s01"]}, r"split\.train: 's01' is in train already"),
        ({"training": 3}, r"split\.training: no such part.*did you mean 'train'"),
        ({"train": 0.9, "test": 0.2}, r"add up to 1\.1"),
        ({"train": 1.5}, "a fraction is at most 1"),
        ({"train": -1}, "expected a count"),
        ({"train": True}, "expected a count"),
        ({"train": "all"}, "expected a count"),
        ({"train": float("nan")}, "expected a count"),
    ],
)
def test_what_cannot_be_split_is_said(split: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        split_subjects(IDS, split, 0)


def test_too_few_subjects_for_a_share_of_each_and_doubled_ids_are_refused() -> None:
    with pytest.raises(DataError, match="too few for a share of each"):
        split_subjects(["a", "b"], {"train": 0.6, "val": 0.2, "test": 0.2}, 0)
    with pytest.raises(DataError, match="'a' is there twice"):
        split_subjects(["a", "b", "a"], {"train": 1}, 0)
