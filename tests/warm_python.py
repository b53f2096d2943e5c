"""A Python that has imported vbench and torch already: each program is forked, not started.

    warm-python -P -m vbench.engine.worker 5
    warm-python tests/tiny_vbench.py run benchmarks/smoke.toml

The script ``warm-python`` hands its arguments, folder, environment and open files to a server,
which forks. The child becomes the program; the script waits for it, passes signals on, and ends as
it does. When the script dies, the program is killed with its group; when the process that started
the server ends, the server does too. What else is called is run by the real Python.
"""

from __future__ import annotations

import array
import atexit
import gc
import importlib
import json
import os
import select
import shutil
import signal
import socket
import sys
from contextlib import suppress
from typing import Any

#: What programs of tests import sooner or later.
IMPORTED = (  # noqa: SIM905
    "vbench.api vbench.cli.run vbench.cli.export vbench.cli.predict vbench.engine.session "
    "vbench.engine.worker vbench.report vbench.result vbench.testing.apart vbench.trained.sample "
    "vbench_plugins.generators vbench_plugins.metrics vbench_plugins.phantom.make "
    "vbench_plugins.segmenters vbench_plugins.sources altair nibabel optuna PIL.Image "
    "safetensors.torch scipy.ndimage scipy.stats skimage.measure skimage.morphology torch"
).split()
#: Modules that are programs here, called as ``-P -m MODULE …``.
MODULES = ("vbench.engine.worker", "vbench.testing.apart")
PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)


def start() -> str:
    """Start a server that lives as long as this process; return the script to call as Python."""
    import subprocess
    import tempfile

    if sys.platform != "linux":
        return sys.executable
    folder = tempfile.mkdtemp(prefix="warm-", dir="/tmp")  # a socket's path must be short
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    address, script = f"{folder}/socket", f"{folder}/warm-python"
    with open(script, "w") as file:  # noqa: PTH123 - a client imports little
        file.write(
            f'#!/bin/sh\nexec "{sys.executable}" -SEI "{__file__}" "{address}" '
            f'"{sys.executable}" "$@"\n'
        )
    os.chmod(script, 0o700)  # noqa: PTH101
    paths = os.pathsep.join(path for path in sys.path if path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen(64)
        server = subprocess.Popen(
            [sys.executable, "-P", __file__, "--serve", str(listener.fileno())],
            stdin=subprocess.PIPE,  # closed when this process ends, however it does
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": paths},
            pass_fds=[listener.fileno()],
            start_new_session=True,
        )
    atexit.register(server.kill)
    return script


def call(address: str, python: str, arguments: list[str]) -> None:
    """Run a program; end as it does."""
    if not (arguments[:2] == ["-P", "-m"] and arguments[2] in MODULES) and not (
        arguments[:1] and arguments[0].endswith("tiny_vbench.py")
    ):
        os.execv(python, [python, *arguments])
    files = []
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208
        with suppress(OSError):  # that of the listing
            if os.get_inheritable(int(name)):
                files.append(int(name))
    ignored = [each for each in PASSED_ON if signal.getsignal(each) is signal.SIG_IGN]
    signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)
    server = socket.socket(socket.AF_UNIX)
    server.connect(address)
    about = [arguments, os.getcwd(), dict(os.environ), files, ignored]  # noqa: PTH109
    server.sendmsg([b"!"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", files))])
    server.sendall(json.dumps(about).encode() + b"\n")
    for file in files:
        if file > 2:
            os.close(file)
    answers = server.makefile("r")
    program = int(answers.readline())
    for each in set(PASSED_ON) - set(ignored):
        signal.signal(each, lambda number, _: os.kill(program, number))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
    code = int(answers.readline() or -signal.SIGKILL)
    if code < 0:
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


def serve(listener: socket.socket) -> list[str]:
    """Fork for each call; return, in a child that has become the program, its arguments."""
    alive = os.dup(0)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that wait
    while True:
        ready, _, _ = select.select([listener, alive], [], [])
        if alive in ready:
            os._exit(0)
        caller, _ = listener.accept()
        if os.fork() == 0:
            break
        caller.close()
    listener.close()
    os.close(alive)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, files, _, _ = socket.recv_fds(caller, 1, 64)
    with caller.makefile("r") as lines:
        arguments, folder, environment, numbers, ignored = json.loads(lines.readline())
    program = os.fork()
    if program:
        watch(caller, program)
    os.setsid()
    caller.close()
    high = [os.dup2(file, 200 + i) for i, file in enumerate(files)]
    for file in files:
        os.close(file)
    for file, number in zip(high, numbers, strict=True):
        os.dup2(file, number)
        os.close(file)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", 1, errors="backslashreplace", closefd=False)  # noqa: SIM115
    for each in ignored:
        signal.signal(each, signal.SIG_IGN)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    first = [p for p in environment.get("PYTHONPATH", "").split(os.pathsep) if p]
    sys.path[:] = list(dict.fromkeys([*first, *sys.path]))
    importlib.invalidate_caches()
    return arguments  # type: ignore[no-any-return]


def watch(caller: socket.socket, program: int) -> None:
    """Tell the caller how its program ends; kill it when the caller is gone."""
    with suppress(OSError):  # it is gone already
        caller.sendall(b"%d\n" % program)
    ended = os.pidfd_open(program)
    ready, _, _ = select.select([ended, caller], [], [])
    if ended not in ready:
        with suppress(ProcessLookupError):
            os.killpg(program, signal.SIGKILL)
        os.kill(program, signal.SIGKILL)
    _, status = os.waitpid(program, 0)
    with suppress(OSError):
        caller.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def become(arguments: list[str]) -> None:
    """Do what the program does."""
    import runpy

    if arguments[0] == "-P":
        name, sys.argv = arguments[2], arguments[2:]
        del sys.modules[name]  # once more, as __main__
        runpy.run_module(name, run_name="__main__", alter_sys=True)
    else:
        sys.argv = arguments
        sys.path.insert(0, os.path.dirname(arguments[0]))  # noqa: PTH120
        runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    if sys.argv[1] == "--serve":
        for each in IMPORTED:
            importlib.import_module(each)
        torch: Any = sys.modules["torch"]
        torch.optim.Adam([torch.zeros(1, requires_grad=True)])  # imports its compiler
        gc.collect()
        gc.freeze()
        become(serve(socket.socket(fileno=int(sys.argv[2]))))
    else:
        call(sys.argv[1], sys.argv[2], sys.argv[3:])
