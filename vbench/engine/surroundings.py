"""What a job can change in its process, put back before the next one, so that all find the same.

A plugin may move to another folder, set a variable, draw from global random state or change
torch's settings: it harms itself only, and results do not depend on what ran before.
"""

from __future__ import annotations

import os
import random
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import psutil


class Surroundings:
    """The surroundings of a worker as they are at its start."""

    def __init__(self) -> None:
        """Record them."""
        self._environment = dict(os.environ)
        self._folder = Path.cwd()
        self._paths = list(sys.path)

    def restore(self) -> None:
        """Make them what they were; random states are the same in every process."""
        if dict(os.environ) != self._environment:
            os.environ.clear()
            os.environ.update(self._environment)
        os.chdir(self._folder)
        sys.path[:] = self._paths
        random.seed(0)
        np.random.seed(0)  # noqa: NPY002 - whoever draws from it should get the same each time
        torch: Any = sys.modules.get("torch")
        if torch is not None:
            torch.manual_seed(torch.Generator().initial_seed())
            torch.set_default_dtype(torch.float32)
            torch.set_grad_enabled(True)
            torch.use_deterministic_algorithms(False)
            torch.set_num_threads(int(self._environment.get("OMP_NUM_THREADS", 1)))


def left_running() -> bool:
    """Whether a job left threads or processes behind, which would work on beside the next one."""
    # The main thread and the one that reads tasks are ours.
    return threading.active_count() > 2 or bool(psutil.Process().children())
