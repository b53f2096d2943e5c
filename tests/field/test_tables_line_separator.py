"""GluonTS pull request 920: ``splitlines`` cuts a field at U+2028, and the row falls apart."""

from pathlib import Path

from command_line import vbench
from datasets import manifest


def test_a_line_separator_within_a_cell_does_not_end_the_row(tmp_path: Path) -> None:
    file = manifest(tmp_path)
    lines = file.read_text().splitlines()
    notes = ["note", "seen\u2028twice", "\x85"]
    file.write_text("\n".join(f"{a},{b}" for a, b in zip(lines, notes, strict=True)), "utf-8")
    answer = vbench("data", "check", file)
    assert answer.code == 0, answer.out
