"""What a plugin must leave alone while it works: the network, global random state, settings."""

from __future__ import annotations

import hashlib
import os
import random
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
import rich.style  # noqa: F401  its first import draws from `random`: not a plugin's doing

from vbench.importing import python_path
from vbench.types import Array

#: What takes long to import, so that `vbench plan` and `vbench --help` must not wait for it.
HEAVY = (
    "torch",
    "monai",
    "tensorflow",
    "jax",
    "mlflow",
    "optuna",
    "altair",
    "matplotlib",
    "pandas",
    "skimage",
    "sklearn",
    "SimpleITK",
)

_PROBE = """
import importlib, importlib.util, sys
name, path = sys.argv[1:3]
try:
    importlib.import_module(name)
except ModuleNotFoundError as error:
    if error.name != name.partition(".")[0]:
        raise
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
print(*[heavy for heavy in sys.argv[3:] if heavy in sys.modules])
"""


def in_new_process(code: str, *arguments: str, data: bytes = b"") -> str:
    """Run code in a new Python that finds the same modules, and return what it prints.

    Raises:
        AssertionError: When it fails, with the last line of its error.
    """
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, *arguments],
        input=data,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": python_path()},
        timeout=120,
        check=False,
    )
    if done.returncode:
        lines = done.stderr.decode().strip().splitlines()
        raise AssertionError(f"in a new process: {lines[-1] if lines else 'no message'}")
    return done.stdout.decode().strip()


def heavy_imports(cls: type) -> list[str]:
    """Return the heavy libraries that importing a class's module loads, in a new process.

    Raises:
        AssertionError: When the module cannot be imported there.
    """
    path = str(getattr(sys.modules[cls.__module__], "__file__", ""))
    return _heavy_imports(cls.__module__, path).split()


@cache
def _heavy_imports(module: str, path: str) -> str:
    """Ask a new process, once for all classes of a module."""
    return in_new_process(_PROBE, module, path, *HEAVY)


@contextmanager
def no_network() -> Iterator[list[str]]:
    """Refuse every connection but local ones between processes; give the list of attempts."""
    attempts: list[str] = []

    def refuse(what: str) -> None:
        attempts.append(what)
        raise OSError(f"the conformance kit allows no network: {what}")

    def connect(self: socket.socket, address: Any) -> None:
        if self.family == socket.AF_UNIX:
            real_connect(self, address)
        else:
            refuse(f"connect to {address}")

    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        refuse(f"look up {host}")

    real_connect, real_getaddrinfo = socket.socket.connect, socket.getaddrinfo
    socket.socket.connect = connect  # type: ignore[method-assign,assignment]
    socket.getaddrinfo = getaddrinfo
    try:
        yield attempts
    finally:
        socket.socket.connect = real_connect  # type: ignore[method-assign]
        socket.getaddrinfo = real_getaddrinfo


def global_state() -> dict[str, str]:
    """Return digests of what all plugins of a process share: random states and torch's settings.

    torch's are among them only where torch is imported.
    """
    legacy = np.random.get_state(legacy=False)  # noqa: NPY002 (it is what we watch)
    state = {"random": repr(random.getstate()), "numpy.random": repr(_plain(legacy))}
    if "torch" in sys.modules:
        import torch

        state["torch's random state"] = torch.get_rng_state().numpy().tobytes().hex()
        state["torch.set_grad_enabled"] = str(torch.is_grad_enabled())
        state["torch.set_default_dtype"] = str(torch.get_default_dtype())
        state["torch.set_num_threads"] = str(torch.get_num_threads())
        state["torch.use_deterministic_algorithms"] = str(
            torch.are_deterministic_algorithms_enabled()
        )
    return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in state.items()}


def changed(before: Mapping[str, str]) -> set[str]:
    """Name the parts of the global state that differ from ``before``."""
    now = global_state()
    return {name for name, digest in before.items() if now[name] != digest}


def _plain(value: Any) -> Any:
    """Return arrays as bytes, so that ``repr`` tells all of them."""
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    return value.tobytes() if isinstance(value, np.ndarray) else value


@contextmanager
def other_random_state(seed: int) -> Iterator[None]:
    """Set every global random state to another one for a while: nothing may depend on it."""
    python, legacy = random.getstate(), np.random.get_state()  # noqa: NPY002
    torch: Any = sys.modules.get("torch")
    before = torch.get_rng_state() if torch else None
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    if torch:
        torch.manual_seed(seed)
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(legacy)  # noqa: NPY002
        if torch:
            torch.set_rng_state(before)


def digest(array: Array) -> str:
    """Return a digest of an array's content, shape and type."""
    whole = np.ascontiguousarray(array)
    return hashlib.sha256(repr((whole.shape, whole.dtype)).encode() + whole.tobytes()).hexdigest()
