"""Places to write that fail: full, read-only, without locks; clocks, old formats, leftovers."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from unittest.mock import patch

import pytest

from faulting.ground import STAGES, Case, Ground
from vbench.engine.seals import sealed
from vbench.files import read_json, write_json

DAY = 86400.0


@contextmanager
def small_disk(folder: Path, size: str = "4m") -> Iterator[Path]:
    """Mount a file system in memory; skip where that is not allowed."""
    folder.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("no `mount` here")
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def full(stage: str, ground: Ground) -> str:
    """Fill the disk while a stage is at work, then make room."""
    with small_disk(ground.out):
        with ground.tripping(stage, f"fill:{ground.out}"):
            told = ground.stops("cannot write here (No space left on device)")
        (ground.out / "filler").unlink()
        ground.resumes()
    return f"stopped: {told[told.index('cannot') :]}"


def read_only(cached: bool, ground: Ground) -> str:
    """Run where nothing can be written."""
    with small_disk(ground.out):
        if cached:
            shutil.copytree(ground.calm, ground.out, dirs_exist_ok=True)
        subprocess.run(["mount", "-o", "remount,ro", str(ground.out)], check=True)
        told = ground.stops("cannot write here (Read-only file system)")
        subprocess.run(["mount", "-o", "remount,rw", str(ground.out)], check=True)
        ground.resumes()
    return f"stopped: {told[told.index('cannot') :]}"


def no_locks(code: int, ground: Ground) -> str:
    """Run where files cannot be locked."""

    def refuse(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    with patch.object(fcntl, "flock", refuse):
        assert ground.run().ok
    ground.same()
    return "completed, with locks that are files"


def clock(shift: float, ground: Ground) -> str:
    """Kill a run, and find all that it wrote, claims too, a day away."""
    with ground.tripping("fit-segmenter", "slow"):
        run = ground.fork()
        ground.wait_for("fit-segmenter", run)
        run.kill()
        run.join()
        time.sleep(1)
    for path in ground.out.rglob("*"):
        if path.name != ".lock":
            about = path.stat()
            os.utime(path, (about.st_atime + shift, about.st_mtime + shift))
    ground.resumes()
    return "went on, same numbers"


def clock_at_work(shift: float, ground: Ground) -> str:
    """Let the clock jump under a run at work."""
    begun, real = time.monotonic(), time.time
    with patch("time.time", lambda: real() + (shift if time.monotonic() - begun > 1 else 0)):
        assert ground.run().ok
    ground.same()
    return "completed, same numbers"


def older_format(ground: Ground) -> str:
    """Open a store of the time before records had seals."""
    ground.copy()
    store = ground.out / "store"
    (store / "format.json").unlink()
    for path in store.glob("*/record.json"):
        value = read_json(path)
        path.write_text(
            json.dumps({n: each for n, each in value.items() if n not in ("files", "sha256")})
        )
    assert ground.resumes() == 0
    shutil.rmtree(store / ground.job("evaluate"))
    assert ground.resumes() == 1
    assert read_json(store / "format.json")["format"] == 2
    return "used as it is; what is written from now on has seals"


def newer_format(ground: Ground) -> str:
    """Open a store that a newer version wrote."""
    ground.copy()
    path = ground.out / "store" / "format.json"
    old = path.read_text()
    write_json(path, {"format": 99, "vbench": "9.9"})
    told = ground.stops("vbench 9.9 wrote this store in format 99")
    path.write_text(old)
    assert ground.resumes() == 0
    return f"stopped: {told}"


def other_record(ground: Ground) -> str:
    """Open a record that is sound, but of a version that has other fields."""
    ground.copy()
    key = ground.job("evaluate")
    path = ground.out / "store" / key / "record.json"
    value = read_json(path)
    sums = value.pop("files")
    del value["sha256"], value["result"]["cases"]
    write_json(path, sealed(value, sums))
    kept = ground.finished()
    del kept[key]
    told = ground.stops("another version of vbench wrote it")
    assert f"--force {key}" in told
    assert ground.run(force=[key]).ok
    ground.resumes(kept)
    return f"stopped: {told.replace(key, 'KEY')}"


def leftovers(ground: Ground) -> str:
    """Find what interrupted writes leave behind, everywhere."""
    ground.copy()
    store, key = ground.out / "store", ground.job("fit-segmenter")
    shutil.rmtree(store / key)
    half = store / "work" / f"{key}-123-abcdef"
    half.mkdir()
    (half / ".tmp-0123-weights.safetensors").write_bytes(b"half")
    (store / ".tmp-0123-format.json").write_text("{")
    (store / "claims" / key).write_text("")  # a claim that was never written
    os.utime(store / "claims" / key, (0, 0))
    (store / key).mkdir()
    (store / key / "weights.safetensors").write_bytes(b"half")
    left = store / "checkpoints" / key
    left.mkdir()
    (left / ".tmp-0123-state-1.safetensors").write_bytes(b"half")
    (left / "notes.json").write_text('{"step": 1, "sta')
    folder = ground.out / "toys"
    for name in ("records.jsonl", "leaderboard.json", "plan.json"):
        path = folder / name
        path.write_bytes(path.read_bytes()[:-40])
        (folder / f".tmp-0123-{name}").write_text("{")
    (folder / "cases.csv").unlink()
    for path in ground.out.rglob(".tmp-*"):
        os.utime(path, (0, 0))
    assert ground.resumes() == 1
    rest = [p.name for p in ground.out.rglob(".tmp-*")]
    assert not rest, rest
    return "written again from the store; the leftovers were removed"


def forced_twice(ground: Ground) -> str:
    """Force a job that another run reads at this moment."""
    with ground.tripping("fit-segmenter", "slow"):
        first = ground.fork()
        ground.wait_for("fit-segmenter", first)
        told = ground.stops("is under way and uses", force=["prepare"])
        first.join()
    assert first.exitcode == 0
    ground.same()
    words, _, rest = told.partition("(process ")
    return f"the second stopped: {words}(process … {rest.partition(')')[2].strip()}"


CASES = [
    *(Case("disk full", stage, partial(full, stage)) for stage in STAGES),
    Case("read-only folder, empty", "-", partial(read_only, False)),
    Case("read-only folder, all done", "-", partial(read_only, True)),
    Case("no locks (ENOLCK)", "-", partial(no_locks, errno.ENOLCK)),
    Case("no locks (ENOSYS)", "-", partial(no_locks, errno.ENOSYS)),
    Case("no locks (EOPNOTSUPP)", "-", partial(no_locks, errno.EOPNOTSUPP)),
    Case("clock a day ahead, after a kill", "fit-segmenter", partial(clock, DAY)),
    Case("clock a day behind, after a kill", "fit-segmenter", partial(clock, -DAY)),
    Case("clock jumps ahead at work", "-", partial(clock_at_work, DAY)),
    Case("clock jumps back at work", "-", partial(clock_at_work, -DAY)),
    Case("an older store", "-", older_format),
    Case("a newer store", "-", newer_format),
    Case("a record of another version", "evaluate", other_record),
    Case("an interrupted write", "-", leftovers),
    Case("--force beside a run", "fit-segmenter", forced_twice),
]
