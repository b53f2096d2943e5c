"""Source: found by `make fuzz`. A point at 1e300 mm made lengths infinite, and NaN in the JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from command_line import vbench


def written(path: Path, place: str, radius: str) -> Path:
    rows = [f"{i + 1} 3 {place if i == 4 else i} 0 0 {radius} {i or -1}" for i in range(6)]
    rows.append("7 3 5 5 0 0.5 3")
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.mark.parametrize(
    ("place", "radius"), [("1e300", "0.5"), ("-2e155", "0.5"), ("4", "1e300"), ("4", "1e-300")]
)
def test_a_number_of_no_vessel_is_refused(tmp_path: Path, place: str, radius: str) -> None:
    path = written(tmp_path / "a.swc", place, radius)
    answer = vbench("data", "morphology", path, "--json")
    assert answer.code == 2
    assert answer.err.count("\n") == 1
    assert f"{path}:{5 if radius == '0.5' else 1}: no place or radius of a vessel" in answer.err


@pytest.mark.parametrize(("place", "radius"), [("9e8", "0.5"), ("4", "2e-9"), ("4", "9e8")])
def test_what_is_within_gives_finite_numbers(tmp_path: Path, place: str, radius: str) -> None:
    def refuse(word: str) -> Any:
        raise AssertionError(word)

    answer = vbench("data", "morphology", written(tmp_path / "a.swc", place, radius), "--json")
    assert answer.code == 0
    assert json.loads(answer.out, parse_constant=refuse)
