"""Processes that are killed: a run, all of it, a Dask worker, the Dask scheduler."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from functools import partial
from typing import Any

import psutil
import pytest

from faulting.ground import STAGES, Case, Ground
from vbench.engine.job import Job

WORKER = "vbench.engine.worker"


def killed_run(stage: str, tree: bool, ground: Ground) -> str:
    """Kill the run, alone or with its workers; those must leave by themselves."""
    with ground.tripping(stage, "slow"):
        run = ground.fork()
        ground.wait_for(stage, run)
        assert run.pid is not None
        below = psutil.Process(run.pid).children(recursive=True)
        assert below
        run.kill()
        for each in below if tree else ():
            with suppress(psutil.NoSuchProcess):
                each.kill()
        run.join()
        _, alive = psutil.wait_procs(below, timeout=20)
        assert not [p for p in alive if p.status() != psutil.STATUS_ZOMBIE], "workers outlived it"
    ground.resumes()
    return "what had finished was kept, no process was left; the next run did the rest"


class Assassin:
    """Kills a process when a stage is at work for the first time."""

    def __init__(self, stage: str, scheduler: int | None = None) -> None:
        """Kill the Dask worker under the stage, or this process."""
        self.stage, self.scheduler, self.killed = stage, scheduler, 0

    def progress(self, job: Job, *_: Any) -> None:
        """Strike."""
        if self.killed or job.stage != self.stage:
            return
        if self.scheduler is not None:
            self.killed = self.scheduler
        else:
            for each in psutil.Process().children(recursive=True):
                parent = each.parent()
                if WORKER in each.cmdline() and parent and parent.pid != os.getpid():
                    self.killed = parent.pid
                    break
        if self.killed:
            os.kill(self.killed, signal.SIGKILL)

    def __getattr__(self, _: str) -> Any:
        """Take no notice of the rest."""
        return lambda *_: None


def killed_dask_worker(ground: Ground) -> str:
    """Kill the Dask worker under a training: the job is begun again on another one."""
    pytest.importorskip("distributed")
    assassin = Assassin("fit-segmenter")
    with ground.tripping("fit-segmenter", "slow"):
        result = ground.run(executor="dask", workers=2, watcher=assassin)
    assert assassin.killed
    assert result.ok
    ground.same()
    return "the job was done on another Dask worker, and the run completed"


def killed_scheduler(ground: Ground) -> str:
    """Kill the Dask scheduler of a cluster that is not ours."""
    pytest.importorskip("distributed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    dask = [sys.executable, "-m", "distributed.cli"]
    begin = [
        [*dask[:2], "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(port)],
        [*dask[:2], "distributed.cli.dask_worker", address, "--nthreads", "1"],
    ]
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    cluster = [subprocess.Popen([*each, "--no-dashboard"], **quiet) for each in begin]
    try:
        assassin = Assassin("fit-segmenter", cluster[0].pid)
        with ground.tripping("fit-segmenter", "slow"):
            for _ in range(60):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(1)
            told = ground.stops(
                "scheduler is gone", executor="dask", scheduler=address, watcher=assassin
            )
    finally:
        for process in cluster:
            with suppress(psutil.NoSuchProcess):
                for each in psutil.Process(process.pid).children(recursive=True):
                    each.kill()
            process.kill()
            process.wait()
    ground.resumes()
    return f"stopped: {told}"


CASES = [
    *(Case("killed run", stage, partial(killed_run, stage, False)) for stage in STAGES),
    Case("killed process tree", "fit-segmenter", partial(killed_run, "fit-segmenter", True)),
    Case("killed Dask worker", "fit-segmenter", killed_dask_worker),
    Case("killed Dask scheduler", "fit-segmenter", killed_scheduler),
]
