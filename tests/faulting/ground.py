"""A small benchmark with every stage that is broken in all ways, and what must hold afterwards."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from toy_benchmark import toy_table

from vbench import api
from vbench.engine.executors import local
from vbench.engine.process import WorkerPool
from vbench.errors import VbenchError
from vbench.files import read_json
from vbench.spec import Spec, parse_spec

TRIPPED = str(Path(__file__).parents[1] / "fixtures" / "tripped.py")
STAGES = ("prepare", "fit-generator", "synthesise", "fit-segmenter", "evaluate", "audit")


@dataclass(frozen=True)
class Case:
    """A fault at a stage.

    Attributes:
        fault: In words.
        stage: Where; ``-`` where it is no stage's.
        act: Does it in a ground of its own, sees that what must hold holds, and says what happened.
    """

    fault: str
    stage: str
    act: Callable[[Ground], str]

    def __str__(self) -> str:
        return f"{self.fault} at {self.stage}".replace(" ", "-")


def table(**changes: Any) -> dict[str, Any]:
    """The benchmark: two data sets, one generator, five arms, every stage."""
    return toy_table(
        data={
            role: {"plugin": "tripped-blobs", "split": {"train": 2, "val": 1, "test": 1}}
            for role in ("source", "target")
        },
        generators=[{"plugin": "tripped-generator"}],
        segmenter={"plugin": "tripped-segmenter"},
        regimes={"real": True, "synthetic": True, "scratch": {"subjects": [1]}},
        metrics={"segmentation": ["dsc"], "fidelity": ["tripped-fidelity"]},
        plugins={"paths": [TRIPPED]},
        **changes,
    )


@dataclass
class Ground:
    """A place to break things in.

    Attributes:
        folder: Its own.
        calm: Results of an undisturbed run.
        changes: Of the benchmark's table, that change no key.
    """

    folder: Path
    calm: Path
    changes: dict[str, Any]

    @property
    def out(self) -> Path:
        """The results folder of the disturbed run."""
        return self.folder / "out"

    @property
    def spec(self) -> Spec:
        """The benchmark."""
        return parse_spec(table(**self.changes))

    def copy(self) -> None:
        """Begin with all that the undisturbed run did."""
        shutil.copytree(self.calm, self.out)

    def run(self, **how: Any) -> api.RunResult:
        """Run in this process, on one worker; without the report, which takes longest."""
        with patch("vbench.report.write_report", lambda *_: None):
            return api.run(self.spec, self.out, **{"workers": 1, "tracking": False, **how})

    def fork(self, **how: Any) -> multiprocessing.Process:
        """Begin a run in a process of its own, which is to be killed."""

        def begin() -> None:
            os.setpgid(0, 0)
            sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115
            local.WorkerPool = WorkerPool  # warm workers are the parent's
            self.run(**how)
            os._exit(0)

        process = multiprocessing.get_context("fork").Process(target=begin)
        process.start()
        return process

    def stops(self, words: str, **how: Any) -> str:
        """See that a run stops with one clear line, and return it; the command line shows it."""
        try:
            self.run(**how)
        except VbenchError as error:
            told = str(error)
        else:
            raise AssertionError("it did not stop")
        assert len(told.splitlines()) == 1, told
        assert words in told, told
        return told.replace(str(self.folder), "…")

    def job(self, stage: str, arm: str = "") -> str:
        """Return the key of the first job of a stage, and of an arm."""
        jobs = read_json(self.calm / "toys" / "plan.json")["jobs"]
        return next(j["key"] for j in jobs if j["stage"] == stage and arm in (j["arm"] or "", ""))

    def finished(self) -> dict[str, int]:
        """Return the finished jobs, and when each was written."""
        return {
            path.parent.name: path.stat().st_mtime_ns
            for path in (self.out / "store").glob("*/record.json")
        }

    def resumes(self, kept: dict[str, int] | None = None, **how: Any) -> int:
        """Run again; the end must be that of the undisturbed run, and nothing done twice.

        Args:
            kept: The jobs that must stay as they are; None: all that are finished.
            how: As for :meth:`run`.

        Returns:
            How many jobs it did.
        """
        before = self.finished() if kept is None else kept
        again = self.run(**how)
        assert again.ok
        lost = before.items() - self.finished().items()
        assert not lost, f"lost or done twice: {lost}"
        self.same()
        return again.ran

    def same(self) -> None:
        """See that the results are those of the undisturbed run, and that nothing is left over."""
        assert same_numbers(self.out, self.calm)
        for name in ("work", "claims", "checkpoints"):
            rest = {path.name for path in (self.out / "store" / name).iterdir()}
            assert not rest - {".lock"}, f"left in {name}: {rest}"
        assert self.finished().keys() == {
            path.parent.name for path in (self.calm / "store").glob("*/record.json")
        }

    @contextmanager
    def tripping(self, stage: str, fault: str) -> Iterator[None]:
        """Have a stage go wrong."""
        file = self.trip_file()
        file.write_text(f"{stage} {fault}")
        try:
            yield
        finally:
            file.unlink()

    @staticmethod
    def trip_file() -> Path:
        """Return the file that says what goes wrong; of this process, so that workers stay warm."""
        return Path(os.environ["VBENCH_TRIP"])

    def wait_for(self, stage: str, running: multiprocessing.Process) -> None:
        """Wait until a run is at a stage: its job is at work."""
        keys = {
            job["key"]
            for job in read_json(self.calm / "toys" / "plan.json")["jobs"]
            if job["stage"] == stage
        }
        work = self.out / "store" / "work"
        deadline = time.monotonic() + 200
        while time.monotonic() < deadline and running.exitcode is None:
            if work.is_dir() and keys & {path.name.partition("-")[0] for path in work.iterdir()}:
                return
            time.sleep(0.02)
        raise AssertionError(f"it never came to {stage}")


def same_numbers(one: Path, other: Path) -> bool:
    """Whether two results folders hold the same scores, byte for byte."""
    cases, boards = (
        [(out / "toys" / name) for out in (one, other)]
        for name in ("cases.csv", "leaderboard.json")
    )
    rows = [
        [
            {k: row.get(k) for k in ("arm", "status", "metrics", "versus", "fidelity")}
            for row in read_json(board)["rows"]
        ]
        for board in boards
    ]
    return cases[0].read_bytes() == cases[1].read_bytes() and rows[0] == rows[1]


@contextmanager
def grounds(folder: Path) -> Iterator[Path]:
    """Do the undisturbed run once; inside, the file that says what goes wrong has its name."""
    with patch.dict(os.environ, {"VBENCH_TRIP": str(folder / "trip")}):
        calm = folder / "calm"
        result = api.run(parse_spec(table()), calm, workers=1, tracking=False)
        assert result.ok
        yield calm
