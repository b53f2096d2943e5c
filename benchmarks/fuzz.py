"""Feeds spoiled inputs to vbench and says what it should not have done with them.

    python benchmarks/fuzz.py [--minutes 20] [--seed 0] [--only nifti] [--keep DIR]
    python benchmarks/fuzz.py --only nifti --seed 0 --again 1234      # one input once more

Sound inputs of every kind (specs, data sets in each layout, NIfTI, SWC, results folders, exports,
arrays, plugins' metadata) are spoiled at random and handed to the command line, in this process. A
fault is: an exception, more than one line of error, a control character in what is printed, more
than 20 seconds of processor time, memory beyond ten times the input and 64 MB, a file written
anywhere else, something unpickled or started, and an accepted input of which vbench says what does
not hold (voxels other than nibabel's, NaN in JSON, a spec that changes when it is written out).
Each kind is told once, with the number that repeats it. Exit code 1 when there was any.
"""

from __future__ import annotations

import argparse
import logging
import os
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[1:1] = [str(ROOT / "tests"), str(ROOT / "tests" / "data"), str(ROOT / "plugins")]

from fuzzing.targets import TARGETS, Target, WrongError, fresh  # noqa: E402 - needs the path

#: Seconds of processor time that an input may take.
PATIENCE = 20.0
#: Bytes that any input may take, and how many times its own size.
MEMORY, TIMES = 64 << 20, 10
CONTROL = {*map(chr, range(32)), "\x7f", *map(chr, range(0x80, 0xA0))} - {"\n", "\t", "\r"}


#: Audit events that no input may cause.
STARTS = {"pickle.find_class", "subprocess.Popen", "os.system", "os.exec", "socket.connect"}


class Hang(BaseException):
    """An input took too long."""


class Guard:
    """Notes what must not happen while an input is read: Python reports it as audit events."""

    def __init__(self, allowed: Path) -> None:
        self.allowed = str(allowed)
        self.seen: list[str] = []
        self.watching = False
        sys.addaudithook(self._hear)

    def _hear(self, event: str, args: tuple[Any, ...]) -> None:
        if not self.watching:
            return
        if event in (
            "pickle.find_class",
            "subprocess.Popen",
            "os.system",
            "os.exec",
            "socket.connect",
        ):
            self.seen.append(f"{event} {args[:2]}")
        elif event == "open":
            path, _, flags = args
            writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            if writes and isinstance(path, str | bytes):
                self._check(event, os.fsdecode(path))
        elif event.startswith("os.") and isinstance(args[-1], int) and args[-1] >= 0:
            pass  # within a folder that is open already, as when one is emptied
        elif event in ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.symlink", "os.chmod"):
            self._check(event, os.fsdecode(args[0]) if isinstance(args[0], str | bytes) else "")

    def _check(self, event: str, path: str) -> None:
        place = os.path.realpath(path)
        cached = "__pycache__" in place or "/.cache/" in place or place == os.devnull
        if not place.startswith(self.allowed) and not cached:
            self.seen.append(f"{event} outside: {path}")


@contextmanager
def patience(seconds: float) -> Iterator[None]:
    """Raise Hang after so much processor time."""

    def stop(_: int, frame: FrameType | None) -> None:
        raise Hang("".join(traceback.format_stack(frame)[-2:]))

    # Of waiting, ten times as much: the machine may be busy.
    for number, timer, most in (
        (signal.SIGPROF, signal.ITIMER_PROF, seconds),
        (signal.SIGALRM, signal.ITIMER_REAL, 10 * seconds),
    ):
        signal.signal(number, stop)
        signal.setitimer(timer, most)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)


def size_of(folder: Path) -> int:
    """Return the bytes of the files of a folder."""
    return sum(p.lstat().st_size for p in folder.rglob("*") if p.is_file() and not p.is_symlink())


def judge(target: Target, case: Path, rng: random.Random, guard: Guard) -> str | None:
    """Feed one input; return what was wrong, in words that name the kind first."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    guard.seen.clear()
    guard.watching = True
    try:
        with patience(PATIENCE):
            answer = target.feed(case, rng)
    except Hang as hang:
        return f"hang: {hang}"
    except WrongError as wrong:
        return f"wrong result: {wrong}"
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        ours = [f for f in frames if "/vbench" in f.filename and "/tests/" not in f.filename]
        last = ours[-1] if ours else frames[-1]
        where = f"{Path(last.filename).name}:{last.lineno}"
        return f"{type(error).__name__} at {where}: {error}"
    finally:
        guard.watching = False
    if guard.seen:
        return f"{guard.seen[0]}"
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10) - before
    if grown > MEMORY + TIMES * size_of(case):
        return f"memory: {grown >> 20} MB more"
    if answer is None:
        return None
    lines = answer.err.partition("\nError: ")[2].splitlines() or answer.err.splitlines()
    if answer.code not in target.codes:
        return f"exit code {answer.code}: {answer.err[-300:]}"
    if "Traceback" in answer.err:
        return f"traceback: {answer.err[-300:]}"
    if answer.code == 2 and not (answer.err + answer.out).strip():
        return "exit code 2 without a word"
    if len(lines) > target.lines:
        return f"{len(lines)} lines of error: {answer.err[:300]}"
    strange = CONTROL & {*answer.err, *answer.out}
    if strange:
        return f"control characters {sorted(map(ord, strange))} printed"
    return None


def main() -> int:
    """Run all targets in turn, a slice of time each; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=20.0, help="processor time")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=sorted(TARGETS))
    parser.add_argument("--again", type=int, help="number of the input to repeat")
    parser.add_argument("--keep", type=Path, help="keep the inputs that found something here")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    names = [options.only] if options.only else list(TARGETS)
    total = sum(TARGETS[name].share for name in names)
    found: dict[str, dict[str, int]] = {}
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="vbench-fuzz-") as place:
        root = Path(os.path.realpath(place))
        guard = Guard(root)
        tempfile.tempdir = str(root / "tmp")
        (root / "tmp").mkdir()
        for name in names:
            target, kinds = TARGETS[name], found.setdefault(name, {})
            (root / name).mkdir()
            target.prepare(root / name)
            end = time.process_time() + 60 * options.minutes * target.share / total
            case = root / "case"
            fresh(root / name, case)
            target.feed(case, random.Random(0))  # what it imports counts for no input
            target.feed(case, random.Random(2))
            number = options.again or 0
            while time.process_time() < end:
                rng = random.Random(f"{options.seed} {name} {number}")
                fresh(root / name, case)
                target.spoil(case, rng)
                fault = judge(target, case, rng, guard)
                counts[name] += 1
                if fault is not None:
                    kind = fault.partition(": ")[0]
                    if kind not in kinds:
                        print(f"{name} {number}: {fault}", flush=True)
                        if options.keep:
                            fresh(case, options.keep / f"{name}-{number}")
                    kinds[kind] = kinds.get(kind, 0) + 1
                if options.again is not None:
                    break
                number += 1
            print(f"{name}: {counts[name]} inputs, {sum(kinds.values())} faults", flush=True)
    print(f"{sum(counts.values())} inputs, {sum(map(len, found.values()))} kinds of fault")
    return 1 if any(found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
