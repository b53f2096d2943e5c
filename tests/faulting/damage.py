"""Bytes that changed after they were written: in artifacts, in records, in checkpoints."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from faulting.ground import Case, Ground, table
from vbench import api
from vbench.spec import parse_spec

#: What each stage writes that others read.
READ = {
    "prepare": ("image.npy", "volume.json"),
    "fit-generator": ("candidate-*.safetensors",),
    "synthesise": ("images.npy", "labels.npy"),
    "fit-segmenter": ("weights.safetensors",),
}


def flipped(path: Path) -> None:
    """Change one bit in the middle."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def another_digit(path: Path) -> None:
    """Change a digit of the last decimal number: the file can be read, and says another value."""
    text = path.read_text()
    found = list(re.finditer(r"\d\.\d*(\d)", text))[-1]
    place = found.start(1)
    path.write_text(text[:place] + str((int(text[place]) + 1) % 10) + text[place + 1 :])


def cut(path: Path) -> None:
    """Keep the first half."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def removed(path: Path) -> None:
    """Remove it."""
    path.unlink()


def artifact(stage: str, name: str, spoil: Callable[[Path], None], ground: Ground) -> str:
    """Spoil an artifact of a finished job whose readers are to be done."""
    ground.copy()
    key = ground.job(stage)
    readers = _dependents(key) - {key}
    store = ground.out / "store"
    for reader in readers:
        shutil.rmtree(store / reader)
    kept = ground.finished()
    del kept[key]
    spoil(next((store / key).glob(name)))
    ran = ground.resumes(kept)
    assert ran == len(readers) + 1
    _is_told(ground)
    return "noticed by the job that read it; done again"


def record(stage: str, spoil: Callable[[Path], None], ground: Ground) -> str:
    """Spoil the record of a finished job; all else is done."""
    ground.copy()
    key = ground.job(stage)
    kept = ground.finished()
    del kept[key]
    spoil(ground.out / "store" / key / "record.json")
    assert [p.reason for p in api.plan(ground.spec, ground.out) if not p.cached] == [
        "its record is damaged"
    ]
    assert ground.resumes(kept) == 1
    _is_told(ground)
    return "noticed by the next run; done again"


def checkpoint(stage: str, name: str, spoil: Callable[[Path], None], ground: Ground) -> str:
    """Spoil what a training left that was killed; it must start over, not go on from it."""
    ground.changes = {"limits": {"checkpoint_seconds": 0.0}}
    with ground.tripping(stage, "exit"):
        assert not ground.run().ok
    file = next((ground.out / "store" / "checkpoints").glob(f"*/{name}"))
    spoil(file)
    ground.resumes()
    return "noticed; the training started over"


def _dependents(key: str) -> set[str]:
    jobs = {p.job.key: p.job for p in api.plan(parse_spec(table()), "nowhere")}
    found = {key}
    for each, job in jobs.items():
        if found.intersection(job.needs):
            found.add(each)
    return found


def _is_told(ground: Ground) -> None:
    told = (ground.out / "toys" / "vbench.log").read_text()
    assert "damaged" in told
    assert "does that job again" in told


CASES = [
    *(
        Case(f"a flipped bit in {name}", stage, partial(artifact, stage, name, flipped))
        for stage, names in READ.items()
        for name in names
    ),
    Case("a cut artifact", "synthesise", partial(artifact, "synthesise", "images.npy", cut)),
    Case("a lost artifact", "fit-segmenter", partial(artifact, "fit-segmenter", "w*", removed)),
    *(
        Case("another digit in a record", stage, partial(record, stage, another_digit))
        for stage in (
            "prepare",
            "fit-generator",
            "synthesise",
            "fit-segmenter",
            "evaluate",
            "audit",
        )
    ),
    Case("a cut record", "evaluate", partial(record, "evaluate", cut)),
    Case(
        "an empty record", "prepare", partial(record, "prepare", lambda path: path.write_text(""))
    ),
    *(
        Case(f"{what} of a checkpoint", stage, partial(checkpoint, stage, name, spoil))
        for stage in ("fit-generator", "fit-segmenter")
        for what, name, spoil in (
            ("a flipped bit in the state", "state-*", flipped),
            ("another digit in the notes", "notes.json", another_digit),
        )
    ),
]
