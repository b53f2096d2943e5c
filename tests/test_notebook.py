"""The example notebook is executed, and the outputs that it was committed with are of that kind.

python tests/test_notebook.py    # execute it again and keep the outputs
"""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from documents import ROOT

NOTEBOOK = ROOT / "docs" / "notebooks" / "first-run.ipynb"
SPEC = NOTEBOOK.with_name("tiny.toml")


def execute(folder: Path) -> Any:
    """Execute the notebook in a folder, with what it holds; return it with its outputs."""
    import nbformat
    from nbclient import NotebookClient

    shutil.copy(SPEC, folder)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=600, resources=resources).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # times
    return notebook


def outputs(notebook: Any) -> list[list[list[str]]]:
    """Return the kinds of the outputs of each cell."""
    return [
        [
            sorted(output["data"]) if "data" in output else [output.output_type]
            for output in cell.outputs
        ]
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def headings(notebook: Any) -> list[str]:
    """Return the titles of rows and columns of tables: nothing that a machine changes."""
    html = "".join(
        output["data"].get("text/html", "")
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if "data" in output
    )
    return re.findall(r"<th>(.*?)</th>", html)


@pytest.mark.timeout(700)
def test_the_notebook_runs_and_shows_what_it_was_committed_with(
    tmp_path: Path, empty_store: Path
) -> None:
    import nbformat

    (tmp_path / "results").mkdir()
    shutil.copyfile(empty_store, tmp_path / "results" / "mlflow.db")
    made, kept = execute(tmp_path), nbformat.read(NOTEBOOK, as_version=4)
    assert outputs(made) == outputs(kept), "python tests/test_notebook.py executes it again"
    assert headings(made) == headings(kept)
    progress = next(c for c in made.cells if "vbench.run" in c.source and c.cell_type == "code")
    assert "jobs done in" in progress.outputs[0]["data"]["text/html"]


def test_the_notebook_is_small_and_names_no_place_on_this_machine() -> None:
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert len(text) < 200_000
    assert not re.search(r"/(home|root|tmp|work|Users)/", text)


if __name__ == "__main__":
    import nbformat

    with tempfile.TemporaryDirectory() as folder:
        nbformat.write(execute(Path(folder)), NOTEBOOK)
