"""Runs a quick part of the tests with other versions of Python and of the dependencies.

    make matrix                                            # with uv, every cell of CELLS
    python tests/matrix.py                                 # with a uv on the path
    python tests/matrix.py 3.11/lowest-direct 3.13/highest # these
    python tests/matrix.py 3.11/highest -- tests/engine    # other tests

A cell is a Python and a resolution of uv: ``highest`` takes the newest versions, ``lowest-direct``
the floors of pyproject.toml, or the first version above one that has a wheel for that Python.
Each gets a fresh environment from the package index, which is removed after it; torch alone is
gigabytes there: give it time. A cell whose Python is not to be had is not a failure, but what it
would install is still resolved; the last lines say which cells ran, which did not, and why.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
CELLS = tuple(
    f"{python}/{resolution}" for python in PYTHONS for resolution in ("lowest-direct", "highest")
)
#: No compiler is asked for: a floor without a wheel for a Python is no floor there.
RESOLVE = ("--quiet", "--only-binary", ":all:", "--no-binary", "vbench", "--resolution")
#: What a cell says that it ran with.
TOLD = ("torch", "numpy", "pandas", "mlflow", "monai")
#: About a minute: plugins found, specs read, files read, scores, keys, and a benchmark of toys.
QUICK = (
    "tests/registry/test_registry.py",
    "tests/masks/test_voxels.py",
    "tests/spec",
    "tests/cli/test_schema.py",
    "tests/data/test_nifti.py",
    "tests/engine/test_claims.py",
    "tests/engine/test_keys.py",
    "tests/engine/test_resume.py::test_the_same_run_again_does_nothing",
    "tests/plugins/metrics/test_segmentation.py",
    "tests/plugins/nn",
    "tests/plugins/segmenters/test_unet.py",
    "tests/plugins/tracking/test_runs.py",
)
MARKED = "not peers and not browser"


@dataclass(frozen=True)
class Result:
    """How a cell ended: ``passed``, ``failed`` or ``not run``, and what there is to say."""

    cell: str
    status: str
    told: str


def python_of(version: str) -> Path | str:
    """Return an interpreter of this version, or why there is none.

    uv looks on the path and in its own folder, and downloads one where it may; pyenv's are looked
    up too, whether or not its shims name them.
    """
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = sorted(pyenv.glob(f"{version}.*/bin/python"))
    if found:
        return found[-1]
    find = ["uv", "python", "find", version]
    done = subprocess.run(find, capture_output=True, text=True)
    if done.returncode:
        subprocess.run(["uv", "python", "install", "--quiet", version], capture_output=True)
        done = subprocess.run(find, capture_output=True, text=True)
    if done.returncode:
        return f"no Python {version} here, and none could be downloaded"
    return Path(done.stdout.strip())


def resolved(version: str, resolution: str) -> str:
    """Return what would be installed for a Python that is not here, or why nothing would."""
    command = ["uv", "pip", "compile", *RESOLVE, resolution, "--python-version", version]
    command += ["--extra", "dev", "--no-header", "--no-annotate", "pyproject.toml"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        return f"nor do its versions resolve: {' '.join(done.stderr.split())[:600]}"
    return f"its versions resolve: {named(done.stdout)}"


def named(pins: str) -> str:
    """Return the packages of TOLD among lines of ``name==version``."""
    versions = dict(line.split("==", 1) for line in pins.splitlines() if "==" in line)
    return ", ".join(f"{name} {versions[name]}" for name in TOLD if name in versions)


def run(cell: str, tests: list[str], folder: Path) -> Result:
    """Make the cell's environment and run the tests in it."""
    version, _, resolution = cell.partition("/")
    python = python_of(version)
    if isinstance(python, str):
        return Result(cell, "not run", f"{python}; {resolved(version, resolution)}")
    begun = time.monotonic()
    place = folder / cell.replace("/", "-")
    environment = {
        **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        "VIRTUAL_ENV": str(place),
        "PATH": f"{place / 'bin'}{os.pathsep}{os.environ['PATH']}",
        # uv's own name for the places that pip was told to look in as well.
        "UV_FIND_LINKS": os.environ.get("UV_FIND_LINKS", os.environ.get("PIP_FIND_LINKS", "")),
    }
    install = ["uv", "pip", "install", *RESOLVE, resolution]
    for what, command in (
        ("no environment", ["uv", "venv", "--quiet", "--python", str(python), str(place)]),
        ("not installed", [*install, "--editable", ".[dev]"]),
    ):
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        if done.returncode:
            lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
            return Result(cell, "failed", f"{what}: {' '.join(lines)[:600]}")
    installed = time.monotonic() - begun
    freeze = ["uv", "pip", "freeze", "--quiet"]
    pins = subprocess.run(freeze, cwd=ROOT, env=environment, capture_output=True, text=True).stdout
    command = [str(place / "bin/python"), "-m", "pytest", "-q", "-m", MARKED, *tests]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    last = (done.stdout.strip().splitlines() or ["no output"])[-1].strip("= ")
    if done.returncode:
        print(done.stdout[-6000:], done.stderr[-2000:], file=sys.stderr)
        return Result(cell, "failed", f"{last}; {named(pins)}")
    return Result(cell, "passed", f"{last}; {installed:.0f} s to install; {named(pins)}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Tests with other versions.")
    parser.add_argument("cells", nargs="*", default=CELLS, help=f"default: {' '.join(CELLS)}")
    words, _, tests = " ".join(sys.argv[1:]).partition("--")
    cells = parser.parse_args(words.split()).cells or CELLS
    results = []
    for cell in cells:
        with tempfile.TemporaryDirectory(prefix="vbench-matrix-") as folder:
            results.append(run(cell, tests.split() or list(QUICK), Path(folder)))
        print(f"{results[-1].status:8} {cell:20} {results[-1].told}", flush=True)
    passed = sum(result.status == "passed" for result in results)
    failed = sum(result.status == "failed" for result in results)
    print(f"{passed} of {len(results)} cells passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
