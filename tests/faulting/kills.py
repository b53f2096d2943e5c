"""Processes that are killed: a worker, a run, all of it, a Dask worker, the Dask scheduler."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from contextlib import suppress
from functools import partial

import psutil

from faulting.ground import STAGES, Case, Ground

WORKER = "vbench.engine.worker"


def workers(of: int) -> list[psutil.Process]:
    """Return the worker processes below a process."""
    found = []
    for each in psutil.Process(of).children(recursive=True):
        with suppress(psutil.Error):
            if WORKER in each.cmdline():
                found.append(each)
    return found


def killed_worker(stage: str, ground: Ground) -> str:
    """Kill the worker under a job, as the system does when memory runs out."""
    with ground.tripping(stage, "slow"):
        run = ground.start()
        ground.wait_for(stage, run)
        while not workers(run.pid):
            time.sleep(0.05)
        time.sleep(0.5)
        for each in workers(run.pid):
            with suppress(psutil.NoSuchProcess):
                each.kill()
        run.communicate(timeout=200)
    assert run.returncode == 1
    ground.resumes()
    return "its arms failed (the worker was killed by SIGKILL), the others completed"


def killed_run(stage: str, tree: bool, ground: Ground) -> str:
    """Kill the run, alone or with its workers; those must leave by themselves."""
    with ground.tripping(stage, "slow"):
        run = ground.start()
        ground.wait_for(stage, run)
        time.sleep(0.3)
        below = psutil.Process(run.pid).children(recursive=True)
        run.kill()
        for each in below if tree else ():
            with suppress(psutil.NoSuchProcess):
                each.kill()
        run.communicate(timeout=60)
        _, alive = psutil.wait_procs(below, timeout=20)
        assert not [p for p in alive if p.status() != psutil.STATUS_ZOMBIE], "workers outlived it"
    ground.resumes()
    return "what had finished was kept, no process was left"


def killed_dask_worker(ground: Ground) -> str:
    """Kill the Dask worker under a training: the job is begun again on another one."""
    with ground.tripping("fit-segmenter", "slow"):
        run = ground.start("--executor", "dask", "--workers", "2")
        ground.wait_for("fit-segmenter", run)
        while not workers(run.pid):
            time.sleep(0.05)
        time.sleep(0.5)
        for each in workers(run.pid)[:1]:
            parent = each.parent()
            assert parent is not None
            assert parent.pid != run.pid
            parent.kill()
        run.communicate(timeout=200)
    assert run.returncode == 0
    ground.same()
    return "the job was done on another Dask worker, and the run completed"


def killed_scheduler(ground: Ground) -> str:
    """Kill the Dask scheduler of a cluster that is not ours."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    address = f"tcp://127.0.0.1:{port}"
    program = [sys.executable, "-m", "distributed.cli"]
    command = [*program[:2], "dask", "scheduler", "--host", "127.0.0.1", "--port", port]
    scheduler = subprocess.Popen([*command, "--no-dashboard"], **quiet)
    worker = subprocess.Popen(
        [*program[:2], "dask", "worker", address, "--no-dashboard", "--nthreads", "1"], **quiet
    )
    try:
        time.sleep(2)
        with ground.tripping("fit-segmenter", "slow"):
            run = ground.start("--executor", "dask", "--scheduler", address)
            ground.wait_for("fit-segmenter", run)
            scheduler.kill()
            told = ground.one_line(run)
    finally:
        for process in (scheduler, worker):
            with suppress(psutil.NoSuchProcess):
                for each in psutil.Process(process.pid).children(recursive=True):
                    each.kill()
            process.kill()
            process.wait()
    assert "scheduler is gone" in told
    ground.resumes()
    return f"stopped: {told}"


CASES = [
    *(Case("killed worker", stage, partial(killed_worker, stage)) for stage in STAGES),
    *(Case("killed run", stage, partial(killed_run, stage, False)) for stage in STAGES),
    *(Case("killed process tree", stage, partial(killed_run, stage, True)) for stage in STAGES),
    Case("killed Dask worker", "fit-segmenter", killed_dask_worker),
    Case("killed Dask scheduler", "fit-segmenter", killed_scheduler),
]
