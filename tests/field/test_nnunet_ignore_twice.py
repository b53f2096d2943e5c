"""nnU-Net issue 2884: two labels are called ``ignore``; JSON keeps the last, the other trains."""

from pathlib import Path

from command_line import vbench
from datasets import nnunet


def test_a_name_that_stands_twice_is_said(tmp_path: Path) -> None:
    file = nnunet(tmp_path) / "dataset.json"
    old = '"vessel": 1'
    file.write_text(file.read_text().replace(old, f'{old}, "ignore": 4, "ignore": 5'))
    answer = vbench("data", "check", tmp_path)
    assert answer.code == 2
    assert "dataset.json: cannot be read (the key 'ignore' occurs twice)" in answer.out
