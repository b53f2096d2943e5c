"""The page of power and level: cases are made and judged, and shares are those of the alarms."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from patients import patients

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))
import disguises
import privacy_power as power

SIZE = (8, 8, 8)


@pytest.fixture(scope="module")
def people() -> list[np.ndarray]:
    """Patches of twelve patients, an array for each."""
    made = patients(12, 30, seed=0, size=SIZE)
    array = made.take(np.arange(len(made)))
    return [array[made.subject_index == subject] for subject in range(12)]


@pytest.mark.parametrize("name", ["HONEST", "DISGUISES"])
def test_every_change_keeps_patches_valid(name, people) -> None:
    for title, change in getattr(disguises, name).items():
        before = people[0].copy()
        after = change(people[0], np.random.default_rng(0))
        assert after.shape == before.shape, title
        assert np.abs(after[:, 0]).max() <= 1, title
        assert set(np.unique(after[:, 1])) <= {0, 1}, title
        np.testing.assert_array_equal(people[0], before, title)


def test_a_short_experiment_finds_copies_and_no_unseen_patient(people) -> None:
    design = power.Design(train=4, held=4, patches=100, size=SIZE, short=True)
    found = power.judge(design, people, people[:2], 0)
    verdicts = {name: any(alarms.values()) for _, name, alarms in found}
    assert all(verdicts[name] for name in ("5.0% verbatim copies", "one patient of 4"))
    assert all(verdicts[name] for name in list(disguises.DISGUISES)[:3])
    assert not verdicts["as they are"]


def test_shares_and_intervals_are_those_of_the_alarms() -> None:
    found = [[("level", "as they are", {"a": i < 1, "b": i < 2})] for i in range(4)]
    page = "\n".join(power.tables(found))
    assert "| as they are | 4 | 0.25 | 0.50 | **0.50** | 0.15 to 0.85 |" in page
