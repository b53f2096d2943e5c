"""Adam without torch's compiler, whose import takes a worker more time than torch itself.

torch's optimisers import ``torch._dynamo`` (sympy, torch.distributed and 700 modules more) in their
first call, only to tell the compiler to leave them alone. What they wrap does the work, and is used
here directly. Steps are never compiled in vbench; numbers are the same.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch.optim import Optimizer

_step = inspect.unwrap(torch.optim.Adam.step)


class Adam(torch.optim.Adam):
    """``torch.optim.Adam``, to the digit."""

    add_param_group = inspect.unwrap(Optimizer.add_param_group)
    load_state_dict = inspect.unwrap(Optimizer.load_state_dict)
    state_dict = inspect.unwrap(Optimizer.state_dict)
    zero_grad = inspect.unwrap(Optimizer.zero_grad)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Do one step."""
        with torch.no_grad():
            return _step(self, closure)
