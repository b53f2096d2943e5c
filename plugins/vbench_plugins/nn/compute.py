"""Which number format and memory layout a network trains in, measured where it is left open.

What is fastest depends on the machine and on the channel counts, by a factor of two and more
either way; so ``auto`` times some steps of each setting once, and remembers the winner in the
user's cache folder. On CUDA the same choices apply (autocast, channels-last); that path is not
covered by this project's tests, which run on CPUs.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn

_FORMATS = {4: torch.channels_last, 5: torch.channels_last_3d}


@dataclass(frozen=True)
class Compute:
    """How a network is computed.

    Attributes:
        device: Where.
        precision: ``float32``, or ``bfloat16`` by autocast (weights stay float32).
        memory_format: ``contiguous`` or ``channels_last``.
    """

    device: str = "cpu"
    precision: str = "float32"
    memory_format: str = "contiguous"

    def autocast(self) -> AbstractContextManager[Any]:
        """Return the context that a forward pass runs in."""
        return torch.autocast(
            self.device.partition(":")[0], torch.bfloat16, enabled=self.precision == "bfloat16"
        )

    def module(self, module: nn.Module) -> nn.Module:
        """Bring a module to the device and memory format, in place."""
        module.to(self.device)
        if self.memory_format == "channels_last":
            for parameter in module.parameters():
                if parameter.ndim in _FORMATS:
                    parameter.data = parameter.data.contiguous(
                        memory_format=_FORMATS[parameter.ndim]
                    )
        return module

    def tensor(self, array: Any) -> Tensor:
        """Bring an array to the device and memory format."""
        tensor = torch.as_tensor(array)
        if self.device.startswith("cuda"):
            tensor = tensor.pin_memory().to(self.device, non_blocking=True)
        if self.memory_format == "channels_last" and tensor.ndim in _FORMATS:
            tensor = tensor.contiguous(memory_format=_FORMATS[tensor.ndim])
        return tensor


def choose(
    precision: str,
    memory_format: str,
    device: str,
    description: Mapping[str, Any],
    step: Callable[[Compute], Callable[[], object]],
) -> Compute:
    """Return the setting that was asked for, or the fastest of those left open by ``auto``.

    Args:
        precision: ``float32``, ``bfloat16`` or ``auto``.
        memory_format: ``contiguous``, ``channels_last`` or ``auto``.
        device: Where to compute.
        description: What the speed depends on: network, patch size, batch. Part of the cache key.
        step: Builds, for a setting, a function that does one training step.
    """
    precisions = ["float32", "bfloat16"] if precision == "auto" else [precision]
    formats = ["contiguous", "channels_last"] if memory_format == "auto" else [memory_format]
    options = [Compute(device, p, f) for p, f in product(precisions, formats)]
    if len(options) == 1:
        return options[0]
    key = _key(description, options)
    found = _read().get(key)
    if found is None:
        found = asdict(_fastest(options, step))
        # Read again: another process may have measured something else meanwhile.
        _write({**_read(), key: found})
    return Compute(**found)


def _fastest(options: list[Compute], step: Callable[[Compute], Callable[[], object]]) -> Compute:
    steps = [step(option) for option in options]
    for run in steps:
        run()
    times: list[list[float]] = [[] for _ in options]
    for _ in range(3):  # interleaved, so that a busy moment of the machine hits all alike
        for run, taken in zip(steps, times, strict=True):
            start = time.perf_counter()
            run()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            taken.append(time.perf_counter() - start)
    return min(zip(options, times, strict=True), key=lambda pair: median(pair[1]))[0]


def _key(description: Mapping[str, Any], options: list[Compute]) -> str:
    machine = [platform.node(), platform.processor(), os.cpu_count(), torch.__version__]
    if torch.cuda.is_available():
        machine.append(torch.cuda.get_device_name())
    asked = [asdict(option) for option in options]
    text = json.dumps(
        [dict(description), asked, machine, torch.get_num_threads()], sort_keys=True, default=str
    )
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _file() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "vbench" / "compute.json"


def _read() -> dict[str, Any]:
    try:
        return dict(json.loads(_file().read_text()))
    except (OSError, ValueError):
        return {}  # a cache: missing or spoilt is the same as empty


def _write(known: Mapping[str, Any]) -> None:
    from vbench.files import write_json

    try:
        _file().parent.mkdir(parents=True, exist_ok=True)
        write_json(_file(), dict(known))
    except OSError:
        return  # a folder that cannot be written to costs a measurement, not the run
