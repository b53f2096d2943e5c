"""What the MLflow UI shows first: arms by score, with the columns that matter."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from vbench import RunResult

#: Key of the saved view; the UI reads it from an experiment tag of this name.
SHARE_KEY = "vbench"


def experiment_tags(result: RunResult) -> dict[str, str]:
    """Return the experiment's tags: description, kind, and the saved view."""
    leaderboard = result.board
    return {
        "mlflow.note.content": f"Benchmark **{leaderboard['benchmark']}**, vbench "
        f"{leaderboard['vbench']}: a run per arm, trials nested.",
        "mlflow.experimentKind": "custom_model_development",
        f"mlflow.sharedViewState.{SHARE_KEY}": json.dumps(view_state(result)),
    }


def view_state(result: RunResult) -> dict[str, Any]:
    """Return the view's state as the UI saves it: columns, order, nothing expanded."""
    leaderboard, metrics = result.board, result.headline
    primary = leaderboard.get("primary") or (metrics[0] if metrics else "seconds")
    lower = leaderboard["metrics"].get(primary, {}).get("higher_is_better") is False
    names = [*metrics, f"{primary}_ratio_to_real", "worst_patient_risk", "seconds"]
    columns = [f"metrics.`{name}`" for name in names]
    tags = ("verdict", "regime", "generator", "n_subjects", "status")
    columns += [f"tags.`{name}`" for name in tags]
    return {
        "selectedColumns": columns,
        "columnOrder": [],
        "columnWidths": {},
        "runsExpanded": {},
        "runsPinned": [],
        "runsHidden": [],
        "runsVisibilityMap": {},
        "runsHiddenMode": "FIRST_20_RUNS",
        "viewMaximized": False,
        "runListHidden": False,
        "isAccordionReordered": False,
        "useGroupedValuesInCharts": True,
        "hideEmptyCharts": True,
        "groupBy": None,
        "groupsExpanded": {},
        "autoRefreshEnabled": True,
        "globalLineChartConfig": {
            "xAxisKey": "step",
            "lineSmoothness": 0,
            "selectedXAxisMetricKey": "",
        },
        "searchFilter": "tags.level = 'arm'",
        "orderByKey": f"metrics.`{primary}`",
        "orderByAsc": lower,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
    }


def view_url(base: str, experiment: str) -> str:
    """Return the address of an experiment's runs in that view."""
    query = f"viewStateShareKey={SHARE_KEY}&workflowType=machine_learning"
    return f"{base.rstrip('/')}/#/experiments/{quote(experiment)}/runs?{query}"
