"""Memory and waiting with a data set of the paper's size: 41 volumes, 1000 patches of each.

Prepares the volumes, then trains the U-net on their patches, in this one process; prints the peak
of resident memory and the share of training that goes into making batches. Needs 3 GB of disk.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from vbench.types import Patches

sys.path.insert(0, str(Path(__file__).parent))

PER_SUBJECT = 1000
STEPS, WARM_UP = 15, 3
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


def train(patches: Timed, batch_size: int) -> tuple[float, float]:
    """Train the U-net; return seconds a step, and the share of them spent in making batches.

    Both are of processor time, so that the load of the machine does not count: seconds a step
    were all threads busy all the time. The U-net draws the next batch while it computes, so the
    share is more than it waits.
    """
    import torch

    from vbench import registry
    from vbench.types import Setup

    cls = registry.default().segmenter("unet3d")
    settings = cls.Params(steps=STEPS, batch_size=batch_size)
    method = cls(settings, Setup(size=patches.size))
    start = 0.0
    for progress in method.fit(patches, seed=0):
        if progress.step == WARM_UP:
            patches.seconds, start = 0.0, time.process_time()
    total = (time.process_time() - start) / torch.get_num_threads()
    return total / (STEPS - WARM_UP), patches.seconds / total


def main(n_subjects: int = 41) -> None:
    """Prepare, train, and print both figures."""
    from sampling import SHAPE, subjects

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
        print(f"{'patches':14}{'kept':>10}{'opened in':>11}{'a step':>9}{'batches':>9}{'peak':>11}")
        # Load libraries first: some keep the frame of whoever loads them, and all that it holds.
        train(Timed(VolumePatches(volumes[:1], size=(16, 16, 16), per_subject=10, seed=0)), 2)
        shares = []
        for size, batch_size in (((16, 16, 16), 32), ((32, 32, 32), 4), ((96, 96), 16)):
            start = time.perf_counter()
            pool = VolumePatches(volumes, size=size, per_subject=PER_SUBJECT, seed=0)
            opened = time.perf_counter() - start
            kept = "in memory" if pool.in_memory else "on disk"
            # Every patch once, so that pages which stay would show.
            for part in np.array_split(np.random.default_rng(0).permutation(len(pool)), 400):
                pool.take(part)
            step, share = train(Timed(pool), batch_size)
            shares.append(share)
            name = " × ".join(map(str, size))
            print(f"{name:14}{kept:>10}{opened:9.1f} s{step * 1e3:6.0f} ms{share:9.2%}"
                  f"{peak_gib():7.2f} GiB")  # fmt: skip
            del pool
    met = peak_gib() < LIMIT_GIB and max(shares) <= LIMIT_SHARE
    print(
        f"needed: under {LIMIT_GIB:g} GiB, at most {LIMIT_SHARE:.0%}: {'met' if met else 'NOT MET'}"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subjects", type=int, default=41)
    main(parser.parse_args().subjects)
