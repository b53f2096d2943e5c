from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from vbench.engine.claims import Claims


@pytest.fixture
def claims(tmp_path: Path) -> Iterator[Claims]:
    made = Claims(tmp_path, lease=0.4)
    yield made
    made.close()


def test_only_one_of_many_takes_a_job(tmp_path: Path) -> None:
    many = [Claims(tmp_path) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        for key in map(str, range(20)):
            assert sum(pool.map(lambda c, key=key: c.take(key), many)) == 1
    for each in many:
        each.close()
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_a_claim_is_kept_alive_while_its_owner_lives(claims: Claims, tmp_path: Path) -> None:
    other = Claims(tmp_path, lease=0.4)
    assert claims.take("k")
    time.sleep(0.8)
    assert not other.take("k")
    claims.release("k")
    assert other.take("k")
    other.close()


def test_the_claim_of_a_dead_process_is_broken_at_once(claims: Claims, tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from vbench.engine.claims import Claims;"
        "c = Claims(Path(sys.argv[1])); assert c.take('k'); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    assert (tmp_path / "k").exists()
    assert not claims.alive("k")
    assert claims.take("k")


def test_abandoned_claims_are_swept_and_living_ones_stay(claims: Claims, tmp_path: Path) -> None:
    other = Claims(tmp_path)
    assert claims.take("ours")
    assert other.take("theirs")
    gone = json.dumps({"host": socket.gethostname(), "pid": 2**30, "started": 0.0, "run": "x"})
    for name in ("run-x", "done"):
        (tmp_path / name).write_text(gone)
    with claims.changing():
        claims.sweep()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "ours", "theirs"]
    other.close()


def test_the_claim_of_another_machine_is_broken_when_its_lease_ends(
    claims: Claims, tmp_path: Path
) -> None:
    path = tmp_path / "k"
    path.write_text(json.dumps({"host": "elsewhere", "pid": 1, "started": 0.0, "run": "x"}))
    assert not claims.take("k")
    old = time.time() - 10
    os.utime(path, (old, old))
    assert claims.take("k")


def test_of_many_who_see_an_abandoned_claim_one_takes_it(tmp_path: Path) -> None:
    many = [Claims(tmp_path) for _ in range(8)]
    for round_ in range(100):
        path = tmp_path / f"k{round_}"
        path.write_text(json.dumps({"host": "elsewhere", "run": "x"}))
        os.utime(path, (0, 0))
        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(lambda c, key=path.name: c.take(key), many)) == 1
    for each in many:
        each.close()
