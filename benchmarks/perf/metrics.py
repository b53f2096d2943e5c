"""hd95 and the whole segmentation table, beside other tools, on volumes of 512 × 512 × 100.

Two pairs of vessel trees, of about 40 000 and 80 000 voxels a mask, at 0.47 × 0.47 × 0.8 mm: a few
trees that span the volume together, as the arteries of both hemispheres and the posterior ones
do, and on either side some that the other lacks. One thread, CPU time, every round takes all
tools in turn (those that need seconds in the first only), medians count. Memory is what computing
the whole table takes on top of the two masks (Linux only).
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
SHAPE, SPACING = (512, 512, 100), (0.47, 0.47, 0.8)
#: Where the trees begin, as shares of the volume's edges.
ROOTS = ((0.3, 0.6, 0.5), (0.7, 0.6, 0.5), (0.5, 0.25, 0.4), (0.45, 0.8, 0.6), (0.55, 0.8, 0.6))
ROUNDS = 3
#: What has to hold: times MONAI's and medpy's speed, and times the masks' memory.
FASTER_THAN_MONAI, FASTER_THAN_MEDPY, MEMORY = 10, 30, 3


def grow(mask: Mask, seeds: list[Any], voxels: int, rng: np.random.Generator) -> None:
    """Draw tubes, each from a place on an earlier one, until the mask has this many voxels."""
    spacing, extent = np.array(SPACING), np.multiply(SHAPE, SPACING)
    while np.count_nonzero(mask) < voxels:
        place = seeds[rng.integers(len(seeds))]
        heading = rng.normal(size=3)
        radius = rng.uniform(0.4, 1.6)
        for _ in range(rng.integers(100, 250)):
            heading += 0.1 * rng.normal(size=3)
            heading /= np.linalg.norm(heading)
            place = place + 0.4 * heading
            if (place < radius).any() or (place > extent - radius).any():
                break
            seeds.append(place)
            low = np.maximum(np.floor((place - radius) / spacing).astype(int), 0)
            high = np.minimum(np.ceil((place + radius) / spacing).astype(int) + 1, SHAPE)
            box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
            grid = np.ogrid[box]
            away = sum((g * s - c) ** 2 for g, s, c in zip(grid, SPACING, place, strict=True))
            mask[box] |= away <= radius**2


def pair(voxels: int, seed: int = 0) -> tuple[Mask, Mask]:
    """Return two masks that share most of their trees, which one has a voxel further on."""
    rng = np.random.default_rng(seed)
    extent = np.multiply(SHAPE, SPACING)
    places = [extent * at for at in ROOTS]
    shared = np.zeros(SHAPE, bool)
    for number, place in enumerate(places, start=1):
        grow(shared, [place], int(0.8 * voxels * number / len(places)), rng)
    truth, prediction = shared.copy(), np.roll(shared, 1, 0)
    for mask in (truth, prediction):
        grow(mask, [extent * rng.uniform(0.2, 0.8, 3) for _ in range(40)], voxels, rng)
    return prediction, truth


def ours(prediction: Mask, truth: Mask) -> float:
    """Return hd95 of a new pair."""
    from vbench import MaskPair, registry

    return registry.default().metric("hd95")().score(MaskPair(prediction, truth, SPACING)).value


def table(prediction: Mask, truth: Mask) -> float:
    """Return hd95 of a new pair, after all segmentation metrics."""
    from vbench import score

    return score(prediction, truth, SPACING)["hd95"]


def monai(prediction: Mask, truth: Mask) -> float:
    """Return MONAI's 95 % Hausdorff distance."""
    import torch
    from monai.metrics import compute_hausdorff_distance

    masks = [torch.from_numpy(mask)[None, None] for mask in (prediction, truth)]
    return float(
        compute_hausdorff_distance(*masks, include_background=True, percentile=95, spacing=SPACING)
    )


def pooled(prediction: Mask, truth: Mask) -> float:
    """Return hd95-pooled of a new pair."""
    from vbench import MaskPair, registry

    pair = MaskPair(prediction, truth, SPACING)
    return registry.default().metric("hd95-pooled")().score(pair).value


def medpy(prediction: Mask, truth: Mask) -> float:
    """Return medpy's 95 % Hausdorff distance, which pools both directions."""
    from medpy.metric.binary import hd95

    return float(hd95(prediction, truth, SPACING))


def simple_itk(prediction: Mask, truth: Mask) -> float:
    """Return SimpleITK's Hausdorff distance: its maximum, for it has no percentile."""
    import SimpleITK

    SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    images = [SimpleITK.GetImageFromArray(mask.view(np.uint8)) for mask in (prediction, truth)]
    for image in images:
        image.SetSpacing(SPACING[::-1])
    found = SimpleITK.HausdorffDistanceImageFilter()
    found.Execute(*images)
    return float(found.GetHausdorffDistance())


def surface_distance(prediction: Mask, truth: Mask) -> float:
    """Return the 95 % Hausdorff distance of DeepMind's tool, which weighs by surface area."""
    import surface_distance as theirs

    found = theirs.compute_surface_distances(truth, prediction, SPACING)
    return float(theirs.compute_robust_hausdorff(found, 95))


def extra_memory(prediction: Mask, truth: Mask) -> float:
    """Return by how much the whole table raises a new process's peak memory, in bytes."""
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "pair.npy", np.stack([prediction, truth]))
        command = [sys.executable, __file__, folder]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout)


def memory_of_table(folder: Path) -> None:
    """Print the answer of :func:`extra_memory`, in the process that it starts."""
    prediction, truth = np.load(folder / "pair.npy")
    table(prediction[200:300, 200:300], truth[200:300, 200:300])  # imports
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from here
    before = _status("VmRSS")
    table(prediction, truth)
    print(_status("VmHWM") - before)


def _status(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * float(next(line.split()[1] for line in lines if line.startswith(name)))


def main() -> None:
    """Print times, ratios and memory."""
    import torch

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    tools = {"vbench hd95": ours, "vbench, all scores": table, "MONAI hd95": monai,
             "vbench hd95-pooled": pooled, "medpy hd95": medpy, "SimpleITK hd": simple_itk,
             "surface-distance hd95": surface_distance}  # fmt: skip
    slow = {"medpy hd95", "SimpleITK hd", "surface-distance hd95"}
    good = True
    for voxels in (40_000, 80_000):
        prediction, truth = pair(voxels)
        small = prediction[200:300, 200:300], truth[200:300, 200:300]
        for tool in tools.values():
            tool(*small)  # imports
        seconds: dict[str, list[float]] = {name: [] for name in tools}
        values: dict[str, float] = {}
        for number in range(ROUNDS):
            for name, tool in tools.items():
                if number and name in slow:
                    continue
                start = time.process_time()
                values[name] = tool(prediction, truth)
                seconds[name].append(time.process_time() - start)
        took = {name: statistics.median(times) for name, times in seconds.items()}
        memory = extra_memory(prediction, truth) / (prediction.nbytes + truth.nbytes)
        found = [int(np.count_nonzero(mask)) for mask in (prediction, truth)]
        print(f"\n{found[0]} and {found[1]} voxels of {SHAPE}: CPU time, times vbench hd95, value")
        for name in tools:
            times = took[name] / took["vbench hd95"]
            print(f"  {name:22s} {took[name]:8.3f} s {times:7.1f}   {values[name]:.6f} mm")
        equal = [
            abs(values["vbench hd95"] - values["MONAI hd95"]) < 1e-6 * values["MONAI hd95"],
            abs(values["vbench hd95-pooled"] - values["medpy hd95"]) < 1e-6,
        ]
        monai_took = took["MONAI hd95"]
        checks = [
            ("hd95: times as fast as MONAI", monai_took / took["vbench hd95"], FASTER_THAN_MONAI),
            (
                "hd95-pooled: times as fast as medpy",
                took["medpy hd95"] / took["vbench hd95-pooled"],
                FASTER_THAN_MEDPY,
            ),
            ("all scores: times as fast as MONAI", monai_took / took["vbench, all scores"], 1),
        ]
        for text, ratio, needed in checks:
            good &= ratio >= needed
            print(f"  {text:40s} {ratio:6.1f}  (needed {needed})")
        good &= memory <= MEMORY and all(equal)
        print(f"  {'all scores: memory / that of the masks':40s} {memory:6.1f}  (at most {MEMORY})")
        print(f"  equal to MONAI and medpy to 1e-6: {all(equal)}")
    print("\nall hold" if good else "\nsome do not hold")


if __name__ == "__main__":
    memory_of_table(Path(sys.argv[1])) if len(sys.argv) > 1 else main()
