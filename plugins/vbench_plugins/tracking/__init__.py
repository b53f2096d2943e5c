"""MLflow as a view of the results: rebuilt from them, and never their source.

A tracker such as anyone could write: a hook that runs when a benchmark has ended, and a command.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vbench import hookimpl

if TYPE_CHECKING:
    from vbench import RunResult


# Last: other plugins hear of the run's end even when MLflow is away.
@hookimpl(trylast=True)
def vbench_run_finished(result: RunResult, changed: bool, tracking: bool) -> None:
    """Mirror new results into MLflow, one run at a time."""
    if not (changed and tracking):
        return
    from filelock import FileLock

    from vbench.errors import StoreError
    from vbench_plugins.tracking.mirror import sync

    try:
        with FileLock(result.folder.parent / ".mlflow.lock"):
            sync(result)
    except Exception as error:
        raise StoreError(
            f"MLflow did not take the results ({error}); `vbench ui --sync` tries again"
        ) from error


@hookimpl
def vbench_cli(group: Any) -> None:
    """Add ``vbench ui``."""
    from vbench_plugins.tracking.ui import command

    group.add_command(command, "ui")
