"""Writes a benchmark's runs to MLflow, and rebuilds the whole store."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlparse
from urllib.request import url2pathname

from vbench import RunResult, read_result
from vbench_plugins.tracking.artifacts import write_artifacts
from vbench_plugins.tracking.backend import (
    client,
    is_own,
    said_plainly,
    tracking_uri,
    without_fsync,
)
from vbench_plugins.tracking.runs import Run, arm_run, safe_name
from vbench_plugins.tracking.view import experiment_tags


def sync(result: RunResult, uri: str | None = None, *, weights: bool = False) -> None:
    """Make MLflow show the results of a benchmark, as the experiment of its name.

    Runs that are up to date stay; changed ones are replaced; those of arms that the plan no
    longer has are deleted. Running it again changes nothing. In a folder that was moved or copied
    its own store is rebuilt.

    Args:
        result: The benchmark's results.
        uri: Tracking store; see :func:`~vbench_plugins.tracking.backend.tracking_uri`.
        weights: Whether the chosen weights are uploaded to a remote store. A local one always
            gets them, as links.

    Raises:
        StoreError: When MLflow cannot be reached.
    """
    out = result.folder.parent
    if moved(out, uri):
        rebuild(out, uri, weights=weights)
        return
    where = tracking_uri(out, uri)
    with said_plainly(where), without_fsync(is_own(out, where)):
        _mirror(client(where), where, result, weights)


def moved(out: Path, uri: str | None = None) -> bool:
    """Whether the folder's own store keeps its artifacts in another folder: in its former place.

    Left so, they would be written there, and those of a folder that this is a copy of deleted.
    """
    database = Path(out).resolve() / "mlflow.db"
    if not is_own(out, tracking_uri(out, uri)) or not database.is_file():
        return False
    # Read without MLflow: its engine would keep the file open, which is about to be rewritten.
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
        try:
            rows = connection.execute("SELECT name, artifact_location FROM experiments").fetchall()
        except sqlite3.DatabaseError:
            return False  # being made, or no database: MLflow says what is wrong with it
    kept = dict(rows)
    places = {name: _place(out, name) for name in benchmarks(out)}
    return any(kept.get(name, place) != place for name, place in places.items())


def _place(out: Path, name: str) -> str:
    """Return where the folder's own store keeps the artifacts of a benchmark."""
    return (Path(out).resolve() / "mlartifacts" / name).as_uri()


def benchmarks(out: Path) -> list[str]:
    """Name the benchmarks that have results under ``out``, sorted."""
    return sorted(path.parent.name for path in Path(out).glob("*/plan.json"))


def _mirror(mlflow: Any, where: str, result: RunResult, weights: bool) -> None:
    experiment = _experiment(mlflow, where, result)
    present = {run.data.tags.get("arm"): run for run in _parents(mlflow, experiment)}
    for arm in result.arms:
        run = arm_run(arm)
        digest = run.digest + ("+weights" if weights else "")
        old = present.pop(arm.name, None)
        if old is not None:
            if old.data.tags.get("vbench.digest") in (digest, f"{run.digest}+weights"):
                continue
            _delete(mlflow, experiment, old)
        run_id = _log(mlflow, experiment, run, {"vbench.digest": digest})
        _log_data(mlflow, run_id, result.plan["data"])
        with _artifact_folder(mlflow, run_id) as (folder, local):
            write_artifacts(folder, result, arm, weights=weights or local)
    for old in present.values():
        _delete(mlflow, experiment, old)


def rebuild(out: Path, uri: str | None = None, *, weights: bool = False) -> list[str]:
    """Write every benchmark under ``out`` to MLflow; the folder's own store starts from nothing.

    Args:
        out: Results folder.
        uri: Tracking store; see :func:`~vbench_plugins.tracking.backend.tracking_uri`.
        weights: As of :func:`sync`.

    Returns:
        The benchmarks' names.
    """
    out = Path(out)
    if is_own(out, tracking_uri(out, uri)):
        (out / "mlflow.db").unlink(missing_ok=True)
        shutil.rmtree(out / "mlartifacts", ignore_errors=True)
    names = benchmarks(out)
    for name in names:
        sync(read_result(out / name), uri, weights=weights)
    return names


def _experiment(mlflow: Any, uri: str, result: RunResult) -> str:
    name = result.board["benchmark"]
    tags = experiment_tags(result)
    found = mlflow.get_experiment_by_name(name)
    if found is None:
        # A server has its own place; with a database MLflow would use the working directory.
        server = urlparse(uri).scheme in ("http", "https")
        place = None if server else _place(result.folder.parent, name)
        return str(mlflow.create_experiment(name, artifact_location=place, tags=tags))
    if found.lifecycle_stage == "deleted":
        mlflow.restore_experiment(found.experiment_id)
    for key, value in tags.items():
        if found.tags.get(key) != value:
            mlflow.set_experiment_tag(found.experiment_id, key, value)
    return str(found.experiment_id)


def _search(mlflow: Any, experiment: str, condition: str) -> Iterator[Any]:
    token = None
    while True:
        page = mlflow.search_runs([experiment], condition, max_results=1000, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _parents(mlflow: Any, experiment: str) -> list[Any]:
    return list(_search(mlflow, experiment, "tags.level = 'arm'"))


def _delete(mlflow: Any, experiment: str, run: Any) -> None:
    parent = run.info.run_id
    for child in list(_search(mlflow, experiment, f"tags.`mlflow.parentRunId` = '{parent}'")):
        mlflow.delete_run(child.info.run_id)
    mlflow.delete_run(parent)
    path = _local_path(run.info.artifact_uri)
    if path is not None:
        shutil.rmtree(path.parent, ignore_errors=True)


def _log(mlflow: Any, experiment: str, run: Run, tags: dict[str, str]) -> str:
    from mlflow.entities import Metric, Param

    tags = {**run.tags, **tags, "mlflow.source.name": "vbench", "mlflow.user": "vbench"}
    created = mlflow.create_run(experiment, start_time=run.start, tags=tags, run_name=run.name)
    run_id = str(created.info.run_id)
    when = run.end or 0
    metrics = [
        Metric(safe_name(name), float(value), when, 0) for name, value in run.metrics.items()
    ]
    metrics += [
        Metric(safe_name(name), value, when, step)
        for name, points in run.curves.items()
        for step, value in points
    ]
    params = [Param(safe_name(name), value[:6000]) for name, value in run.params.items()]
    while metrics or params:
        # The most that MLflow takes in one call.
        mlflow.log_batch(run_id, metrics[:900], params[:100])
        metrics, params = metrics[900:], params[100:]
    for child in run.children:
        _log(mlflow, experiment, child, {"mlflow.parentRunId": run_id})
    if run.status != "RUNNING":
        mlflow.set_terminated(run_id, status=run.status, end_time=run.end)
    return run_id


def _log_data(mlflow: Any, run_id: str, data: dict[str, Any]) -> None:
    import json

    from mlflow.entities import Dataset, DatasetInput, InputTag

    inputs = []
    for name, part in data.items():
        if part:
            counts = {group: len(ids) for group, ids in part["subjects"].items()}
            dataset = Dataset(
                name=f"{name}: {part['plugin']}",
                digest=str(part["fingerprint"])[:36],
                source_type="vbench",
                source=json.dumps({"plugin": part["plugin"], "subjects": part["subjects"]}),
                profile=json.dumps(counts),
            )
            inputs.append(DatasetInput(dataset, [InputTag("mlflow.data.context", name)]))
    mlflow.log_inputs(run_id, inputs)


def _local_path(uri: str) -> Path | None:
    parsed = urlparse(uri)
    if parsed.scheme == "file":
        return Path(url2pathname(parsed.path))
    return None


@contextmanager
def _artifact_folder(mlflow: Any, run_id: str) -> Iterator[tuple[Path, bool]]:
    """Give a folder to write artifacts to, and whether it is their final place on this machine."""
    path = _local_path(mlflow.get_run(run_id).info.artifact_uri)
    if path is not None:
        path.mkdir(parents=True, exist_ok=True)
        yield path, True
        return
    with tempfile.TemporaryDirectory() as temporary:
        yield Path(temporary), False
        mlflow.log_artifacts(run_id, temporary)
