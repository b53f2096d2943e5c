"""Memory and waiting with a data set of the paper's size: 41 volumes, 1000 patches of each.

Prepares the volumes, then trains the U-net on their patches, in this one process; prints the peak
of resident memory, the share of a step's time that training waits for its batch, and the share of
its processor time that making the batch takes, most of it while the network computes. Needs 3 GB
of disk.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from vbench_plugins.nn.feed import prefetch

from vbench.types import Patches

sys.path.insert(0, str(Path(__file__).parent))

PER_SUBJECT = 1000
STEPS, WARM_UP = 33, 3
LIMIT_GIB, LIMIT_SHARE = 2.0, 0.02


class Timed(Patches):
    """Patches that count the time spent in making batches."""

    def __init__(self, patches: Patches) -> None:
        self.patches, self.seconds = patches, 0.0
        self.size, self.subject_index = patches.size, patches.subject_index

    def __len__(self) -> int:
        return len(self.patches)

    def take(self, index: Any) -> Any:  # noqa: D102
        start = time.thread_time()
        taken = self.patches.take(index)
        self.seconds += time.thread_time() - start
        return taken


def peak_gib() -> float:
    """Return the peak of resident memory of this process; macOS counts bytes, Linux KiB."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30


class Waits:
    """Stands in for the U-net's ``prefetch`` and counts the time that it blocks training."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self, *args: Any) -> Iterator[Any]:
        """Yield what ``prefetch`` yields."""
        batches = prefetch(*args)
        while True:
            start = time.perf_counter()
            batch = next(batches, None)
            self.seconds += time.perf_counter() - start
            if batch is None:
                return
            yield batch


def train(patches: Timed, batch_size: int) -> tuple[float, float, float]:
    """Train the U-net; return seconds a step, and the shares of waiting and of making batches.

    The first share is of wall time. The second is of processor time, were all threads busy all
    the time: more than a wait, because the next batch is made while the network computes.
    """
    import torch

    from vbench import registry
    from vbench.types import Setup

    cls = registry.default().segmenter("unet3d")
    settings = cls.Params(steps=STEPS, batch_size=batch_size)
    method = cls(settings, Setup(size=patches.size))
    processor = wall = 0.0
    with patch("vbench_plugins.segmenters.patchwise.prefetch", Waits()) as waits:
        for progress in method.fit(patches, seed=0):
            if progress.step == WARM_UP:
                patches.seconds = waits.seconds = 0.0
                processor, wall = time.process_time(), time.perf_counter()
    wall = time.perf_counter() - wall
    processor = (time.process_time() - processor) / torch.get_num_threads()
    return wall / (STEPS - WARM_UP), waits.seconds / wall, patches.seconds / processor


def main(n_subjects: int = 41) -> None:
    """Prepare, train, and print both figures."""
    from volumes import SHAPE, subjects

    from vbench.data.patches import VolumePatches
    from vbench.data.prepare import open_volume, prepare_subject

    with tempfile.TemporaryDirectory() as place:
        start = time.perf_counter()
        for subject in subjects(n_subjects):
            prepare_subject(subject, Path(place) / subject.id)
        seconds = time.perf_counter() - start
        volumes = [open_volume(folder) for folder in sorted(Path(place).iterdir())]
        print(f"{n_subjects} volumes of {SHAPE}: made and prepared in {seconds:.0f} s, "
              f"peak {peak_gib():.2f} GiB")  # fmt: skip
        print(f"{'patches':14}{'kept':>10}{'opened in':>11}{'a step':>9}{'waiting':>9}"
              f"{'making':>9}{'peak':>11}")  # fmt: skip
        # Load libraries first: some keep the frame of whoever loads them, and all that it holds.
        train(Timed(VolumePatches(volumes[:1], size=(16, 16, 16), per_subject=10, seed=0)), 2)
        waits, makes = [], []
        for size, batch_size in (((16, 16, 16), 32), ((32, 32, 32), 4), ((96, 96), 16)):
            start = time.perf_counter()
            pool = VolumePatches(volumes, size=size, per_subject=PER_SUBJECT, seed=0)
            opened = time.perf_counter() - start
            kept = "in memory" if pool.in_memory else "on disk"
            # Every patch once, so that pages which stay would show.
            for part in np.array_split(np.random.default_rng(0).permutation(len(pool)), 400):
                pool.take(part)
            step, waiting, making = train(Timed(pool), batch_size)
            waits.append(waiting)
            makes.append(making)
            name = " × ".join(map(str, size))
            print(f"{name:14}{kept:>10}{opened:9.1f} s{step * 1e3:6.0f} ms{waiting:9.2%}"
                  f"{making:9.2%}{peak_gib():7.2f} GiB")  # fmt: skip
            del pool
    met = peak_gib() < LIMIT_GIB and max(waits) <= LIMIT_SHARE
    verdict = "met" if met else "NOT MET"
    print(f"needed: under {LIMIT_GIB:g} GiB, at most {LIMIT_SHARE:.0%} waiting: {verdict}")
    verdict = "met" if max(makes) <= LIMIT_SHARE else "NOT MET"
    print(f"stricter: at most {LIMIT_SHARE:.0%} of processor time making batches: {verdict}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subjects", type=int, default=41)
    main(parser.parse_args().subjects)
