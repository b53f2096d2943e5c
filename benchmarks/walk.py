"""Walks from an empty environment to a board of one's own five volumes, in ten commands.

    python benchmarks/walk.py          # every library comes from the package index
    python benchmarks/walk.py --quick  # libraries are borrowed from the environment at hand

Builds the wheel, makes five small volumes with labels under names of no layout, and types what a
newcomer would, each command with its time, into ``results/summaries/walk/README.md``. Fails when a
command does, or when the board lacks an arm.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
import sysconfig
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from wheel_smoke import built

ROOT = Path(__file__).resolve().parents[1]
WRITTEN = ROOT / "results" / "summaries" / "walk" / "README.md"
#: Which file is whose: what a layout of one's own needs to be told.
LAYOUT = (
    "--layout volumes --set 'image={subject}_image.nii.gz' --set 'label={subject}_label.nii.gz'"
)
#: Short trainings: the walk shows the way, not a result.
SHORT = (
    "--set 'generators=[{plugin=\"wgan-gp-sn\", params={steps=40}}]' "
    "--set segmenter.params.steps=80"
)
COMMANDS = (
    "python3 -m venv venv && . venv/bin/activate",
    "pip install --quiet {wheel}",
    "vbench doctor",
    f"vbench data check scans {LAYOUT}",
    f"vbench init mine --data scans {LAYOUT}",
    "vbench validate mine/benchmark.toml",
    "vbench run mine/benchmark.toml --rehearse",
    "vbench plan mine/benchmark.toml",
    f"vbench run mine/benchmark.toml {SHORT}",
    "vbench report scans",
)
#: Lines of a command's output that the transcript keeps, from its end.
LONGEST = 45


@dataclass(frozen=True)
class Step:
    """A command as it was typed, what it printed, and the seconds that it took."""

    command: str
    said: str
    seconds: float


def make_scans(folder: Path, count: int = 5, edge: int = 48) -> None:
    """Write volumes with a few bright, curved vessels in noise, and their labels.

    Args:
        folder: Where ``scan<i>_image.nii.gz`` and ``scan<i>_label.nii.gz`` go.
        count: How many.
        edge: Voxels along each axis, of 0.6 mm.
    """
    folder.mkdir(parents=True, exist_ok=True)
    places = np.stack(np.meshgrid(*[np.arange(edge)] * 3, indexing="ij"), -1).astype(np.float64)
    for index in range(count):
        rng = np.random.default_rng(index)
        label = np.zeros((edge,) * 3, np.uint8)
        for _ in range(6):
            start, bend, end = rng.uniform(2, edge - 2, (3, 3))
            radius = rng.uniform(1.3, 2.2)
            for t in np.linspace(0, 1, 2 * edge):
                point = (1 - t) ** 2 * start + 2 * t * (1 - t) * bend + t**2 * end
                label[((places - point) ** 2).sum(-1) <= radius**2] = 1
        image = 100 + 40 * label + rng.normal(0, 12, label.shape)
        write(folder / f"scan{index + 1}_image.nii.gz", image.astype(np.float32))
        write(folder / f"scan{index + 1}_label.nii.gz", label)


def write(path: Path, voxels: npt.NDArray[np.generic]) -> None:
    """Write a NIfTI file of 0.6 mm voxels."""
    nib.save(nib.Nifti1Image(voxels, np.diag([0.6, 0.6, 0.6, 1.0])), path)


def walk(folder: Path, wheel: Path, *, quick: bool) -> list[Step]:
    """Type the commands in one shell, in a folder that holds scans and wheel.

    Raises:
        SystemExit: When one fails.
    """
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "COLUMNS": "110",
        "LANG": "C.UTF-8",
    }
    environment |= {k: v for k, v in os.environ.items() if k.startswith(("PIP_", "SSL_", "OMP_"))}
    steps: list[Step] = []
    for number, command in enumerate(COMMANDS):
        typed = command.replace("{wheel}", wheel.name)
        done = typed
        if quick and "pip install" in typed:
            done = f"{typed} --no-deps && {borrow()}"
        inside = done if number == 0 else f". venv/bin/activate && {done}"
        begun = time.perf_counter()
        ran = subprocess.run(
            ["bash", "-c", inside], cwd=folder, env=environment, capture_output=True, text=True
        )
        seconds = time.perf_counter() - begun
        print(f"{seconds:6.1f} s  {typed}", flush=True)
        if ran.returncode:
            sys.exit(f"{typed}: exit code {ran.returncode}\n{ran.stdout}{ran.stderr}")
        steps.append(Step(typed, discreet(ran.stdout, folder), seconds))
    return steps


def borrow() -> str:
    """Return a command that lets the new environment read this one's libraries after its own."""
    place = "$(python -c 'import sysconfig; print(sysconfig.get_paths()[\"purelib\"])')"
    return f'echo {shlex.quote(sysconfig.get_paths()["purelib"])} > "{place}/borrowed.pth"'


def discreet(said: str, folder: Path) -> str:
    """Return the end of what a command printed, without places on this machine."""
    text = re.sub(r"/\S*?" + re.escape(folder.name), "~", said.rstrip())
    lines = [line.rstrip() for line in text.splitlines()]
    left_out = len(lines) - LONGEST
    return "\n".join([f"… {left_out} more lines", *lines[-LONGEST:]] if left_out > 0 else lines)


def transcript(steps: list[Step], *, quick: bool) -> str:
    """Return the steps as Markdown."""
    libraries = "borrowed from another environment" if quick else "from the package index"
    lines = [
        "# From an empty environment to a board of one's own volumes",
        "",
        f"`python benchmarks/walk.py{' --quick' if quick else ''}` typed these {len(steps)} "
        "commands in a folder with the wheel and `scans/`: five volumes of 48³ voxels as "
        "`scan1_image.nii.gz` and `scan1_label.nii.gz`, names that no layout knows. Libraries "
        f"were {libraries}; two x86 cores that other work shared, no GPU, "
        f"{sum(step.seconds for step in steps) / 60:.0f} minutes in all. Trainings are cut short: "
        "the way is shown, not a result.",
    ]
    for step in steps:
        lines += ["", f"```console\n$ {step.command}", *([step.said] if step.said else [])]
        lines += [f"# {step.seconds:.0f} s\n```"]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Build, walk, and write the transcript."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="borrow the libraries")
    parser.add_argument("--to", type=Path, default=WRITTEN, help="where the transcript goes")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vbench-walk-") as name:
        folder = Path(name)
        with tempfile.TemporaryDirectory() as made:
            wheel = next(path for path in built(Path(made)) if path.name.startswith("vbench-"))
            wheel = wheel.rename(folder / wheel.name)
        make_scans(folder / "scans")
        steps = walk(folder, wheel, quick=asked.quick)
        board = next(step.said for step in steps if SHORT in step.command)
    lacking = [arm for arm in ("real", "synthetic/wgan-gp-sn") if arm not in board]
    if lacking:
        sys.exit(f"not on the board: {', '.join(lacking)}\n{board}")
    asked.to.parent.mkdir(parents=True, exist_ok=True)
    asked.to.write_text(transcript(steps, quick=asked.quick), "utf-8")


if __name__ == "__main__":
    main()
