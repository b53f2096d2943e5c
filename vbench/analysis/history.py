"""Former boards of a benchmark: kept when its plan changes, listed and shown again.

A run whose plan is not that of the board in the folder puts the board aside, with its cases and its
plan, before it writes its own: ``<out>/<benchmark>/history/<number>/``, counted from 1.
"""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vbench.errors import StoreError
from vbench.files import read_json, write_json
from vbench.records.board import Board
from vbench.records.history import KeptAbout
from vbench.records.plan import PlanFile

#: Where former boards lie in a benchmark's folder.
FOLDER = "history"
BOARD, PLAN, ABOUT = "leaderboard.json", "plan.json", "about.json"
#: Characters of a value that a difference shows.
LONGEST = 48


@dataclass(frozen=True)
class Former:
    """A board, and what its plan has that the one before had not.

    Attributes:
        number: From 1, the oldest; None for the board of now.
        folder: Where its files are.
        written: When the board was written.
        vbench: The version that planned it.
        commit: Of vbench's checkout, where it ran from one.
        best: ``arm``, ``metric`` and ``value`` of its first row; None when no arm had finished.
        changed: A line for each difference from the board before; empty for the oldest.
    """

    number: int | None
    folder: Path
    written: datetime
    vbench: str
    commit: str | None
    best: Mapping[str, Any] | None
    changed: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return what ``vbench leaderboard --history --format json`` prints of it."""
        return {
            "number": self.number,
            "written": self.written.isoformat(timespec="seconds"),
            "vbench": self.vbench,
            "commit": self.commit,
            "best": self.best,
            "changed": list(self.changed),
        }


def keep(folder: Path, planned: PlanFile) -> datetime | None:
    """Put the board of a folder aside when its plan is not the one that is to be run.

    Called before ``plan.json`` is written. A board that was kept already, by a run that did not get
    as far as one of its own, is not kept twice.

    Args:
        folder: ``<out>/<benchmark>/``.
        planned: The plan that is to be run; where it was made does not count.

    Returns:
        When the board that was kept was written; None when there was nothing to keep.
    """
    try:
        board = (folder / BOARD).read_bytes()
        json.loads(board)
    except (OSError, ValueError):
        return None
    with suppress(OSError, ValueError, StoreError):
        before = PlanFile.read(read_json(folder / PLAN), PLAN)
        if before.model_copy(update={"provenance": planned.provenance}) == planned:
            return None
    numbers = _numbers(folder)
    last = folder / FOLDER / str(numbers[-1] if numbers else 0)
    with suppress(OSError):
        if (last / BOARD).read_bytes() == board:
            return None
    place = folder / FOLDER / str(1 + (numbers[-1] if numbers else 0))
    aside = place.with_name(f".tmp-{secrets.token_hex(6)}")
    aside.mkdir(parents=True)
    try:
        for name in (BOARD, "cases.csv", PLAN):
            with suppress(FileNotFoundError):
                shutil.copyfile(folder / name, aside / name)
        about = KeptAbout(written=_written(folder), kept=datetime.now(UTC))
        write_json(aside / ABOUT, about.to_json())
        aside.rename(place)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return about.written


def history(folder: Path) -> list[Former]:
    """Return the boards of a benchmark, the newest first; that of now is the first.

    While the run of a changed plan has no board yet, there is none of now.

    Raises:
        StoreError: When a plan or a board cannot be read.
    """
    kept = [(number, folder / FOLDER / str(number)) for number in _numbers(folder)]
    last = kept[-1][1] / BOARD if kept else None
    shown: list[tuple[int | None, Path]] = [*kept]
    with suppress(FileNotFoundError):
        now = (folder / BOARD).read_bytes()
        if last is None or last.read_bytes() != now:
            shown.append((None, folder))
    plans = [_plan(place) for _, place in shown]
    found = []
    for at, (number, place) in enumerate(shown):
        changed = tuple(differences(plans[at - 1], plans[at])) if at else ()
        found.append(_former(place, number, changed))
    return found[::-1]


def kept_board(folder: Path, number: int) -> dict[str, Any]:
    """Return the content of a former board.

    Args:
        folder: ``<out>/<benchmark>/``.
        number: As :func:`history` counts them.

    Raises:
        StoreError: When there is none of that number, or this version cannot show it.
    """
    known = _numbers(folder)
    if number not in known:
        has = f"has {', '.join(map(str, known))}" if known else "none was kept so far"
        raise StoreError(f"{folder / FOLDER}: no board {number} ({has})")
    path = folder / FOLDER / str(number) / BOARD
    value = _read(path)
    try:
        return Board.read(value, path).to_json()
    except StoreError as error:
        why = str(error).removesuffix("; run the benchmark again")
        version = value.get("vbench", "?") if isinstance(value, dict) else "?"
        raise StoreError(
            f"{why}: vbench {version} wrote it, and this version cannot show it; read the file, or "
            "use that version"
        ) from error


def differences(before: PlanFile, after: PlanFile) -> list[str]:
    """Say in short lines how one plan differs from another.

    Keys of the spec with both values; then data of other content, another version, and, where
    nothing of these tells why, that the code of plugins changed.
    """
    old, new = dict(_flat(before.spec)), dict(_flat(after.spec))
    lines = [
        f"{key}: {old[key]} → {new[key]}" if key in old and key in new
        else f"{key}: {new[key]} (new)" if key in new
        else f"{key}: {old[key]} (gone)"
        for key in dict.fromkeys([*old, *new])
        if old.get(key) != new.get(key) and not _filled(key, old, new)
    ]  # fmt: skip
    for name in dict.fromkeys([*before.data, *after.data]):
        one, two = before.data.get(name), after.data.get(name)
        if one is not None and two is not None and one.fingerprint != two.fingerprint:
            lines.append(f"the content of the {name} data changed")
    if before.vbench != after.vbench:
        lines.append(f"vbench: {before.vbench} → {after.vbench}")
    if not lines and {job.key for job in before.jobs} != {job.key for job in after.jobs}:
        lines.append("the code of a plugin, or a file that one reads, changed")
    return lines


def _filled(key: str, old: Mapping[str, str], new: Mapping[str, str]) -> bool:
    """Whether a table is empty on one side only: the keys that the other has there say enough."""
    other = new if key in old else old
    return (old.get(key) or new.get(key)) == "{}" and any(k.startswith(f"{key}.") for k in other)


def _flat(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Yield dotted keys with their values as short text; tables in a list go by their names."""
    if isinstance(value, Mapping) and value:
        for name, part in value.items():
            yield from _flat(part, f"{key}.{name}" if key else str(name))
    elif isinstance(value, Sequence) and value and all(isinstance(v, Mapping) for v in value):
        for at, part in enumerate(value):
            name = part.get("name") or part.get("plugin") or at
            yield from _flat(part, f"{key}[{name}]")
    else:
        text = json.dumps(value, ensure_ascii=False)
        yield key, text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _former(place: Path, number: int | None, changed: tuple[str, ...] = ()) -> Former:
    plan, board = _plan(place), _read(place / BOARD)
    if number is None:
        written = _written(place)
    else:
        written = KeptAbout.read(_read(place / ABOUT), place / ABOUT).written
    git = plan.provenance.get("git")
    commit = git.get("commit") if isinstance(git, Mapping) else None
    return Former(
        number=number,
        folder=place,
        written=written,
        vbench=plan.vbench,
        commit=None if commit is None else str(commit),
        best=_best(board),
        changed=changed,
    )


def _best(board: Any) -> dict[str, Any] | None:
    """Return the first row of a board of any version, where it has one that finished."""
    try:
        row, metric = board["rows"][0], board["primary"]
        if row["status"] != "ok":
            return None
        value = row["metrics"][metric]["mean"] if metric else None
        return {"arm": str(row["arm"]), "metric": metric, "value": value}
    except (LookupError, TypeError):
        return None


def _numbers(folder: Path) -> list[int]:
    names = (path.name for path in (folder / FOLDER).glob("[1-9]*"))
    return sorted(int(name) for name in names if name.isdecimal())


def _plan(place: Path) -> PlanFile:
    return PlanFile.read(_read(place / PLAN), place / PLAN)


def _read(path: Path) -> Any:
    try:
        return read_json(path)
    except (OSError, ValueError) as error:
        raise StoreError(f"{path}: cannot be read ({error})") from error


def _written(folder: Path) -> datetime:
    return datetime.fromtimestamp((folder / BOARD).stat().st_mtime, UTC)
