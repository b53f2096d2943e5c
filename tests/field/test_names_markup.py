"""Source: found in review of vbench. A folder called ``x[/y]`` was read as markup: a traceback."""

from __future__ import annotations

from pathlib import Path

from command_line import vbench
from datasets import nnunet, save, scene


def test_brackets_in_names_are_shown(tmp_path: Path) -> None:
    place = tmp_path / "x[" / "y]"
    data = nnunet(place / "d")
    for name in ("a", "b[bold]c"):
        save(place / "p" / f"{name}.nii", scene()[1])
    shown = vbench("data", "show", data)
    scored = vbench("score", "--pred", place / "p", "--truth", place / "p", "--metric", "dsc")
    told = vbench("doctor", "--out", place)
    for answer in (shown, scored, told):
        assert answer.code == 0, answer.err
    assert "x[/y]" in shown.out
    assert "b[bold]c" in scored.out
    assert "x[/y]" in told.out.replace("\n", "")
