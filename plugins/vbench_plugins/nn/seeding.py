"""Randomness that is a function of (seed, stream, step), so that nothing has to be saved of it.

Every draw of a step comes from a generator made for that step. A fit that is resumed at step k
therefore draws exactly what an uninterrupted one does, and global random state stays untouched.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

#: What a stream of random numbers is for; part of its seed.
INIT, DATA, NOISE, SAMPLE, DROPOUT, PRIVACY, AGREEMENT = range(7)


def numpy_rng(seed: int, stream: int, step: int = 0) -> np.random.Generator:
    """Return the generator of one stream at one step.

    Args:
        seed: The fit's or the sample's seed, any integer.
        stream: One of the constants of this module.
        step: Counts within the stream.
    """
    return np.random.default_rng([seed % 2**63, stream, step])


def latent(rng: np.random.Generator, n: int, width: int, device: Any) -> Any:
    """Draw standard normal latent vectors, the same on every device: a tensor ``(n, width)``."""
    import torch

    return torch.from_numpy(rng.standard_normal((n, width), dtype=np.float32)).to(device)


@contextmanager
def torch_seed(seed: int, stream: int, step: int = 0, device: str = "cpu") -> Iterator[None]:
    """Seed torch's global generators within the block only; the caller's state comes back after.

    For what takes no generator as an argument: weight initialisation and dropout.
    """
    import torch

    devices = [torch.device(device)] if device.startswith("cuda") else []
    value = int(np.random.SeedSequence([seed % 2**63, stream, step]).generate_state(1)[0])
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(value)
        yield
