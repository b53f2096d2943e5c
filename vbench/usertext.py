"""Text and paths as people, Windows and Excel write them, with clear errors for the rest."""

from __future__ import annotations

import errno
import os
import re
import shlex
import stat
import tomllib
import unicodedata
from pathlib import Path
from typing import Any


def regular(path: str | Path) -> Path:
    """Return the path of a file that can be read to an end: a pipe waits, a device may have none.

    Raises:
        OSError: When it is something else, or is not there.
    """
    path = Path(path)
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # opening a folder says what it is
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return path


def read_text(path: str | Path) -> str:
    """Read text as people's programs write it: UTF-8, or UTF-16 with its byte-order mark.

    Raises:
        OSError: When it cannot be read.
        ValueError: When it is no such text; the message says where.
    """
    data = regular(path).read_bytes()
    wide = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    try:
        text = data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        byte = data[error.start : error.start + 1].hex()
        raise ValueError(f"not UTF-8 text (byte 0x{byte} in line {line})") from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise ValueError(f"not UTF-8 text (a NUL in line {line})")
    return text


def user_path(text: str, folder: Path) -> Path:
    """Return the path that a person wrote in a file of this folder.

    ``~`` is the home folder. A relative path may be written as on Windows, with backslashes.

    Raises:
        ValueError: When no file can have this name; the message says why.
    """
    strange = next((c for c in text if not c.isprintable() and c not in "\xa0\u3000"), None)
    if strange is not None:
        raise ValueError(f"the path {_short(text)!a} has the character U+{ord(strange):04X}")
    if os.name != "nt" and "\\" in text and not os.path.lexists(folder / text):
        if re.match(r"[A-Za-z]:|\\\\", text):
            raise ValueError(f"'{_short(text)}' is a path of Windows, which is not here")
        text = text.replace("\\", "/")
    long = max((len(os.fsencode(part)) for part in Path(text).parts), default=0)
    if long > 255 or len(os.fsencode(text)) > 4000:
        raise ValueError(f"the path '{_short(text)}' of {len(text)} characters is too long")
    try:
        return folder / Path(text).expanduser()
    except RuntimeError as error:
        if os.path.lexists(folder / text):
            return folder / text
        raise ValueError(f"the path '{_short(text)}' begins with no user's name") from error


def one_line(text: str) -> str:
    """Return text with what would break a line, or cannot be printed, as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


#: What steers a terminal or turns text round: control characters but tab and line feed, marks of
#: the direction of writing, separators of lines that are none.
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def harmless(text: str) -> str:
    """Return text with what would steer a terminal as escapes, which are those of JSON, too."""
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."


def shell_word(path: str | Path) -> str:
    """Return a path as it is written on a command line: quoted where that needs it, no option."""
    text = str(path)
    return shlex.quote(f"./{text}" if text.startswith("-") else text)


def counted(n: int, what: str) -> str:
    """Return a number of things in words: ``1 job``, ``2 jobs``."""
    return f"{n} {what}{'' if n == 1 else 's'}"


def plain_name(text: str) -> str:
    """Return text as files and benchmarks may be called; empty when nothing of it is left.

    Accents go, other characters become ``-``.
    """
    letters = unicodedata.normalize("NFKD", text.replace("ß", "ss"))
    bare = "".join(c for c in letters if not unicodedata.combining(c))
    return re.sub(r"[^A-Za-z0-9._-]+", "-", bare).strip("-._")


def key_value(text: str) -> tuple[str, Any]:
    """Split ``KEY=VALUE``; VALUE is TOML, or the text itself, so that names need no quotes.

    Raises:
        ValueError: When there is no ``=``, or nothing before it.
    """
    key, equals, value = (part.strip() for part in text.partition("="))
    if not equals or not key:
        raise ValueError("expected KEY=VALUE")
    try:
        return key, tomllib.loads(f"x = {value}")["x"]
    except (ValueError, RecursionError):
        return key, value


def without_password(text: str) -> str:
    """Return an address, or words that hold some, without the passwords that they carry."""
    return re.sub(r"(://[^:/@\s]*):\S*@", r"\1@", text)


def hub_licence(text: str | None) -> dict[str, str]:
    """Return a licence as the Hugging Face hub's fields have it; empty when none was stated.

    Args:
        text: Such as ``CC-BY-4.0``, or words.
    """
    if text is None:
        return {}
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.+-]*", text):
        return {"license": text.lower()}
    return {"license": "other", "license_name": text}


def size_text(size: int) -> str:
    """Return bytes as people say them: ``12.3 MiB``."""
    number = float(size)
    for unit in ("B", "KiB", "MiB"):
        if number < 1024:
            return f"{number:.0f} B" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1024
    return f"{number:.1f} GiB"
