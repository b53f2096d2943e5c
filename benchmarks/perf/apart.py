"""Scores of panoptica, in an environment of its own: its caps on numpy and pandas fit no other.

``.venv-panoptica/bin/python apart.py TRUTH.npy PREDICTION.npy SPACING`` (edges in mm,
with commas) answers each name that it reads with the score and its seconds of processor time.
"""

from __future__ import annotations

import json
import sys
import time
from importlib import metadata

import numpy as np
from panoptica.metrics import Metric


def main() -> None:
    """Serve until the input ends."""
    truth, prediction = (np.load(path) for path in sys.argv[1:3])
    spacing = tuple(float(edge) for edge in sys.argv[3].split(","))
    print(json.dumps({"version": metadata.version("panoptica")}), flush=True)
    for name in sys.stdin:
        metric = Metric[name.strip()]
        begun = time.process_time()
        value = float(metric(truth, prediction, voxelspacing=spacing))
        seconds = time.process_time() - begun
        print(json.dumps({"value": value, "seconds": seconds}), flush=True)


if __name__ == "__main__":
    main()
