import resource
import sys
from pathlib import Path

import numpy as np
import pytest

from vbench.data.mapped import Budget, release

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


@pytest.fixture
def mapped(tmp_path: Path) -> np.ndarray:
    np.save(tmp_path / "a.npy", np.ones(2**25, dtype=np.uint8))
    return np.load(tmp_path / "a.npy", mmap_mode="r")


@linux
def test_released_pages_are_no_longer_resident_and_read_again(mapped: np.ndarray) -> None:
    before = resident()
    assert mapped.sum() == 2**25
    full = resident()
    release(mapped[5:])
    assert full - before > 2**24
    assert resident() - before < 2**22
    assert mapped.sum() == 2**25


@linux
def test_a_budget_bounds_what_is_resident(mapped: np.ndarray) -> None:
    budget = Budget([mapped], 2**22)
    before = resident()
    for start in range(0, len(mapped), 2**16):
        mapped[start : start + 2**16].sum()
        budget.spend(1, 2**16)
        assert resident() - before < 2**23


def test_where_the_system_does_not_say_reads_are_estimated(
    mapped: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = []
    monkeypatch.setattr("vbench.data.mapped.resident_files", lambda: None)
    monkeypatch.setattr("vbench.data.mapped.release", lambda *arrays: released.append(arrays))
    budget = Budget([mapped], 2**24)
    for _ in range(300):
        budget.spend(1, 2**16)
    assert len(released) == 2


def test_arrays_in_memory_are_left_alone() -> None:
    array = np.ones(10)
    release(array, array[2:])
    Budget([array], 0).spend(1, 1)
    assert array.sum() == 10
