"""Jaxley pull request 177: a radius of 0 in an SWC file; 0 and -1 are written for unknown."""

from pathlib import Path

import pytest
from command_line import vbench


@pytest.mark.parametrize("radius", [0, -1])
def test_an_unknown_radius_is_not_measured(tmp_path: Path, radius: int) -> None:
    lines = [f"{i + 1} 3 {i} 0 0 {radius if i == 5 else 0.5} {i or -1}" for i in range(20)]
    (tmp_path / "a.swc").write_text("\r\n".join(lines))
    answer = vbench("data", "morphology", tmp_path / "a.swc")
    assert answer.code == 2
    assert f"a.swc:6: the radius is {radius}" in answer.err
    assert len(answer.err.splitlines()) == 1
