"""A training step of the 3D U-net, plain and in the fastest setting; and time to a DSC of 0.85.

The step: the same network, batch and weights, in float32 and torch's default memory format, beside
the setting that ``precision = "auto"`` finds to be the fastest here. The goal: phantoms, the same
patches, batch, loss, augmentation and optimiser, until the validation DSC (best threshold) is
0.85; MONAI's networks have the same channels, and are trained plainly.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

from harness import Found, fine_seconds, in_turn, line
from machine import operations_of, precisions, share_of_flops

SIZE = (16, 16, 16)
SUBJECTS, VALIDATION, PER_SUBJECT, GOAL = 6, 2, 400, 0.85
EVERY, LIMIT = 20, 300
#: Channels with which a step comes near to the machine's peak.
WIDE = 32
WAYS = tuple(product(precisions(), ("contiguous", "channels_last")))


def step_of(
    params: Any, precision: str, memory_format: str, device: str = "cpu"
) -> Callable[[], Any]:
    """Return a training step of the built-in U-net; it returns the loss."""
    import numpy as np
    from vbench_plugins.nn.compute import Compute
    from vbench_plugins.segmenters.training import PatchTrainer, build, loss_function

    from vbench.types import Setup

    compute = Compute(device, precision, memory_format)
    network = build(Setup(SIZE), params, 0)
    trainer = PatchTrainer(params, network, compute, 0, loss_function(params.loss))
    drawn = np.random.default_rng(0).random((params.batch_size, 2, *SIZE), np.float32)
    return lambda: float(trainer.step(drawn)["loss"])


def fastest(params: Any) -> tuple[str, str]:
    """Return the fastest setting here."""
    spent = {}
    for way in WAYS:
        run = step_of(params, *way)
        run()
        spent[way] = min(fine_seconds(run) for _ in range(3))
    return min(spent, key=spent.__getitem__)


@line("U-net training step", peer="the plain step, torch", distribution="torch", goal=2, quick=True,
      rounds=7)  # fmt: skip
def step(rounds: int) -> Found:
    from vbench_plugins.segmenters.unet_params import UnetParams

    params = UnetParams(steps=LIMIT)
    way = fastest(params)
    losses = [step_of(params, *each)() for each in (way, ("float32", "contiguous"))]
    apart = abs(losses[0] - losses[1]) / losses[1]
    assert apart < 0.02, losses
    run = step_of(params, *way)
    ours, plain = in_turn(run, step_of(params, "float32", "contiguous"), rounds)
    wide = step_of(params.model_copy(update={"width": WIDE}), *way)
    wide()
    took = min(fine_seconds(wide) for _ in range(3))
    return Found(
        f"16³, batch {params.batch_size}, width {params.width}; ours in {', '.join(way)}",
        f"first loss equal to {max(apart, 1e-7):.0e}",
        ours,
        plain,
        limit=share_of_flops(operations_of(run), min(ours), way[0]),
        note=f"{params.width} channels fill no vector of the processor: with {WIDE} the "
        f"step reaches {share_of_flops(operations_of(wide), took, way[0])}",
    )


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
            net = DynUNet(
                3, 1, 1, (3,) * depth, strides, strides[1:], filters=filters, norm_name="batch"
            )
    optimiser = torch.optim.Adam(net.parameters(), params.lr)
    loss = loss_function(params.loss)

    def train() -> Iterator[object]:
        for number in range(1, LIMIT + 1):
            net.train()
            rng = numpy_rng(0, DATA, number)
            batch = flip_and_rotate(patches.draw(params.batch_size, rng), rng)
            batch = torch.from_numpy(intensities(batch, rng, params.intensity))
            optimiser.zero_grad()
            loss(net(batch[:, :1]), batch[:, 1:]).backward()
            optimiser.step()
            yield number

    def run(image: Any, mask: Any) -> Any:
        net.eval()
        with torch.inference_mode():
            return predict(
                lambda x: torch.sigmoid(net(x)), image, mask,
                window=SIZE, overlap=params.overlap, blending=params.blending,
            )  # fmt: skip

    return train(), run


def until_goal(
    training: Iterator[object], predict: Callable[..., Any], held: list[Any]
) -> tuple[float, int, float]:
    """Return processor seconds of training, steps and DSC, once the goal is reached or not."""
    spent, dice, number = 0.0, 0.0, 0
    while number < LIMIT and dice < GOAL:
        spent += fine_seconds(lambda: [next(training) for _ in range(EVERY)])
        number += EVERY
        dice = best_dice(predict, held)
    return spent, number, dice


def _to_goal(name: str) -> Callable[[int], Found]:
    def measure(rounds: int) -> Found:
        from vbench_plugins.segmenters.unet_params import UnetParams

        from vbench.data.patches import VolumePatches

        params = UnetParams(steps=LIMIT)
        precision, memory_format = fastest(params)
        params = params.model_copy(update={"precision": precision, "memory_format": memory_format})
        taken: tuple[list[float], list[float]] = ([], [])
        with tempfile.TemporaryDirectory() as folder:
            subjects = volumes(Path(folder))
            patches = VolumePatches(subjects[:SUBJECTS], size=SIZE, per_subject=PER_SUBJECT)
            for _ in range(rounds):
                mine = until_goal(*ours(params, patches), subjects[SUBJECTS:])
                theirs = until_goal(*peer(name, params, patches), subjects[SUBJECTS:])
                taken[0].append(mine[0])
                taken[1].append(theirs[0])
        assert mine[2] >= GOAL, mine
        text = "" if theirs[2] >= GOAL else ", which did not reach it: at least so many times"
        return Found(
            f"{SUBJECTS} phantoms, {PER_SUBJECT} patches of 16³ each",
            f"DSC {mine[2]:.3f} after {mine[1]} steps, {theirs[2]:.3f} after {theirs[1]}{text}",
            *taken,
        )

    return measure


for _name in ("UNet", "DynUNet"):
    line(f"time to DSC {GOAL}, beside {_name}", peer=f"MONAI {_name}", distribution="monai", goal=1,
         rounds=1)(_to_goal(_name))  # fmt: skip
