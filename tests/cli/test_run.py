"""The main commands as a person calls them: output, exit codes, one line for each fault."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from command_line import vbench
from toml_text import write_toml
from toy_benchmark import TOYS, toy_table

pytestmark = pytest.mark.usefixtures("warm_workers")


def vbench_process(*words: object, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Run a command as a process of its own, for the tests that the process matters to."""
    return subprocess.run(
        [sys.executable, "-m", "vbench", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, "COLUMNS": "160"},
    )


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    return write_toml(tmp_path / "toys.toml", toy_table())


def test_nothing_goes_to_mlflow_when_tracking_is_off(tmp_path: Path) -> None:
    table = toy_table(generators=[], regimes={"real": True})
    spec = write_toml(tmp_path / "toys.toml", table)
    done = vbench_process("run", spec, "--out", tmp_path / "out", "--no-tracking")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "toys" / "report.html").is_file()
    assert not list(tmp_path.rglob("*mlflow*"))


def test_run_prints_progress_and_the_leaderboard_then_nothing_is_left_to_do(
    spec: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    first = vbench_process("run", spec, "--out", out)
    assert first.returncode == 0, first.stderr
    assert "fit-generator toy-generator" in first.stderr
    assert "synthetic/toy-generator" in first.stdout
    for name in ("plan.json", "records.jsonl", "cases.csv", "leaderboard.json"):
        assert (out / "toys" / name).is_file()
    assert (out / "mlflow.db").is_file()
    again = vbench_process("run", spec, "--out", out)
    assert "nothing to do: every job was cached" in again.stdout
    planned = vbench_process("plan", spec, "--out", out)
    assert "11 jobs: 11 cached, 0 new" in planned.stdout
    rows = json.loads(vbench_process("plan", spec, "--out", out, "--json").stdout)
    assert {row["status"] for row in rows} == {"cached"}


def test_a_failed_arm_is_exit_code_1_and_the_others_are_on_the_leaderboard(tmp_path: Path) -> None:
    table = toy_table(generators=[{"plugin": "toy-generator", "params": {"fault": "raise"}}])
    spec = write_toml(tmp_path / "t.toml", table)
    done = vbench("run", spec, "--out", tmp_path / "out", "--no-tracking")
    assert done.code == 1
    assert "the toy broke" in done.err
    assert "Traceback" in done.err
    assert "real" in done.out


def test_a_typo_is_exit_code_2_and_one_line(tmp_path: Path) -> None:
    table = toy_table(tune={"trails": 2})
    done = vbench("run", write_toml(tmp_path / "t.toml", table), "--out", tmp_path / "out")
    assert done.code == 2
    assert done.err == "vbench: tune.trails: unknown key; did you mean 'trials'?\n"
    assert not (tmp_path / "out").exists()


def test_a_local_plugin_that_does_not_load_stops_the_run(tmp_path: Path) -> None:
    (tmp_path / "gan.py").write_text("import a_library_that_is_missing\n")
    spec = write_toml(tmp_path / "spec.toml", toy_table(plugins__paths=[TOYS, "gan.py"]))
    done = vbench("run", spec, "--out", tmp_path / "out")
    assert done.code == 2
    assert "plugins.paths" in done.err
    assert "gan.py" in done.err
    assert "a_library_that_is_missing" in done.err
    assert done.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["validate", "plan", "run"])
def test_a_local_plugin_that_ends_python_is_exit_code_2_and_one_line(
    tmp_path: Path, command: str
) -> None:
    (tmp_path / "gan.py").write_text("import os\nos._exit(0)\n")
    spec = write_toml(tmp_path / "spec.toml", toy_table(plugins__paths=[TOYS, "gan.py"]))
    done = vbench(command, spec)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "gan.py: importing it ended Python with exit code 0; does it call os._exit?" in done.err


def test_a_missing_spec_and_a_misspelt_command_are_exit_code_2(tmp_path: Path) -> None:
    done = vbench("run", tmp_path / "no.toml")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "no such file" in done.err
    done = vbench("rnu")
    assert done.code == 2
    assert "did you mean 'run'?" in done.err


def test_validate_lists_all_faults(tmp_path: Path, spec: Path) -> None:
    assert vbench("validate", spec).out == f"{spec} is sound\n"
    table = toy_table(tune={"metric": "dcs"}, segmenter__params={"step": 1})
    done = vbench("validate", write_toml(tmp_path / "bad.toml", table))
    assert done.code == 2
    assert "did you mean 'dsc'?" in done.err
    assert "did you mean 'steps'" in done.err


def write_subject(folder: Path, name: str, *, label_shape: tuple[int, ...] = (12, 12, 12)) -> None:
    rng = np.random.default_rng(0 if name == "a" else ord(name))
    image = rng.normal(100, 5, (12, 12, 12)).astype(np.float32)
    label = np.zeros(label_shape, np.uint8)
    label[4:7, 4 : 7 + ord(name[0]) % 3] = 1  # labels that are the same would be a fault
    affine = np.diag([0.5, 0.5, 0.7, 1.0])
    for kind, array, ending in (("imagesTr", image, "_0000"), ("labelsTr", label, "")):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        nib.save(nib.Nifti1Image(array, affine), folder / kind / f"{name}{ending}.nii.gz")


def nnunet_spec(tmp_path: Path) -> Path:
    description = {
        "channel_names": {"0": "TOF"},
        "labels": {"background": 0, "vessel": 1},
        "numTraining": 3,
        "file_ending": ".nii.gz",
    }
    folder = tmp_path / "data"
    folder.mkdir(exist_ok=True)
    (folder / "dataset.json").write_text(json.dumps(description))
    table = toy_table(regimes={"real": True})
    table["data"] = {
        "source": {
            "plugin": "nnunet",
            "path": str(folder),
            "split": {"train": 1, "val": 1, "test": 1},
        }
    }
    return write_toml(tmp_path / "real.toml", table)


def corrupt(folder: Path) -> None:
    whole = gzip.decompress((folder / "imagesTr/a_0000.nii.gz").read_bytes())
    (folder / "imagesTr/a_0000.nii.gz").write_bytes(gzip.compress(whole[: len(whole) // 2]))


def missing(folder: Path) -> None:
    (folder / "labelsTr/a.nii.gz").unlink()


def other_shape(folder: Path) -> None:
    write_subject(folder, "a", label_shape=(12, 12, 11))


@pytest.mark.parametrize("harm", [corrupt, missing, other_shape])
def test_bad_data_is_exit_code_2_names_the_file_and_trains_nothing(
    tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    for name in "abc":
        write_subject(tmp_path / "data", name)
    spec = nnunet_spec(tmp_path)
    harm(tmp_path / "data")
    done = vbench("run", spec, "--out", tmp_path / "out")
    assert done.code == 2
    (line,) = [x for x in done.err.splitlines() if x.startswith("vbench:")]
    assert "/a.nii.gz" in line or "/a_0000.nii.gz" in line
    assert not list((tmp_path / "out").glob("store/*/weights.safetensors"))
    checked = vbench("validate", spec)
    assert checked.code == 2


def test_predictions_overlay_the_input(tmp_path: Path) -> None:
    for name in "abc":
        write_subject(tmp_path / "data", name)
    done = vbench("run", nnunet_spec(tmp_path), "--out", tmp_path / "out", "--no-tracking")
    assert done.code == 0, done.err
    (path,) = (tmp_path / "out").glob("store/*/predictions/*.nii.gz")
    name = path.name.removesuffix(".nii.gz")
    given = nib.load(tmp_path / f"data/imagesTr/{name}_0000.nii.gz")
    np.testing.assert_allclose(nib.load(path).affine, given.affine)
    assert nib.load(path).shape == given.shape


def test_help_starts_at_once_and_importing_vbench_imports_no_torch() -> None:
    times = []
    for _ in range(3):
        begun = time.perf_counter()
        assert vbench_process("--help").returncode == 0
        times.append(time.perf_counter() - begun)
    assert min(times) < 1.0  # 0.1 s on a quiet machine
    code = "import sys, vbench, vbench.cli, vbench.api; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
