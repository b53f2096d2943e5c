"""Builds the two wheels, installs them in a fresh environment, and runs a benchmark with both.

    python tests/wheel_smoke.py          # libraries are borrowed from the environment at hand
    python tests/wheel_smoke.py --full   # every library is installed from the index, too

What it shows: the wheels hold all that they need (templates, the conformance kit, built-in
plugins, entry points); a third-party generator is found by name, passes `vbench check` and gets
its row of the leaderboard. What it does not show without ``--full``: that the dependencies of the
wheels can be resolved on an empty machine; it does compare them with what is installed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "plugins" / "example-generator"

SPEC = """
[benchmark]
name = "wheels"
[data.source]
plugin = "phantom"
shape = [40, 40, 24]
split = { train = 1, val = 1, test = 1 }
[patches]
size = [8, 8, 8]
per_subject = 32
[[generators]]
plugin = "example-vae"
params = { steps = 10, width = 2, latent = 4, batch_size = 8 }
[segmenter]
plugin = "unet3d"
params = { steps = 10, width = 4, precision = "float32", memory_format = "contiguous" }
[regimes]
real = true
synthetic = true
"""


def run(*command: object, cwd: Path, **environment: str) -> str:
    """Run a command, with what it prints kept for a failure; return its standard output."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        print(done.stdout, done.stderr, sep="\n", file=sys.stderr)
        raise SystemExit(f"failed with {done.returncode}: {' '.join(map(str, command))}")
    return done.stdout


def built(folder: Path) -> list[Path]:
    """Build both wheels from copies of the sources that git knows, as a clean clone has them."""
    wheels = folder / "wheels"
    sources = folder / "sources"
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT)
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (sources / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, sources / name)
    for project in (sources, sources / EXAMPLE.relative_to(ROOT)):
        run(sys.executable, "-m", "pip", "wheel", "--no-deps", "-w", wheels, project, cwd=folder)
    return sorted(wheels.glob("*.whl"))


def installed(wheels: list[Path], folder: Path, *, full: bool) -> Path:
    """Install wheels in a new environment and return the folder of its commands."""
    place = folder / "venv"
    run(sys.executable, "-m", "venv", place, cwd=folder)
    commands = place / "bin"
    libraries = [] if full else ["--no-deps"]
    run(commands / "python", "-m", "pip", "install", *libraries, *wheels, cwd=folder)
    if not full:
        # After the wheels, so that what they hold comes first. Path files in the borrowed folder
        # are not read, so an editable vbench there stays out.
        borrowed = sysconfig.get_paths()["purelib"]
        target = run(
            commands / "python",
            "-c",
            "import sysconfig; print(sysconfig.get_paths()['purelib'])",
            cwd=folder,
        ).strip()
        (Path(target) / "borrowed.pth").write_text(borrowed + "\n")
    return commands


def main() -> None:
    """Build, install, check, run; say how long each took."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--full", action="store_true", help="install all libraries, too")
    full = parser.parse_args().full
    started = time.perf_counter()

    def step(text: str) -> None:
        print(f"{time.perf_counter() - started:5.1f} s  {text}", flush=True)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wheels = built(folder)
        step(f"built {', '.join(wheel.name for wheel in wheels)}")
        commands = installed(wheels, folder, full=full)
        python = commands / "python"
        where = run(python, "-c", "import vbench; print(vbench.__file__)", cwd=folder).strip()
        assert where.startswith(str(folder / "venv")), f"vbench comes from {where}"
        step("installed in a fresh environment")
        vbench = commands / "vbench"
        listed = json.loads(run(vbench, "plugins", "--json", cwd=folder))
        assert listed["failures"] == [], listed["failures"]
        (example,) = [p for p in listed["plugins"] if p["name"] == "example-vae"]
        assert example["distribution"] == "vbench-example-generator"
        assert any(p["origin"] == "built-in" for p in listed["plugins"])
        step(f"found {len(listed['plugins'])} plugins, one of them third-party")
        report = json.loads(run(vbench, "check", "example-vae", "--json", cwd=folder))
        (checked,) = report["plugins"]
        step(f"vbench check example-vae: {checked['ran']} checks ran, {checked['failed']} failed")
        run(vbench, "plugins", "new", "my-gan", "--kind", "generator", cwd=folder)
        run(python, "-m", "pip", "install", "--no-deps", folder / "my-gan", cwd=folder)
        run(python, "-m", "pytest", "-q", "my-gan", cwd=folder)
        shown = json.loads(run(vbench, "plugins", "show", "my-gan", "--json", cwd=folder))
        assert (shown[0]["distribution"], shown[0]["origin"]) == ("my-gan", "third party")
        step("vbench plugins new my-gan: its tests pass, and installed it is found by name")
        (folder / "wheels.toml").write_text(SPEC)
        run(vbench, "run", "wheels.toml", "--workers", "2", cwd=folder, OMP_NUM_THREADS="1")
        board = json.loads((folder / "results" / "wheels" / "leaderboard.json").read_text())
        rows = {row["arm"]: row for row in board["rows"]}
        row = rows["synthetic/example-vae"]
        assert row["status"] == "ok", row
        step(f"ran a benchmark: synthetic/example-vae, dsc {row['metrics']['dsc']['mean']:.3f}")


if __name__ == "__main__":
    main()
