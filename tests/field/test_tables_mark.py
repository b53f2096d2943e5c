"""pandas issue 4793: Excel's byte-order mark becomes part of the first column's name."""

from pathlib import Path

from command_line import vbench
from datasets import manifest


def test_a_table_with_a_mark_and_quotes_is_read(tmp_path: Path) -> None:
    file = manifest(tmp_path)
    rows = [line.split(",") for line in file.read_text().splitlines()]
    text = "".join(",".join(f'"{cell}"' for cell in row) + "\r\n" for row in rows)
    file.write_bytes(text.encode("utf-8-sig"))
    assert vbench("data", "check", file).code == 0
