"""Watches on which devices torch computes, so that a machine without a GPU can tell, too.

The device ``meta`` has shapes and no numbers. A method that is asked to compute there and honours
it makes tensors there, and mostly fails soon after, when it wants a number; one that computes on
the CPU all the same makes none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def devices_of(action: Callable[[], Any]) -> set[str]:
    """Return the types of the devices of all tensors that torch functions returned in an action.

    An error of the action is ignored, but one that names ``meta`` says that the device arrived.
    """
    from torch import Tensor
    from torch.overrides import TorchFunctionMode

    used: set[str] = set()

    class Watch(TorchFunctionMode):
        def __torch_function__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            out = func(*args, **(kwargs or {}))
            if isinstance(out, Tensor) and out.is_floating_point():
                used.add(out.device.type)
            return out

    with Watch():
        try:
            action()
        except Exception as error:
            if "meta" in str(error).lower():
                used.add("meta")
    return used
