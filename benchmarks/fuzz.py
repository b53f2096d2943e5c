"""Feeds spoiled inputs to vbench and says what it should not have done with them.

    python benchmarks/fuzz.py [--minutes 20] [--seed 0] [--only nifti] [--keep DIR] [--processes 2]
    python benchmarks/fuzz.py --inputs 2000                           # of each kind, however long
    python benchmarks/fuzz.py --only nifti --seed 0 --again 1234      # one input once more

Sound inputs of every kind (`fuzzing/targets.py`) are spoiled at random and handed to the command
line, or to the call behind it, in this process. A fault is: an exception, more than one line of
error, a control character in what is printed, more than 20 seconds of processor time, memory
beyond ten times the input and 64 MB, a file written where none was asked for, something unpickled
or started, and an accepted input of which vbench says what does not hold (other voxels than
nibabel's, NaN in JSON, a spec that changes when it is written out). Each kind of fault is told
once, with the number that repeats it: an input depends on seed, kind and number alone, however
many processes there are. Exit code 1 when there was any.
"""

from __future__ import annotations

import argparse
import itertools
import logging
import multiprocessing
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
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[1:1] = [str(ROOT / "tests"), str(ROOT / "tests" / "data"), str(ROOT / "plugins")]

from fuzzing.target import Copy, Target, WrongError, fresh  # noqa: E402 - needs the path
from fuzzing.targets import TARGETS  # noqa: E402

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

    def __init__(self) -> None:
        self.allowed: tuple[str, ...] = ()
        self.seen: list[str] = []
        self.watching = False
        sys.addaudithook(self._hear)

    def _hear(self, event: str, args: tuple[Any, ...]) -> None:
        if not self.watching:
            return
        if event in STARTS:
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


def forget_peak() -> None:
    """Let the kernel count the most memory anew, where it can: a peak would hide later ones."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def judge(target: Target, case: Path, rng: random.Random, guard: Guard) -> str | None:
    """Feed one input; return what was wrong, in words that name the kind first."""
    forget_peak()
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


def run(
    name: str, root: Path, options: argparse.Namespace, guard: Guard, share: int
) -> tuple[int, Counter[str]]:
    """Feed one process's share of the inputs of a kind; return how many, and faults by kind."""
    target, kinds, done = TARGETS[name], Counter[str](), 0
    case = root / f"case{share}"
    guard.allowed = (str(root / "tmp"), *(str(case / place) for place in target.writes))
    end = time.process_time() + 60 * options.minutes / options.processes * target.share
    numbers: Iterator[int] = itertools.count(share, options.processes)
    if options.inputs:
        numbers, end = iter(range(share, options.inputs, options.processes)), float("inf")
    if options.again is not None:
        numbers = iter([options.again])
    copy = Copy(root / name, case)
    for number in numbers:
        if time.process_time() > end:
            break
        rng = random.Random(f"{options.seed} {name} {number}")
        copy.mend()
        target.spoil(case, rng)
        fault = judge(target, case, rng, guard)
        done += 1
        if fault is not None:
            kind = fault.partition(": ")[0]
            if kind not in kinds:
                print(f"{name} {number}: {fault}", flush=True)
                if options.keep:
                    fresh(case, options.keep / f"{name}-{number}")
            kinds[kind] += 1
    return done, kinds


def warm(name: str, root: Path) -> None:
    """Write the sound input of a kind, and feed it: what it imports counts for no input."""
    (root / name).mkdir()
    TARGETS[name].prepare(root / name)
    for seed in (0, 2):
        fresh(root / name, root / "warm")
        TARGETS[name].feed(root / "warm", random.Random(seed))


def work(share: int, names: Sequence[str], root: Path, options: argparse.Namespace) -> Counter[str]:
    """Run all kinds in turn, as one of several processes; return the inputs of each."""
    guard, counts = Guard(), Counter[str]()
    for name in names:
        counts[name], kinds = run(name, root, options, guard, share)
        counts["faults"] += len(kinds)
        print(f"{name}: {counts[name]} inputs, {sum(kinds.values())} faults", flush=True)
    return counts


def main() -> int:
    """Run all targets in turn, a slice of time each; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=20.0, help="processor time of all")
    parser.add_argument("--inputs", type=int, help="of each kind, instead of minutes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=sorted(TARGETS), nargs="+")
    parser.add_argument("--again", type=int, help="number of the input to repeat")
    parser.add_argument("--keep", type=Path, help="keep the inputs that found something here")
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    names = options.only or list(TARGETS)
    options.minutes /= sum(TARGETS[name].share for name in names)
    with tempfile.TemporaryDirectory(prefix="vbench-fuzz-") as place:
        root = Path(os.path.realpath(place))
        tempfile.tempdir = str(root / "tmp")
        (root / "tmp").mkdir()
        for name in names:
            warm(name, root)
        if options.processes == 1:
            counts = work(0, names, root, options)
        else:
            # Forked, so that what was imported above is shared.
            with multiprocessing.get_context("fork").Pool(options.processes) as pool:
                shares = [(share, names, root, options) for share in range(options.processes)]
                counts = sum(pool.starmap(work, shares, chunksize=1), Counter())
    faults = counts.pop("faults", 0)
    print(", ".join(f"{name} {count}" for name, count in counts.items()))
    print(f"{sum(counts.values())} inputs, {faults} kinds of fault")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
