"""One critic step of WGAN-GP, beside the authors' way of doing it written plainly.

The authors' 2D networks at 96 × 96, batch 8. Theirs: real, generated and mixed patches in three
passes, the generated ones with the generator's graph, each backward pass retaining its graph,
float32. Ours: generated patches without a graph, real and generated ones in one pass, the penalty
in float32. The penalty is over all samples in both. Rounds are interleaved; medians of processor
time count, which other work on the machine disturbs less than the clock.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

SIZE, BATCH, ROUNDS = (96, 96), 8, 3
NEEDED = 1.5


def plain(p: Any, real: Any) -> Callable[[], None]:
    """Return one critic step as the public code does it."""
    import torch
    from vbench_plugins.generators.networks import Critic, GeneratorNet

    generator, critic = GeneratorNet(SIZE, p), Critic(SIZE, p)
    optimiser = torch.optim.Adam(critic.parameters(), p.lr_critic, (p.beta1, p.beta2))

    def step() -> None:
        critic.zero_grad()
        on_real = -critic(real).mean()
        on_real.backward(retain_graph=True)
        fake = generator(torch.randn(BATCH, p.latent))
        on_fake = critic(fake.detach()).mean()
        on_fake.backward(retain_graph=True)
        weight = torch.rand(1).item()
        mixed = weight * real + (1 - weight) * fake
        scores = critic(mixed)
        (gradient,) = torch.autograd.grad(
            scores, mixed, torch.ones_like(scores), create_graph=True, retain_graph=True
        )
        penalty = 10 * (gradient.norm(2) - 1) ** 2
        penalty.backward(retain_graph=True)
        optimiser.step()

    return step


def ours(p: Any, real: Any, precision: str, memory_format: str) -> Callable[[], None]:
    """Return one critic step of the built-in trainer."""
    import numpy as np
    import torch
    from vbench_plugins.generators.training import GanTrainer
    from vbench_plugins.nn.compute import Compute

    trainer = GanTrainer(p, SIZE, Compute("cpu", precision, memory_format), seed=0)
    batch = trainer.compute.tensor(real)
    rng = np.random.default_rng(0)

    def step() -> None:
        with torch.no_grad():
            fake = trainer.fake(BATCH, rng)
        trainer.critic_step(batch, fake, rng)

    return step


def main() -> None:
    import torch
    from vbench_plugins.generators.gan_params import WganGpParams

    p = WganGpParams(preset="authors", batch_size=BATCH, penalty="sample")
    real = torch.rand(BATCH, 2, *SIZE, generator=torch.Generator().manual_seed(0)) * 2 - 1
    steps = {
        "authors' way": plain(p, real),
        "ours, float32": ours(p, real, "float32", "contiguous"),
        "ours, bfloat16": ours(p, real, "bfloat16", "contiguous"),
        "ours, bfloat16, channels-last": ours(p, real, "bfloat16", "channels_last"),
    }
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for step in steps.values():
        step()
    for _ in range(ROUNDS):
        for name, step in steps.items():
            start = time.process_time()
            step()
            seconds[name].append(time.process_time() - start)
    base = statistics.median(seconds["authors' way"])
    print(f"WGAN-GP critic step, {SIZE}, batch {BATCH}, {torch.get_num_threads()} threads")
    for name, taken in seconds.items():
        middle = statistics.median(taken)
        print(f"  {name:32s} {middle:7.2f} s   {base / middle:5.2f} ×")
    print(f'  needed: {NEEDED} × for the fastest of ours (`precision = "auto"` takes it)')


if __name__ == "__main__":
    main()
