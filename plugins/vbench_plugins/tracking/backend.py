"""Which MLflow store is used, and a client for it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vbench.errors import StoreError
from vbench.usertext import without_password


def tracking_uri(out: Path, uri: str | None = None) -> str:
    """Return the store to use: ``uri``, else ``MLFLOW_TRACKING_URI``, else ``<out>/mlflow.db``.

    Raises:
        StoreError: When the path of ``<out>`` has signs that mean something else in an address.
    """
    if uri or os.environ.get("MLFLOW_TRACKING_URI"):
        return uri or os.environ["MLFLOW_TRACKING_URI"]
    own = _own(out)
    if "?" in own or "%" in own:
        raise StoreError(
            f"{Path(out).resolve()}: MLflow's store cannot be in a folder with ? or % in its path; "
            "rename it, or name a store with MLFLOW_TRACKING_URI"
        )
    return own


def is_own(out: Path, uri: str) -> bool:
    """Whether this is the store that belongs to the results folder."""
    return uri == _own(out)


def _own(out: Path) -> str:
    return f"sqlite:///{Path(out).resolve() / 'mlflow.db'}"


def quiet_mlflow() -> None:
    """Switch MLflow's telemetry and chatter off; before its first import."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("DO_NOT_TRACK", "true")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    # A server that is away is reported within seconds, not minutes.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")


def client(uri: str) -> Any:
    """Return an MLflow client."""
    quiet_mlflow()
    import logging

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri)


@contextmanager
def said_plainly(uri: str) -> Iterator[None]:
    """Turn MLflow's errors into one that says which store, and that nothing is lost.

    Raises:
        StoreError: When the store cannot be reached, refuses, or needs a driver that is missing.
    """
    quiet_mlflow()
    from alembic.util.exc import CommandError
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, ImportError, CommandError) as error:
        if revision := _REVISION.search(str(error)):
            raise StoreError(_other_version(uri, next(filter(None, revision.groups())))) from error
        reason = without_password(str(error).partition("\n")[0])[:160]
        raise StoreError(
            f"MLflow at {without_password(uri)}: {reason}; the results are complete in their"
            " folder, and `vbench ui --sync` fills MLflow from them"
        ) from error


#: How MLflow and Alembic say that the tables of a store are not those of this MLflow.
_REVISION = re.compile(r"found version (\w+)|Can't locate revision identified by '([^']+)'")


def _other_version(uri: str, revision: str) -> str:
    """Say that a store was made by another MLflow, and what to do."""
    from mlflow.version import VERSION

    return (
        f"MLflow at {without_password(uri)}: its tables have revision {revision}, which is not "
        f"that of the installed MLflow {VERSION}: another version made it. `vbench ui --sync` "
        "rebuilds the results folder's own store; for any other, install the MLflow that made "
        "it, or run "
        "`mlflow db upgrade` if that was an older one"
    )


@contextmanager
def without_fsync(own: bool) -> Iterator[None]:
    """Let SQLite leave flushing to the operating system while the folder's own store is written.

    MLflow commits a dozen times a run, and each flush costs milliseconds. What a power cut could
    damage is rebuilt by ``vbench ui --sync``.

    Args:
        own: Whether the store is the folder's own; any other stays as safe as it is.
    """
    if not own:
        yield
        return
    import sqlite3

    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    def relax(connection: Any, _: Any) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.execute("PRAGMA synchronous=OFF")

    event.listen(Engine, "connect", relax)
    try:
        yield
    finally:
        event.remove(Engine, "connect", relax)
