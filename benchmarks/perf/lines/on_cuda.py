"""Training steps on a GPU beside the plain ones there, by the clock until the GPU is done.

The same networks and batches as on the CPU, a hundred steps a round; ours in bfloat16 and
channels_last, the plain ones in float32 (TF32, torch's default) and torch's memory format. On a
machine without CUDA these lines say so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness import Found, in_turn, line, needs_cuda, on_clock

OURS, PLAIN = ("bfloat16", "channels_last"), ("float32", "contiguous")
STEPS = 100


def in_turn_on_gpu(
    ours: Callable[[], Any], plain: Callable[[], Any], rounds: int
) -> tuple[list[float], list[float]]:
    """Return seconds of one step, by round, of both."""

    def many(step: Callable[[], Any]) -> Callable[[], None]:
        def run() -> None:
            for _ in range(STEPS):
                step()

        return run

    for step in (ours, plain):
        step()
    taken, theirs = in_turn(many(ours), many(plain), rounds, timer=on_clock)
    return [t / STEPS for t in taken], [t / STEPS for t in theirs]


def card() -> str:
    """Return the GPU's name."""
    import torch

    return f"on {torch.cuda.get_device_name()}, by the clock"


@line("U-net training step on CUDA", peer="the plain step on CUDA, torch", distribution="torch",
      goal=1)  # fmt: skip
def unet_step(rounds: int) -> Found:
    needs_cuda()
    from lines.unet import step_of
    from vbench_plugins.segmenters.unet_params import UnetParams

    params = UnetParams(steps=10_000)
    losses = [step_of(params, *way, "cuda")() for way in (OURS, PLAIN)]
    apart = abs(losses[0] - losses[1]) / losses[1]
    assert apart < 0.02, losses
    ours, plain = (step_of(params, *way, "cuda") for way in (OURS, PLAIN))
    taken, theirs = in_turn_on_gpu(ours, plain, rounds)
    return Found(
        f"16³, batch {params.batch_size}, width {params.width}; ours in {', '.join(OURS)}; "
        f"{card()}",
        f"first loss equal to {max(apart, 1e-7):.0e}",
        taken,
        theirs,
    )


@line("U-net training step as CUDA graphs", peer="the plain step on CUDA, torch",
      distribution="torch", goal=1)  # fmt: skip
def unet_graphs(rounds: int) -> Found:
    needs_cuda()
    from lines.unet import step_of
    from vbench_plugins.segmenters.unet_params import UnetParams

    plain = step_of(UnetParams(steps=10_000), *PLAIN, "cuda")
    graphs = UnetParams(steps=10_000, compile=True, cuda_graphs=True)
    ours = step_of(graphs, *OURS, "cuda")
    mine, theirs = ours(), plain()
    apart = abs(mine - theirs) / theirs
    assert apart < 0.02, (mine, theirs)
    for _ in range(3):  # compiled in the first step, recorded in the second
        ours()
    taken, peer = in_turn_on_gpu(ours, plain, rounds)
    return Found(
        f"16³, batch {graphs.batch_size}, width {graphs.width}; ours in {', '.join(OURS)}; "
        f"{card()}",
        f"first loss equal to {max(apart, 1e-7):.0e}",
        taken,
        peer,
    )


@line("hd95 on CUDA", peer="ours on the CPU", goal=1)
def hd95(rounds: int) -> Found:
    needs_cuda()
    import torch
    from lines.distances import hd95 as score
    from mask_cases import CASES, Case

    case = CASES["WMH-like"]()
    there = Case(*(torch.from_numpy(m).cuda() for m in (case.prediction, case.truth)), case.spacing)
    mine, theirs = score(there), score(case)
    assert abs(mine - theirs) <= 1e-6 * theirs, (mine, theirs)
    taken, peer = in_turn(lambda: score(there), lambda: score(case), rounds, timer=on_clock)
    return Found(
        f"{case.inputs}; {card()}",
        f"hd95 {mine:.4f} mm, equal to {max(abs(mine - theirs) / theirs, 1e-9):.0e}",
        taken,
        peer,
    )


@line("critic step on CUDA", peer="the authors' way on CUDA, torch", distribution="torch",
      goal=1)  # fmt: skip
def critic_step(rounds: int) -> Found:
    needs_cuda()
    import torch
    from lines.gan import losses_apart, own, patches_of, plain
    from vbench_plugins.generators.gan_params import WganGpParams
    from vbench_plugins.generators.networks import Critic, GeneratorNet
    from vbench_plugins.nn.compute import Compute

    p, size = WganGpParams(steps=900), (16, 16, 16)
    real = patches_of(p, size).cuda()
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        apart = losses_apart(p, size, real)
    assert apart < 1e-3, apart
    ours = own(p, size, real.cpu(), Compute("cuda", *OURS))
    theirs = plain(p, GeneratorNet(size, p).cuda(), Critic(size, p).cuda(), real)
    taken, peer = in_turn_on_gpu(ours, theirs, rounds)
    return Found(
        f"patches of 16 × 16 × 16, batch {p.batch_size}; ours in {', '.join(OURS)}; {card()}",
        f"gradients in float32 equal to {apart:.0e}",
        taken,
        peer,
    )
