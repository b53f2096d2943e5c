"""csharp-csv-reader issue 28: Excel's first line ``sep=;`` is taken for the columns' names."""

from pathlib import Path

from command_line import vbench
from datasets import manifest


def test_a_line_that_names_the_separator_is_understood(tmp_path: Path) -> None:
    file = manifest(tmp_path)
    file.write_text("sep=;\r\n" + file.read_text().replace(",", ";"))
    assert vbench("data", "check", file).code == 0
