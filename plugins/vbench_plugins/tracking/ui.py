"""``vbench ui``: the MLflow UI on the results, and the reports, on 127.0.0.1."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import FrameType
from typing import Any

import click

from vbench.defaults import OUT
from vbench.errors import StoreError
from vbench_plugins.tracking import guard
from vbench_plugins.tracking.backend import client, said_plainly, tracking_uri
from vbench_plugins.tracking.mirror import benchmarks, moved, rebuild
from vbench_plugins.tracking.view import view_url

HOST = "127.0.0.1"
#: Seconds between two looks whether the server answers.
_LOOK_EVERY = 0.2
#: What keeps the log of MLflow's server to what went wrong; what is set outside counts more.
_QUIET = {
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "UVICORN_LOG_LEVEL": "warning",
    "PYTHONWARNINGS": "ignore:starlette.middleware.wsgi is deprecated",
}


@click.command()
@click.option(
    "--out",
    default=OUT,
    show_default=True,
    type=click.Path(path_type=Path),
    help="Results folder.",
)
@click.option("--port", default=5000, show_default=True, help="Port; 0 takes a free one.")
@click.option("--sync", "anew", is_flag=True, help="Rebuild MLflow from the records first.")
@click.option(
    "--weights", is_flag=True, help="With --sync and a remote store: upload the weights too."
)
@click.option("--verbose", is_flag=True, help="Show the log of MLflow's server, too.")
def command(out: Path, port: int, anew: bool, weights: bool, verbose: bool) -> None:
    """Open the MLflow UI on the results, on 127.0.0.1.

    The store is <out>/mlflow.db, or what MLFLOW_TRACKING_URI names; a server that it names is
    filled with --sync, and not started. Reports and viewers are served beside the UI.
    """
    names = benchmarks(out)
    if not names:
        raise StoreError(f"{out}: no benchmark's results here; `vbench run SPEC --out` makes some")
    uri = tracking_uri(out)
    remote = uri.startswith(("http://", "https://"))
    port = port if remote else free_port(port)
    absent = uri.startswith("sqlite:///") and not Path(uri.removeprefix("sqlite:///")).exists()
    if anew or absent or moved(out):
        for name in rebuild(out, weights=weights):
            click.echo(f"synchronised {name}")
    base = uri if remote else f"http://{HOST}:{port}"
    with said_plainly(uri):
        mlflow = client(uri)
        found = {name: mlflow.get_experiment_by_name(name) for name in names}
    views = [
        f"{name}: {view_url(base, experiment.experiment_id)}"
        for name, experiment in found.items()
        if experiment is not None
    ]
    if remote:
        click.echo("\n".join(views))
        return
    pages = serve_pages(out)
    for path in sorted(out.glob("*/report.html")):
        click.echo(f"{path.parent.name}: http://{HOST}:{pages}/{path.parent.name}/report.html")
    click.echo("MLflow's server starts …")
    ready = [*views, f"MLflow UI on {base}; Ctrl-C ends it"]
    sys.exit(_serve_mlflow(uri, port, ready, verbose=verbose))


def free_port(wanted: int) -> int:
    """Return the port when nobody has it, any free one for 0.

    Raises:
        StoreError: When it is no port, is taken, or is not for this user.
    """
    if not 0 <= wanted <= 65535:
        raise StoreError(f"--port {wanted}: a port lies between 1 and 65535; 0 takes a free one")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted))
        except OSError as error:
            raise StoreError(f"--port {wanted}: {error.strerror}; name another, or 0") from error
        return int(probe.getsockname()[1])


class Pages(SimpleHTTPRequestHandler):
    """Serves reports and viewers, and nothing else of the results."""

    @property
    def _root(self) -> Path:
        return Path(self.directory).resolve()

    def send_head(self) -> Any:
        """Refuse other files, links out, and requests that another site's page may have made."""
        parts = self.path.partition("?")[0].strip("/").split("/")
        host = self.headers.get("Host", "").rpartition(":")[0]
        known = len(parts) == 2 and parts[1] in ("report.html", "viewer.html")
        inside = Path(self.translate_path(self.path)).resolve().is_relative_to(self._root)
        if not (known and inside) or host not in (HOST, "localhost"):
            self.send_error(404)
            return None
        return super().send_head()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def serve_pages(out: Path) -> int:
    """Serve reports and viewers from a thread; return the port."""

    def handler(*args: Any) -> Pages:
        return Pages(*args, directory=str(out))

    server = ThreadingHTTPServer((HOST, 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return int(server.server_address[1])


def _environment(uri: str, port: int, *, verbose: bool = False) -> dict[str, str]:
    """Return the environment of MLflow's server.

    A page of another site reaches a server on this machine under a name of its own (DNS rebinding).
    MLflow lets any name pass that looks like a private address, such as ``10.example.org``; here
    only this machine's do, whatever is set outside.
    """
    kept = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_SERVER_")}
    return {
        **({} if verbose else _QUIET),
        **kept,
        # Not by command line, which may be read by all: it is no place for a password.
        "MLFLOW_BACKEND_STORE_URI": uri,
        "MLFLOW_SERVER_ALLOWED_HOSTS": f"{HOST}:{port},localhost:{port}",
        # No file of the folder that we are in stands for a library: not for Python, and not for
        # uvicorn, which would look there first.
        "PYTHONSAFEPATH": "1",
        "UVICORN_APP_DIR": str(Path(os.__file__).parent),
    }


def _answers(port: int) -> bool:
    """Whether MLflow's server does; asked straight, whatever proxy the environment names."""
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _serve_mlflow(uri: str, port: int, ready: Sequence[str] = (), *, verbose: bool = False) -> int:
    """Run MLflow's server until it ends or this process does, in whatever way.

    Args:
        uri: The store.
        port: Where to serve it.
        ready: Lines to print once it answers: an address that is not there yet is of no use.
        verbose: Whether it says more than what went wrong.
    """
    # As a file: the package would import vbench first, and until then nothing watches the pipe.
    call = [sys.executable, guard.__file__, sys.executable, "-m", "mlflow", "server"]
    call += ["--host", HOST, "--port", str(port), "--workers", "1"]
    env = _environment(uri, port, verbose=verbose)

    def stop(_: int, __: FrameType | None) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    server = subprocess.Popen(call, env=env, stdin=subprocess.PIPE, start_new_session=True)
    try:
        while server.poll() is None and not _answers(port):
            time.sleep(_LOOK_EVERY)
        if server.poll() is None:
            click.echo("\n".join(ready))
        return server.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)  # it is ending already
        if server.stdin is not None:
            server.stdin.close()
        server.wait()
