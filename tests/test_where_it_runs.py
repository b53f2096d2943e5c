"""Runs in surroundings that are not the developer's: same scores, or one line that says why not.

`docs/explanation/reliability.md` has a table of them, under "Where it runs".
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from toml_text import write_toml
from toy_benchmark import toy_table

ROOT = Path(__file__).parent.parent
NOT_POSIX = Path(__file__).parent / "fixtures" / "not_posix.py"
#: A user that no machine knows, as containers run programs for.
STRANGER = "54321"
RUN = (sys.executable, "-m", "vbench", "run", "toys.toml", "--workers", "1", "--no-tracking")


def spec(folder: Path) -> Path:
    """Write the benchmark: one arm, five jobs."""
    split = {"plugin": "blobs", "split": {"train": 1, "val": 1, "test": 1}}
    table = toy_table(data={"source": split}, regimes={"real": True}, generators=[])
    return write_toml(folder / "toys.toml", table)


def started(command: Any, folder: Path, **options: Any) -> subprocess.CompletedProcess[bytes]:
    """Start a program in a folder, with its output as bytes."""
    call: dict[str, Any] = {"cwd": folder, "stdin": subprocess.DEVNULL, "timeout": 240}
    for stream in ("stdout", "stderr"):
        call[stream] = subprocess.PIPE
    return subprocess.run(command, **(call | options), check=False)


def scores(folder: Path) -> Any:
    """Return what the run found: the cells of the leaderboard."""
    board = json.loads((folder / "results/toys/leaderboard.json").read_text(encoding="utf-8"))
    assert board["finished"]
    return [(row["arm"], row["status"], row["metrics"]) for row in board["rows"]]


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The scores of an undisturbed run."""
    folder = tmp_path_factory.mktemp("calm")
    spec(folder)
    done = started(RUN, folder)
    assert done.returncode == 0, done.stderr.decode()
    return scores(folder)


def surroundings(**changes: str | None) -> dict[str, str]:
    """Return the environment with variables changed; None takes one out."""
    both = {**os.environ, **changes}
    return {name: value for name, value in both.items() if value is not None}


VARIABLES: dict[str, dict[str, str | None]] = {
    "no-home": {"HOME": None, "XDG_CACHE_HOME": None},
    "home-that-is-not-there": {"HOME": "/nonexistent", "XDG_CACHE_HOME": None},
    "ascii-only": {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    "no-language": {"LANG": None, "LC_ALL": None, "LC_CTYPE": None},
    "latin-1-terminal": {"PYTHONIOENCODING": "latin-1"},
    "another-time-zone": {"TZ": "Pacific/Chatham"},
    "a-time-zone-that-is-none": {"TZ": "Not/There"},
    "plain-terminal": {"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "20"},
    "terminal-without-columns": {"COLUMNS": "0"},
}


@pytest.mark.parametrize("name", VARIABLES)
def test_variables_change_no_score(name: str, tmp_path: Path, calm: Any) -> None:
    spec(tmp_path)
    done = started(RUN, tmp_path, env=surroundings(**VARIABLES[name]))
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    assert b"\x1b[" not in done.stdout + done.stderr
    assert b"jobs done; results in" in done.stdout
    assert scores(tmp_path) == calm


@pytest.mark.parametrize("columns", ["0", "1", "20"])
def test_a_narrow_terminal_shows_names_and_intervals_whole(
    columns: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    from vbench.cli.terminal import Console

    monkeypatch.setenv("COLUMNS", columns)
    line = "transfer/wgan-gp-sn/n4  0.912 [0.888, 0.931]"
    Console().print(line)
    assert capsys.readouterr().out == f"{line}\n"


#: A comma for the point, and letters whose capitals are others: what C libraries may do by them.
FOREIGN = ("tr_TR", "de_DE")


@pytest.mark.parametrize("name", FOREIGN)
def test_numbers_and_names_are_the_same_in_another_language(
    name: str, tmp_path: Path, calm: Any
) -> None:
    made = tmp_path / "locales" / f"{name}.UTF-8"
    made.parent.mkdir()
    command = ["localedef", "--no-archive", "-i", name, "-f", "UTF-8", str(made)]
    if not shutil.which("localedef") or started(command, tmp_path).returncode > 1:
        pytest.skip("no localedef, or no sources of locales, here")
    # As a library may do for the whole process: printf and strtod of C then write and read commas.
    customised = tmp_path / "site"
    customised.mkdir()
    (customised / "sitecustomize.py").write_text(
        "import locale\nlocale.setlocale(locale.LC_ALL, '')\n"
        "assert locale.localeconv()['decimal_point'] == ','\n"
    )
    paths = os.pathsep.join([str(customised), os.environ.get("PYTHONPATH", "")])
    spec(tmp_path)
    foreign = surroundings(
        LC_ALL=f"{name}.UTF-8", LOCPATH=str(made.parent), PYTHONPATH=paths, LANG=None
    )
    done = started(RUN, tmp_path, env=foreign)
    assert done.returncode == 0, done.stderr.decode()
    assert scores(tmp_path) == calm
    assert b"decimal" not in done.stderr


CLOSED = {"stdin": "<&-", "stdout": ">&-", "stderr": "2>&-", "all-three": "<&- >&- 2>&-"}


@pytest.mark.parametrize("name", CLOSED)
def test_a_closed_stream_stops_nothing(name: str, tmp_path: Path, calm: Any) -> None:
    spec(tmp_path)
    shell = ["sh", "-c", f'"$@" {CLOSED[name]}', "sh", *RUN]
    done = started(shell, tmp_path)
    assert done.returncode == 0, done.stderr.decode()
    assert scores(tmp_path) == calm
    asked = ["sh", "-c", f'"$@" {CLOSED[name]}', "sh", *RUN[:3], "--version"]
    assert started(asked, tmp_path).returncode == 0


def test_an_output_that_is_full_is_said_in_one_line(tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = started((*RUN[:3], "schema"), tmp_path, stdout=full)
    assert done.returncode == 2
    assert done.stderr == b"vbench: No space left on device; make room, and do it again\n"


def test_a_reader_that_has_read_enough_gets_no_traceback(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    done = started((*RUN[:3], "schema"), tmp_path, stdout=write)
    os.close(write)
    assert done.returncode == 1
    assert done.stderr == b""


def one_core() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def only_ours() -> None:
    os.umask(0o077)


BEFORE: dict[str, Callable[[], None]] = {"one-core": one_core, "umask-077": only_ours}


@pytest.mark.parametrize("name", BEFORE)
def test_what_the_process_may_do_changes_no_score(name: str, tmp_path: Path, calm: Any) -> None:
    spec(tmp_path)
    done = started(RUN, tmp_path, preexec_fn=BEFORE[name])
    assert done.returncode == 0, done.stderr.decode()
    assert scores(tmp_path) == calm
    if name == "umask-077":
        assert not [p for p in (tmp_path / "results").rglob("*") if p.stat().st_mode & 0o077]


def test_any_letters_in_a_path(tmp_path: Path, calm: Any) -> None:
    folder = tmp_path / 'Größe ‘ein’ "Wort" it\'s — 脑 #1 $HOME %s [x] ;&'
    folder.mkdir()
    spec(folder)
    done = started(RUN, folder)
    assert done.returncode == 0, done.stderr.decode()
    assert scores(folder) == calm
    done = started((*RUN[:3], "report", "toys"), folder)
    assert done.returncode == 0, done.stderr.decode()
    assert (folder / "results/toys/report.html").is_file()


def hidden(path: Path) -> Path | None:
    """Return the topmost folder above a path that others may not enter."""
    above = [place for place in (path, *path.parents) if not place.stat().st_mode & 0o001]
    return above[-1] if above else None


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """Give a folder of the stranger, where all may go (pytest's own are private)."""
    with tempfile.TemporaryDirectory(prefix="vbench-elsewhere-", dir="/tmp") as name:
        Path(name).chmod(0o755)
        place = Path(name) / "own"
        place.mkdir()
        os.chown(place, int(STRANGER), int(STRANGER))
        yield place


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else, and mount")
def test_a_stranger_without_a_home_on_a_read_only_tree_without_shared_memory(
    elsewhere: Path, calm: Any
) -> None:
    """As in a hardened container: nothing but one folder can be written to."""
    python = Path(sys.base_prefix).resolve()
    devices = elsewhere.parent / "dev"
    lines = ["set -e"]
    if private := hidden(python):  # such as /root: an empty one, with Python where it was
        lines += [
            f"mount --bind {python} /mnt",
            f"mount -t tmpfs -o mode=755 none {private}",
            f"mkdir -p {python}",
            f"mount --move /mnt {python}",
        ]
    lines += [
        f"mount --bind {ROOT} {ROOT}",
        f"mount -o remount,ro,bind {ROOT}",
        f"mkdir -p {devices}",
        f"mount -t tmpfs -o mode=755 none {devices}",
        "for d in null zero full random urandom; do "
        f"touch {devices}/$d; mount --bind /dev/$d {devices}/$d; done",
        f"mount --rbind {devices} /dev",
        f"cd {elsewhere}",
        f'exec setpriv --reuid {STRANGER} --regid {STRANGER} --clear-groups "$@"',
    ]
    inside = ["unshare", "--mount", "sh", "-c", "\n".join(lines), "sh"]
    nobody = surroundings(
        HOME=None, XDG_CACHE_HOME=None, USER=None, LOGNAME=None, LNAME=None, USERNAME=None
    )
    probe = f'test ! -w {ROOT} && test ! -e /dev/shm && test "$(id -u)" = {STRANGER}'
    if started([*inside, "sh", "-c", probe], elsewhere, env=nobody).returncode:
        pytest.skip("no file systems of one's own can be mounted here")
    spec(elsewhere)
    os.chown(elsewhere / "toys.toml", int(STRANGER), int(STRANGER))
    done = started([*inside, *RUN], elsewhere, env=nobody)
    assert done.returncode == 0, done.stderr.decode()
    assert b"WARNING" not in done.stderr
    assert scores(elsewhere) == calm
    assert (elsewhere / "results/toys/report.html").is_file()
    for asked in (("doctor",), ("plan", "smoke"), ("report", "toys")):
        done = started([*inside, *RUN[:3], *asked], elsewhere, env=nobody)
        assert done.returncode == 0, done.stderr.decode()
    assert not list(Path(tempfile.gettempdir()).glob("vbench-home-*"))


def test_every_module_can_be_imported_without_what_only_posix_has(tmp_path: Path) -> None:
    done = started((sys.executable, NOT_POSIX, "import"), tmp_path)
    assert done.returncode == 0, done.stderr.decode()
    assert int(done.stdout) > 300


@pytest.mark.parametrize(
    "command", ["--help", "validate smoke", "plan smoke", "plugins", "schema", "doctor"]
)
def test_commands_that_train_nothing_need_nothing_of_posix(command: str, tmp_path: Path) -> None:
    done = started((sys.executable, NOT_POSIX, *command.split()), tmp_path)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout
