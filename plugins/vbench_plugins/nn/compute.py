"""Number format, memory layout and threads of a training, measured where that is asked for.

What is fastest depends on the machine and on the channel counts, by a factor of two and more
either way; so ``auto`` times some steps of each setting once, when a run is planned, and remembers
the winner in the user's cache folder. On CUDA the same choices apply (autocast, channels-last);
that path is not covered by this project's tests, which run on CPUs.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
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
        threads: Of one operation; 0: as many as the job was given.
    """

    device: str = "cpu"
    precision: str = "float32"
    memory_format: str = "contiguous"
    threads: int = 0

    def settled(self) -> dict[str, Any]:
        """Return the parameters that this answers, for a method's ``resolved``."""
        return {name: value for name, value in asdict(self).items() if name != "device"}

    @contextmanager
    def running(self) -> Iterator[None]:
        """Use this number of threads within the block; a training step, or sampling."""
        before = torch.get_num_threads()
        try:
            if self.threads:
                torch.set_num_threads(self.threads)
            yield
        finally:
            torch.set_num_threads(before)

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
    threads: int = 0,
) -> Compute:
    """Return the setting that was asked for, or the fastest of those left open by ``auto``.

    Args:
        precision: ``float32``, ``bfloat16`` or ``auto``.
        memory_format: ``contiguous``, ``channels_last`` or ``auto``.
        device: Where to compute.
        description: What the speed depends on: network, patch size, batch. Part of the cache key.
        step: Builds, for a setting, a function that does one training step.
        threads: Of one operation; 0: as many as the job was given.
    """
    precisions = ["float32", "bfloat16"] if precision == "auto" else [precision]
    formats = ["contiguous", "channels_last"] if memory_format == "auto" else [memory_format]
    options = [Compute(device, *pair, threads) for pair in product(precisions, formats)]
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
    """Time three steps of each option, interleaved, so that a busy moment hits all alike."""
    steps = {option: run for option in options if _works(run := step(option), option)}
    if not steps:
        return options[0]  # the training itself will then say what is wrong
    times: dict[Compute, list[float]] = {option: [] for option in steps}
    for _ in range(3):
        for option, run in steps.items():
            start = time.perf_counter()
            with option.running():
                run()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            times[option].append(time.perf_counter() - start)
    return min(times, key=lambda option: median(times[option]))


def _works(run: Callable[[], object], option: Compute) -> bool:
    """Do a first step: does this machine have the operations, and are the numbers finite?"""
    try:
        with option.running():
            found = run()
    except RuntimeError:
        return False
    values = found.values() if isinstance(found, Mapping) else [found]
    return all(bool(v.isfinite().all()) for v in values if isinstance(v, Tensor))


def _key(description: Mapping[str, Any], options: list[Compute]) -> str:
    machine = [platform.node(), platform.processor(), os.cpu_count(), torch.__version__]
    if torch.cuda.is_available():
        machine.append(torch.cuda.get_device_name())
    asked = [asdict(option) for option in options]
    text = json.dumps(
        [dict(description), asked, machine, torch.get_num_threads()], sort_keys=True, default=str
    )
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _file() -> Path | None:
    """Return where winners are remembered; None where they cannot be."""
    from vbench.files import user_cache

    folder = user_cache()
    return None if folder is None else folder / "compute.json"


def _read() -> dict[str, Any]:
    file = _file()
    if file is None:
        return {}
    try:
        return dict(json.loads(file.read_text()))
    except (OSError, ValueError):
        return {}  # a cache: missing or spoilt is the same as empty


def _write(known: Mapping[str, Any]) -> None:
    from vbench.files import write_json

    file = _file()
    if file is None:
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_json(file, dict(known))
    except OSError:
        return  # a folder that cannot be written to costs a measurement, not the run
