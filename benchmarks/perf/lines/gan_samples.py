"""Sampling a GAN of paper.toml whose labels a segmenter gives, beside its network run plainly.

Theirs: the network layer after layer, in float32 and torch's own memory format. Ours: ``sample``,
in the fastest setting of those between which ``auto`` chooses. The same weights and noise.
"""

from __future__ import annotations

from typing import Any

from harness import Found, fine_seconds, in_turn, line
from machine import operations_of, precisions, share_of_flops

SIZE, COUNT = (16, 16, 16), 128


def plain(network: Any) -> Any:
    """Return a function that samples layer after layer, in chunks of as many patches as ours."""
    import copy

    import numpy as np
    import torch
    from torch import nn
    from vbench_plugins.nn.seeding import SAMPLE, latent, numpy_rng
    from vbench_plugins.segmenters.network import Convolution

    network = copy.deepcopy(network)
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if isinstance(child, Convolution):  # its layers, without what it does beyond them
                setattr(parent, name, nn.Sequential(child.conv, child.adn))

    def sample() -> Any:
        rng = numpy_rng(0, SAMPLE)
        with torch.inference_mode():
            made = [network(latent(rng, 64, 128, "cpu")).numpy() for _ in range(COUNT // 64)]
        return np.concatenate(made)

    return sample


@line("GAN samples", peer="its network, plainly", distribution="torch", goal=2, quick=True)
def samples(rounds: int) -> Found:
    import numpy as np
    from vbench_plugins.generators.gan import WganGpSn

    from vbench.types import Setup

    given = {"label_by": "segmenter", "critic_labels": "hard", "latent": 128, "threads": 1}
    first = WganGpSn(WganGpSn.Params(**given), Setup(SIZE))
    made = {}
    for precision in precisions():
        for layout in ("contiguous", "channels_last"):
            params = WganGpSn.Params(**given, precision=precision, memory_format=layout)
            made[precision, layout] = WganGpSn(params, Setup(SIZE))
            made[precision, layout].load_weights(first.weights())
            made[precision, layout].sample(4, seed=0)
    spent = {way: fine_seconds(lambda g=g: g.sample(COUNT, seed=0)) for way, g in made.items()}
    way = min(spent, key=spent.__getitem__)
    peer = plain(first.model())
    expected = peer()[:, 0]
    apart = {w: float(np.abs(g.sample(COUNT, seed=0)[:, 0] - expected).max())
             for w, g in made.items()}  # fmt: skip
    assert apart["float32", "contiguous"] < 1e-4, apart
    assert apart[way] < 0.05, apart
    taken, theirs = in_turn(lambda: made[way].sample(COUNT, seed=0), peer, rounds)
    work = operations_of(lambda: made[way].sample(COUNT, seed=0))
    return Found(
        f"{COUNT} patches of 16 × 16 × 16 with labels of a segmenter; ours in {', '.join(way)}",
        f"images equal to {apart[way]:.0e}, in float32 to {apart['float32', 'contiguous']:.0e}",
        taken,
        theirs,
        limit=share_of_flops(work, min(taken)),
    )
