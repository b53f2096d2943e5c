"""The parent's side of a worker: starts it, hands it tasks, and stops it when it must."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import Any

import psutil

from vbench.engine.worker import Task
from vbench.importing import python_path
from vbench.records.job import JobRecord
from vbench.registry.trial import told
from vbench.types import JobFailure

#: Seconds between two checks of limits and cancellation.
LOOK_EVERY = 0.2
#: Lines of a dead worker's log that its failure quotes.
QUOTED_LINES = 40

OnProgress = Callable[[int, int, Mapping[str, float]], None]


@dataclass(frozen=True)
class Outcome:
    """How a job ended: with a record, or with a failure.

    Attributes:
        record: What is in the store; None when it failed.
        failure: Why it failed; None when it did not.
    """

    record: JobRecord | None = None
    failure: JobFailure | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the outcome as JSON."""
        record = None if self.record is None else self.record.to_json()
        return {"record": record, "failure": asdict(self.failure) if self.failure else None}

    @classmethod
    def of_executor(cls, error: Exception) -> Outcome:
        """Return the outcome of a job that its executor failed on: our own fault, not the job's."""
        message = f"executor: {type(error).__name__}: {error}"
        return cls(failure=JobFailure("error", message))

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Outcome:
        """Return the outcome that :meth:`to_json` wrote."""
        record, failure = value["record"], value["failure"]
        return cls(
            None if record is None else JobRecord.read(record, "worker"),
            JobFailure(**failure) if failure else None,
        )


class WorkerProcess:
    """A worker, warm between jobs: torch is imported once, not once per job.

    Attributes:
        threads: Threads of its numerical libraries, fixed at its start.
    """

    def __init__(self, threads: int) -> None:
        """Start the process."""
        self.threads = threads
        self._reusable = True
        names = ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "VECLIB_MAXIMUM")
        environment = {
            **os.environ,
            **{f"{name}_NUM_THREADS": str(threads) for name in names},
            # Needed by CUDA for sums that come out the same each time.
            "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
            "PYTHONUNBUFFERED": "1",
            # It imports what we import: not more, such as a random.py in the current folder.
            "PYTHONPATH": python_path(),
            **told(),
        }
        self._log = tempfile.TemporaryFile(mode="w+b")  # noqa: SIM115 - lives as long as we do
        self._channel, theirs = socket.socketpair()
        with theirs, ExitStack() as undo:
            undo.callback(self._log.close)
            undo.callback(self._channel.close)
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "vbench.engine.worker", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                env=environment,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # Ctrl-C is ours; kill() takes all that plugins start
            )
            undo.pop_all()  # it started: log and channel live until kill()
        self._buffer = b""

    @property
    def usable(self) -> bool:
        """Whether it can take a task: it is alive, and no job has left anything running in it."""
        return self._reusable and self._process.poll() is None

    def run(self, task: Task, on_progress: OnProgress, cancelled: Callable[[], bool]) -> Outcome:
        """Do a task; the worker is dead afterwards unless the job ended well.

        Args:
            task: What to do.
            on_progress: Called in this thread.
            cancelled: Called every so often; the job is stopped at once when it returns True.
        """
        begun = time.monotonic()
        self._log.seek(0)
        self._log.truncate()
        outcome = self._attempt(task, on_progress, cancelled, begun)
        if outcome.failure is not None:
            self.kill()
        return outcome

    def kill(self) -> None:
        """End the process, and all that it started, at once."""
        if self._log.closed:
            return
        with suppress(psutil.NoSuchProcess):
            for child in psutil.Process(self._process.pid).children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    child.kill()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()
        self._channel.close()
        self._log.close()

    def _attempt(
        self, task: Task, on_progress: OnProgress, cancelled: Callable[[], bool], begun: float
    ) -> Outcome:
        def failed(reason: str, message: str, traceback: str = "") -> Outcome:
            seconds = round(time.monotonic() - begun, 3)
            return Outcome(failure=JobFailure(reason, message, traceback, seconds))

        self._channel.settimeout(None)
        try:
            self._channel.sendall(json.dumps(task.to_json()).encode() + b"\n")
        except OSError:
            return failed("killed", self._epitaph(), self._quote())
        for message in self._messages():
            if message is None:
                if cancelled():
                    return failed("interrupted", "stopped before it ended")
                if task.limit_seconds and time.monotonic() - begun > task.limit_seconds:
                    self._ask_where()
                    return failed(
                        "timeout", f"took longer than {task.limit_seconds:g} s", self._quote()
                    )
                used = self._resident() if task.limit_bytes else 0
                if task.limit_bytes and used > task.limit_bytes:
                    allowed = task.limit_bytes / 2**30
                    return failed("memory", f"used {used / 2**30:.2f} GiB, {allowed:g} are allowed")
            elif message["event"] == "begun":
                # Starting the worker is not the job's time; the clock is the machine's, and what
                # was sent may be read late.
                begun = message["at"]
            elif message["event"] == "progress":
                on_progress(message["step"], message["total"], message["metrics"])
            elif message["event"] == "done":
                self._reusable = message["reusable"]
                return Outcome(record=JobRecord.read(message["record"], "worker"))
            else:
                return Outcome(failure=JobFailure(**message["failure"]))
        return failed("killed", self._epitaph(), self._quote())

    def _messages(self) -> Iterator[dict[str, Any] | None]:
        """Yield messages as they come, and None every so often; end when the worker does."""
        looked = time.monotonic()
        self._channel.settimeout(LOOK_EVERY)
        while True:
            with suppress(TimeoutError):
                data = self._receive()
                if not data:
                    return
                *lines, self._buffer = (self._buffer + data).split(b"\n")
                for line in lines:
                    yield json.loads(line)
            if time.monotonic() - looked >= LOOK_EVERY:
                looked = time.monotonic()
                yield None

    def _receive(self) -> bytes:
        """Return what came; nothing when the worker is gone."""
        try:
            return self._channel.recv(1 << 16)
        except ConnectionError:
            return b""

    def _resident(self) -> int:
        """Return resident memory of the worker and its children, in bytes."""
        total = 0
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(self._process.pid)
            for each in (process, *process.children(recursive=True)):
                with suppress(psutil.NoSuchProcess):
                    total += each.memory_info().rss
        return total

    def _ask_where(self) -> None:
        """Have a hanging worker write its stack to the log before it is killed."""
        with suppress(OSError):
            self._process.send_signal(signal.SIGUSR1)
            time.sleep(0.3)

    def _epitaph(self) -> str:
        """Say how the process died."""
        try:
            code = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return "the worker closed its channel"
        if code < 0:
            name = signal.Signals(-code).name
            hint = " (out of memory?)" if -code == signal.SIGKILL else ""
            return f"the worker was killed by {name}{hint}"
        return f"the worker left with exit code {code}"

    def _quote(self) -> str:
        """Return the end of the worker's log."""
        self._log.seek(0)
        text = self._log.read().decode(errors="replace")
        return "\n".join(text.splitlines()[-QUOTED_LINES:])


class WorkerPool:
    """Warm workers of one thread count, handed out one at a time to whoever asks."""

    def __init__(self) -> None:
        """Start empty; workers are started when they are needed."""
        self._idle: list[WorkerProcess] = []
        self._lock = threading.Lock()

    @contextmanager
    def worker(self, threads: int) -> Iterator[WorkerProcess]:
        """Lend a worker; it is kept for the next job when it is usable."""
        with self._lock:
            fitting = [w for w in self._idle if w.usable and w.threads == threads]
            if fitting:
                self._idle.remove(fitting[-1])
        worker = fitting[-1] if fitting else WorkerProcess(threads)
        try:
            yield worker
        except BaseException:
            worker.kill()
            raise
        if not worker.usable:
            worker.kill()
            return
        with self._lock:
            self._idle.append(worker)

    def close(self) -> None:
        """End all idle workers."""
        with self._lock:
            while self._idle:
                self._idle.pop().kill()
