"""Training the 3D U-net, beside the same network trained plainly and two of MONAI's.

First a training step, interleaved, medians of processor time: the same network in float32 and
torch's default memory format, against the fastest setting that ``precision = "auto"`` may take.
Then, on phantoms, the processor time of training until the validation DSC (best threshold) is
0.85, against MONAI's ``UNet`` and ``DynUNet`` trained plainly: same patches, batch, loss,
augmentation, optimiser and channels; ``DynUNet`` has three levels at least.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

SIZE, ROUNDS, NEEDED = (16, 16, 16), 7, 1.5
SUBJECTS, VALIDATION, PER_SUBJECT, GOAL = 6, 2, 400, 0.85
EVERY, LIMIT = 20, 300


def step_of(params: Any, precision: str, memory_format: str) -> Callable[[], object]:
    """Return a training step of the built-in U-net."""
    import numpy as np
    from vbench_plugins.nn.compute import Compute
    from vbench_plugins.segmenters.training import PatchTrainer, build

    compute = Compute("cpu", precision, memory_format)
    trainer = PatchTrainer(params, build(Setup(SIZE), params, 0), compute, 0)
    drawn = np.random.default_rng(0).random((params.batch_size, 2, *SIZE), np.float32)
    return lambda: trainer.step(drawn)


def steps(params: Any) -> None:
    """Print the time of a step, plain and in each setting."""
    settings = list(product(("float32", "bfloat16"), ("contiguous", "channels_last")))
    runs = {setting: step_of(params, *setting) for setting in settings}
    taken: dict[tuple[str, str], list[float]] = {setting: [] for setting in settings}
    for round_ in range(ROUNDS + 1):
        for setting, run in runs.items():
            start = time.process_time()
            run()
            if round_:
                taken[setting].append(time.process_time() - start)
    middle = {setting: statistics.median(values) for setting, values in taken.items()}
    plain = middle["float32", "contiguous"]
    print(f"U-net training step, {SIZE}, batch {params.batch_size}, width {params.width}")
    for (precision, memory_format), seconds in middle.items():
        name = f"{precision}, {memory_format}"
        print(f"  {name:28s} {1000 * seconds:7.0f} ms   {plain / seconds:5.2f} ×")
    print(f"  needed: {NEEDED} × for the fastest")


def volumes(folder: Path) -> list[Any]:
    """Prepare phantoms."""
    from vbench_plugins.sources.phantom import Phantom

    from vbench.data.prepare import open_volume, prepare_subject

    source = Phantom(Phantom.Params())
    for name in source.subjects(SUBJECTS + VALIDATION):
        prepare_subject(source.load(name), folder / name)
    return [open_volume(path) for path in sorted(folder.iterdir())]


def best_dice(predict: Callable[[Any, Any], Any], subjects: list[Any]) -> float:
    """Return the mean DSC at the best of 19 thresholds."""
    import numpy as np

    rows = []
    for subject in subjects:
        mask = np.asarray(subject.mask)
        found = predict(subject.image, mask)[mask]
        truth = np.asarray(subject.label)[mask] > 0
        cuts = [found > t for t in np.linspace(0.05, 0.95, 19)]
        rows.append([2 * (c & truth).sum() / max(c.sum() + truth.sum(), 1) for c in cuts])
    return float(np.mean(rows, axis=0).max())


def ours(params: Any, patches: Any) -> tuple[Iterator[object], Callable[[Any, Any], Any]]:
    """Return the built-in U-net's training and prediction."""
    from vbench_plugins.segmenters.unet import Unet3d

    from vbench.types import Setup

    unet = Unet3d(params, Setup(SIZE))
    return unet.fit(patches, seed=0), unet.predict


def peer(name: str, params: Any, patches: Any) -> tuple[Iterator[object], Callable[..., Any]]:
    """Return a MONAI network's plain training, and its prediction by the same windows."""
    import torch
    from monai.networks.nets import DynUNet, UNet
    from vbench_plugins.nn.augment import flip_and_rotate, intensities
    from vbench_plugins.nn.seeding import DATA, numpy_rng
    from vbench_plugins.segmenters.training import loss_function
    from vbench_plugins.segmenters.window import predict

    widths = [params.width * 2**level for level in range(params.depth)]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        if name == "UNet":
            strides = (2,) * (params.depth - 1)
            net = UNet(3, 1, 1, widths, strides, num_res_units=2, norm="batch")
        else:
            depth = max(3, params.depth)  # it has no fewer levels
            strides = (1,) + (2,) * (depth - 1)
            filters = [params.width * 2**level for level in range(depth)]
            kernels = (3,) * depth
            net = DynUNet(
                3, 1, 1, kernels, strides, strides[1:], filters=filters, norm_name="batch"
            )
    optimiser = torch.optim.Adam(net.parameters(), params.lr)
    loss = loss_function(params.loss)

    def train() -> Iterator[object]:
        for step in range(1, LIMIT + 1):
            net.train()
            rng = numpy_rng(0, DATA, step)
            batch = flip_and_rotate(patches.draw(params.batch_size, rng), rng)
            batch = torch.from_numpy(intensities(batch, rng, params.intensity))
            optimiser.zero_grad()
            loss(net(batch[:, :1]), batch[:, 1:]).backward()
            optimiser.step()
            yield step

    def run(image: Any, mask: Any) -> Any:
        net.eval()
        with torch.inference_mode():
            return predict(
                lambda x: torch.sigmoid(net(x)), image, mask,
                window=SIZE, overlap=params.overlap, blending=params.blending,
            )  # fmt: skip

    return train(), run


def time_to_goal(params: Any) -> None:
    """Print the training time until the goal, without the validations."""
    from vbench.data.patches import VolumePatches

    with tempfile.TemporaryDirectory() as folder:
        subjects = volumes(Path(folder))
        patches = VolumePatches(subjects[:SUBJECTS], size=SIZE, per_subject=PER_SUBJECT)
        rows = {
            "vbench unet3d": ours(params, patches),
            "MONAI UNet": peer("UNet", params, patches),
            "MONAI DynUNet": peer("DynUNet", params, patches),
        }
        print(f"Training until the validation DSC is {GOAL} (processor time, steps, DSC)")
        for name, (training, predict) in rows.items():
            spent, dice, step, start = 0.0, 0.0, 0, time.process_time()
            for step, _ in enumerate(training, start=1):
                if step % EVERY == 0:
                    spent += time.process_time() - start
                    dice = best_dice(predict, subjects[SUBJECTS:])
                    start = time.process_time()
                    if dice >= GOAL:
                        break
            print(f"  {name:20s} {spent:7.1f} s   {step:4d}   {dice:.3f}", flush=True)


def main() -> None:
    from vbench_plugins.nn.compute import choose
    from vbench_plugins.segmenters.unet_params import UnetParams

    params = UnetParams(steps=LIMIT)
    steps(params)
    fastest = choose("auto", "auto", "cpu", {"perf": "unet_step"}, lambda c: step_of(
        params, c.precision, c.memory_format
    ))  # fmt: skip
    time_to_goal(params.model_copy(update=fastest.settled()))


if __name__ == "__main__":
    main()
