"""Tomli issue 304: "Invalid statement (at line 1, column 1)" is a byte-order mark of Windows."""

from pathlib import Path

from command_line import vbench


def test_a_spec_with_a_mark_is_read(tmp_path: Path) -> None:
    text = '[benchmark]\r\nname = "a"\r\n[data.source]\r\nplugin = "phantom"\r\n'
    (tmp_path / "a.toml").write_bytes(text.encode("utf-8-sig"))
    answer = vbench("plan", tmp_path / "a.toml", "--out", tmp_path / "out")
    assert answer.code == 0, answer.err
