"""Ways to spoil bytes, text, JSON values and folders."""

from __future__ import annotations

import copy
import os
import random
import shutil
from pathlib import Path
from typing import Any

#: Values that programs stumble over.
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 3, 7, 2**31, 2**63, 2**64, 10**30, -(10**30), 0.0, -0.0, 0.5,
    1e-300, 1e300, float("nan"), float("inf"), float("-inf"), "", " ", "a", "nan", "real", "ok",
    "../../x", "/etc/passwd", "~", "~nobody/x", "a/b", "..", ".", "\\\\host\\x", "C:\\x", "a\nb",
    "\x1b[2J\x1b]0;owned\x07", "<script>alert(1)</script>", "=cmd|'/c calc'!A0", "\u202etxt",
    "\ud800", "ü" * 300, "x" * 5000, [], {}, [[]], [None], [0, 0, 0], [-1], [1e9], {"a": {}},
    {"": ""}, {"__class__": "x"}, {"low": 1, "high": 0},
)  # fmt: skip
WORDS = (
    b"", b"\0", b"\xff", b"\x1b[31m", b"nan", b"-1", b"0", b"1e999", b"99999999999999999999", b",",
    b'"', b"'", b"\n", b"\r\n", b"\t", b";", b"../", b"/", b"\\", b"\xef\xbb\xbf", b"\xff\xfe",
    b"=", b"[", b"]]", b"{", b"}", b"null", b"NaN", b"\xe2\x80\xa8", b"\xed\xa0\x80", b"#", b"<b>",
)  # fmt: skip


def spoil_bytes(raw: bytes, rng: random.Random) -> bytes:
    """Return other bytes: some flipped, cut, doubled, moved, or words put in."""
    changed = bytearray(raw)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        at, more = rng.randrange(len(changed) + 1), rng.randrange(1, 24)
        match rng.randrange(7):
            case 0:
                del changed[at:]
            case 1:
                del changed[at : at + more]
            case 2:
                changed[at:at] = rng.choice(WORDS) * rng.choice((1, 1, 1, 40))
            case 3:
                changed[at : at + more] = rng.choice(WORDS)
            case 4:
                changed[at:at] = changed[at : at + 10 * more]
            case 5:
                changed[at:at] = rng.randbytes(more)
            case _:
                for place in range(at, min(at + rng.choice((1, 2, 4)), len(changed))):
                    changed[place] = rng.choice((0, 1, 127, 128, 255, rng.randrange(256)))
    return bytes(changed)


def spoil_lines(raw: bytes, rng: random.Random) -> bytes:
    """Return a text whose lines or cells are swapped, doubled, left out or replaced."""
    lines = raw.split(b"\n")
    at, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    match rng.randrange(5):
        case 0:
            lines[at], lines[other] = lines[other], lines[at]
        case 1:
            lines.insert(at, lines[other])
        case 2:
            del lines[at]
        case _:
            separator = rng.choice((b",", b" ", b"="))
            cells = lines[at].split(separator)
            odd = str(rng.choice(ODD)).encode("utf-8", "surrogatepass")
            cells[rng.randrange(len(cells))] = rng.choice((odd, rng.choice(WORDS)))
            lines[at] = separator.join(cells)
    return b"\n".join(lines)


def spoil_value(value: Any, rng: random.Random) -> Any:
    """Return a JSON value in which one place is replaced, renamed, doubled or left out."""
    places: list[tuple[Any, Any]] = []
    _walk(value, places)
    if not places:
        return rng.choice(ODD)
    for _ in range(rng.choice((1, 1, 2))):
        holder, key = rng.choice(places)
        if isinstance(holder, dict):
            if key not in holder:
                continue
            match rng.randrange(5):
                case 0:
                    del holder[key]
                case 1:
                    holder[rng.choice(("", "x", f"{key}s", str(key)[:-1]))] = copy.deepcopy(
                        holder[key]
                    )
                case 2:
                    other, there = rng.choice(places)
                    with_key = isinstance(other, dict) and there in other
                    holder[key] = copy.deepcopy(other[there]) if with_key else None
                case _:
                    holder[key] = copy.deepcopy(rng.choice(ODD))
        elif key < len(holder):
            match rng.randrange(4):
                case 0:
                    del holder[key]
                case 1:
                    holder.insert(key, copy.deepcopy(holder[key]))
                case _:
                    holder[key] = copy.deepcopy(rng.choice(ODD))
    return value


def _walk(value: Any, places: list[tuple[Any, Any]]) -> None:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in items:
        places.append((value, key))
        if isinstance(part, dict | list):
            _walk(part, places)


def spoil_tree(folder: Path, rng: random.Random) -> None:
    """Rename, copy, remove or replace a file or folder, by a link, a pipe or rubbish."""
    paths = sorted(folder.rglob("*"))
    path = rng.choice(paths)
    if not os.path.lexists(path):
        return
    match rng.randrange(10):
        case 0 | 1:
            _remove(path)
            kind = rng.randrange(4)
            if kind == 0:
                path.mkdir()
            elif kind == 1:
                path.symlink_to(rng.choice((path.name, "..", "/etc/passwd", "/nowhere", "/")))
            elif kind == 2:
                os.mkfifo(path)
            else:
                path.write_bytes(rng.choice(WORDS))
        case 2:
            _remove(path)
        case 3 | 4 | 5:
            name = spoil_bytes(os.fsencode(path.name), rng).replace(b"/", b"").replace(b"\0", b"")
            if (
                name.strip(b".")
                and len(name) < 250
                and not os.path.lexists(path.parent / os.fsdecode(name))
            ):
                path.rename(path.parent / os.fsdecode(name))
        case 6 | 7:
            other = rng.choice(paths)
            if other.is_file() and path.is_file():
                shutil.copyfile(other, path) if other != path else None
        case 8 if path.is_file():
            name = rng.choice(("_", "x", "-2", "_0000")) + path.name
            shutil.copyfile(path, path.with_name(name))
        case _ if path.is_file():
            path.write_bytes(spoil_bytes(path.read_bytes(), rng))


def _remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
