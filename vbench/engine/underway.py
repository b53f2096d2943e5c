"""Which runs are under way on a store, and what they read, so that none removes it under another.

A run is a claim of the name ``run-…`` that lists the run's jobs. It is checked and made under the
lock of all claims, together with the removal: a run that starts later finds the jobs missing, and
does them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from vbench.engine.claims import Claims
from vbench.engine.store import Store
from vbench.errors import StoreError

PREFIX = "run-"


@contextmanager
def under_way(
    store: Store, benchmark: str, reads: Collection[str], forced: Collection[str]
) -> Iterator[None]:
    """Be known as a run while the block lasts, after the forced results were removed.

    What killed runs left is removed, too.

    Args:
        store: The store.
        benchmark: The benchmark's name.
        reads: Keys of all jobs of the run.
        forced: Keys whose results are removed, so that they are done again.

    Raises:
        StoreError: When another run that is under way reads a forced result; nothing was removed.
    """
    store.create()
    claims = Claims(store.root / "claims")
    try:
        with claims.changing():
            claims.sweep()
            for owner in claims.owners(PREFIX).values():
                shared = set(forced).intersection(owner.get("reads", ()))
                if shared:
                    raise StoreError(
                        f"--force: the run of '{owner['benchmark']}' (process {owner['pid']} on "
                        f"{owner['host']}) is under way and uses {len(shared)} of these results; "
                        "wait until it ends, or stop it, and run again"
                    )
            store.remove(forced)
            claims.put(PREFIX + claims.run, benchmark=benchmark, reads=sorted(reads))
        store.sweep(claims.alive)
        yield
    finally:
        claims.close()
