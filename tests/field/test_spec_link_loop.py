"""CPython issue 109187: ``Path.resolve`` of links that go round raises RuntimeError."""

from pathlib import Path

from command_line import vbench


def test_links_that_go_round_end_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    text = '[benchmark]\nname = "a"\n[data.source]\nplugin = "nnunet"\npath = "loop"\n'
    (tmp_path / "a.toml").write_text(text)
    for spec in ("a.toml", "loop"):
        for command in ("plan", "validate", "run"):
            answer = vbench(command, tmp_path / spec)
            assert answer.code == 2
            assert "loop: " in answer.err
            assert "Traceback" not in answer.err
