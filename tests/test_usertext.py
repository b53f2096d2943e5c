from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vbench.usertext import key_value, one_line, read_text, user_path, without_password


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_is_read_with_or_without_a_mark(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.txt").write_bytes("µm\r\nü".encode(encoding))
    assert read_text(tmp_path / "a.txt") == "µm\r\nü"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a\nb\xe4c", "byte 0xe4 in line 2"),
        (b"a\nb\0c", "a NUL in line 2"),
        ("ab".encode("utf-16-le"), "a NUL in line 1"),
        (b"\xff\xfeabc", "not UTF-8 text"),
    ],
)
def test_what_is_no_text_is_said_with_its_line(
    tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_text(tmp_path / "a.txt")


def test_paths_are_read_as_people_write_them(tmp_path: Path) -> None:
    assert user_path("a/b.nii", tmp_path) == tmp_path / "a" / "b.nii"
    assert user_path("a\\b.nii", tmp_path) == tmp_path / "a" / "b.nii"
    assert user_path("~/b.nii", tmp_path) == Path.home() / "b.nii"
    assert user_path("/b.nii", tmp_path) == Path("/b.nii")
    for name in ("~nobody-of-this-name.nii", "a\\b\\c.nii"):
        (tmp_path / name).write_text("")
        assert user_path(name, tmp_path) == tmp_path / name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\0b", "U\\+0000"),
        ("a\u2028b", "U\\+2028"),
        ("a\u200bb", "U\\+200B"),
        ("a\nb", "U\\+000A"),
        ("\ud800", "U\\+D800"),
        ("x" * 256, "too long"),
        ("ü" * 130, "too long"),
        ("x/" * 3000, "too long"),
        ("~nobody-of-this-name/a", "no user"),
        ("C:\\a.nii", "path of Windows"),
        ("\\\\server\\a.nii", "path of Windows"),
    ],
)
def test_what_can_be_no_path_is_said(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        user_path(text, tmp_path)
    assert len(str(caught.value).splitlines()) == 1


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=300))
def test_any_text_is_a_path_that_can_be_asked_for_or_is_said(tmp_path: Path, text: str) -> None:
    assert len(one_line(text).splitlines()) <= 1
    said = ""
    try:
        user_path(text, tmp_path).exists()
    except ValueError as error:
        said = str(error)
    assert len(said.splitlines()) <= 1


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("a = 1", ("a", 1)),
        ("path=/data/x y", ("path", "/data/x y")),
        ("shape=[1,2]", ("shape", [1, 2])),
        ("word= plain ", ("word", "plain")),
        ("deep=" + "[" * 10_000, ("deep", "[" * 10_000)),
    ],
)
def test_a_value_is_toml_or_the_text_itself(text: str, pair: tuple[str, object]) -> None:
    assert key_value(text) == pair


@pytest.mark.parametrize("text", ["a", "=1", " = 1"])
def test_what_is_no_pair_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected KEY=VALUE"):
        key_value(text)


@pytest.mark.parametrize("password", ["secret", "se/cret", "se@cret", "se:cret"])
def test_no_password_is_left_in_words(password: str) -> None:
    words = f"no answer from postgresql://me:{password}@host:5432/db; sqlite:////a/b.db is fine"
    said = "no answer from postgresql://me@host:5432/db; sqlite:////a/b.db is fine"
    assert without_password(words) == said
