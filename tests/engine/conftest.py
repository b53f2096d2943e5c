"""A PostgreSQL server, on 127.0.0.1, for the tests of the shared Optuna storage."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


def programs() -> Path | None:
    """Where PostgreSQL's server programs are; Debian keeps them off the path."""
    found = [Path(p).parent for p in [shutil.which("initdb")] if p]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in found if (folder / "initdb").exists()), None)


@pytest.fixture
def postgresql() -> Iterator[str]:
    """Start a server, give its URL, stop it."""
    folder = programs()
    if folder is None:
        missing = "needs PostgreSQL's server (apt-get install postgresql)"
        # CI installs it: there, a server that is missing is a fault of .ci/run.
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    # Not below pytest's folder: it is closed to the user that the server runs as.
    place = Path(tempfile.mkdtemp(prefix="vbench-pg-"))
    as_user: dict[str, object] = {}
    if os.geteuid() == 0:  # the server refuses to run as root
        shutil.chown(place, "nobody")
        as_user = {"user": "nobody"}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def call(*words: str) -> None:
        subprocess.run(
            [str(folder / words[0]), *words[1:]],
            check=True,
            cwd=place,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **as_user,  # type: ignore[call-overload]
        )

    data = str(place / "data")
    call("initdb", "-D", data, "-U", "vbench", "-A", "trust")
    # TCP only: the path of a socket file may be longer than the system takes.
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''"
    call("pg_ctl", "-D", data, "-w", "-l", str(place / "log"), "-o", options, "start")
    try:
        yield f"postgresql+psycopg://vbench@127.0.0.1:{port}/postgres"
    finally:
        call("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
        shutil.rmtree(place, ignore_errors=True)
