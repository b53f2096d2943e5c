"""What a results folder holds, how large it is, and what of it nobody needs any more.

A job's folder in the store is needed as long as the ``plan.json`` of a benchmark beside it names
the job. Nothing is removed while a run is at work on the store.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from vbench.analysis.folder import read_results
from vbench.analysis.selected import arm_called
from vbench.engine.claims import LOCK, Claims
from vbench.engine.store import RECORD, Store
from vbench.errors import DamagedError, StoreError, did_you_mean
from vbench.files import read_json
from vbench.records.plan import PlanFile

#: Where the store keeps the records of failed jobs, what unfinished ones need to go on, and states
#: that longer trainings start from, which no plan names.
_BESIDE = ("failures", "checkpoints", "states")


@dataclass(frozen=True)
class Holding:
    """What the store keeps of one job.

    Attributes:
        key: The job.
        stage: Such as ``fit-generator``; empty where its record cannot be read.
        arm: The first arm that it was done for, or empty.
        benchmarks: Folders of benchmarks whose plan names it; none: nobody needs it.
        size: Bytes on disk.
        places: Its folder; what an unfinished job left is listed by itself.
    """

    key: str
    stage: str
    arm: str
    benchmarks: tuple[str, ...]
    size: int
    places: tuple[Path, ...]


def holdings(out: str | Path) -> list[Holding]:
    """Return what the store of a results folder holds, job by job.

    Raises:
        StoreError: When there is no store, or a plan beside it cannot be read: what it names is
            not known then.
    """
    root = _store(out).root
    jobs = {name: {job.key: job for job in plan.jobs} for name, plan in _plans(Path(out))}
    places: dict[str, list[Path]] = {}
    for path in sorted(root.iterdir()):
        if path.is_dir() and (path / RECORD).is_file():
            places.setdefault(path.name, []).append(path)
    for folder in _BESIDE:
        for path in sorted((root / folder).glob("*")):
            places.setdefault(path.name.removesuffix(".json"), []).append(path)
    found = []
    for key, paths in places.items():
        named = tuple(name for name, own in jobs.items() if key in own)
        about = next((jobs[name][key] for name in named), None)
        said = {} if about is not None else _said(root / key / RECORD)
        stage = about.stage if about is not None else str(said.get("stage") or "")
        arm = about.arm if about is not None else said.get("arm")
        size = sum(map(size_of, paths))
        found.append(Holding(key, stage, str(arm or ""), named, size, tuple(paths)))
    return found


def damages(
    out: str | Path,
    benchmark: str | None = None,
    told: Callable[[str, int, int], None] | None = None,
) -> tuple[int, list[DamagedError]]:
    """Read every file of finished jobs again, and hold it to the SHA-256 in its job's record.

    Args:
        out: The results folder.
        benchmark: A benchmark; None: all that the store holds.
        told: Is told what was read, in words, and how many jobs of how many.

    Returns:
        How many jobs were read, and what is damaged: the first fault of each job.

    Raises:
        StoreError: When there is no store, no such benchmark, or its plan cannot be read.
    """
    store = _store(out)
    keys = store.keys()
    if benchmark is not None:
        plans = dict(_plans(Path(out)))
        if benchmark not in plans:
            hint = did_you_mean(benchmark, list(plans))
            raise StoreError(f"{out}: no benchmark '{benchmark}'{hint}")
        needed = {job.key for job in plans[benchmark].jobs}
        keys = [key for key in keys if key in needed]
    found = []
    for done, key in enumerate(keys, start=1):
        damage = store.damage(key, files=True)
        if damage is not None:
            found.append(damage)
        if told is not None:
            told(f"{done} of {len(keys)} jobs", done, len(keys))
    return len(keys), found


def unneeded(out: str | Path) -> list[Holding]:
    """Return what no plan names any more.

    Raises:
        StoreError: As of :func:`holdings`.
    """
    return [held for held in holdings(out) if not held.benchmarks]


def only_of(out: str | Path, benchmark: str, arm: str) -> list[Holding]:
    """Return what an arm alone needs: no other arm, and no other benchmark.

    Raises:
        StoreError: As of :func:`holdings`, and when there is no such arm.
    """
    results = read_results(Path(out) / benchmark)
    named = arm_called(results, arm)

    def needs(names: Iterable[str]) -> set[str]:
        found: set[str] = set()
        for each in results.arms:
            if each.name in names:
                trials = [key for keys in each.trials.values() for key in keys]
                ends = (each.evaluate, each.audit, each.attack)
                found |= {*trials, *(key for jobs in ends for key in jobs.values())}
        return set(results.closure(found))

    others = needs([each.name for each in results.arms if each.name != named.name])
    own = needs([named.name]) - others
    return [h for h in holdings(out) if h.key in own and set(h.benchmarks) <= {benchmark}]


def remove(out: str | Path, agreed: Collection[Holding], find: Callable[[], list[Holding]]) -> int:
    """Remove holdings from the store; return how many bytes that were.

    Args:
        out: The results folder.
        agreed: What was found, and may be removed.
        find: Finds it again: what a run that ended meanwhile needs now stays.

    Raises:
        StoreError: When a run is at work on the store; nothing is removed then.
    """
    store = Store(Path(out) / "store")
    with _alone(store):
        keys = {each.key for each in agreed}
        held = [each for each in find() if each.key in keys]
        for each in held:
            for place in each.places:
                if place.parent == store.root:
                    store.discard(place)
                elif place.is_dir() and not place.is_symlink():
                    shutil.rmtree(place)
                else:
                    place.unlink(missing_ok=True)
    return sum(each.size for each in held)


@contextmanager
def _alone(store: Store) -> Iterator[None]:
    """Keep runs from starting a job; refuse when one is at work."""
    store.create()
    with closing(Claims(store.root / "claims")) as claims, claims.changing():
        names = sorted(path.name for path in claims.folder.iterdir())
        held = next((n for n in names if not n.startswith(LOCK) and claims.alive(n)), None)
        if held is not None:
            raise StoreError(
                f"{store.root}: a run is at work on it (it holds {held}); nothing was removed: try "
                "again when it has ended"
            )
        yield


def _store(out: str | Path) -> Store:
    """Return the store of a results folder.

    Raises:
        StoreError: When there is none, or a newer version of vbench wrote it.
    """
    store = Store(Path(out) / "store")
    if not store.root.is_dir():
        raise StoreError(f"{store.root}: no store; name the results folder with --out")
    store.check_format()
    return store


def _plans(out: Path) -> Iterator[tuple[str, PlanFile]]:
    """Yield each benchmark's folder and plan: two folders may hold plans of one name."""
    for path in sorted(out.glob("*/plan.json")):
        try:
            yield path.parent.name, PlanFile.read(read_json(path), path)
        except (OSError, ValueError) as error:
            raise StoreError(
                f"{path}: cannot be read ({error}), so what it needs is not known; run that "
                "benchmark again, or remove its folder"
            ) from error


def _said(path: Path) -> Mapping[str, object]:
    try:
        value = read_json(path)
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def size_of(path: Path) -> int:
    """Return the bytes that a file or folder takes on disk; a link counts as itself."""
    own = os.lstat(path)
    size = own.st_blocks * 512
    if path.is_dir() and not path.is_symlink():
        size += sum(size_of(Path(entry.path)) for entry in os.scandir(path))
    return size
