"""A trained network as ONNX, checked by onnxruntime against torch."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vbench.errors import MissingExtraError
from vbench.files import atomic_write

#: The libraries of the extra ``onnx``.
LIBRARIES = ("onnx", "onnxscript", "onnxruntime")
#: Largest difference of two probabilities that counts as none.
TOLERANCE = 1e-4
_OPSET = 18


def missing_libraries() -> list[str]:
    """Name the libraries of the extra that are not installed."""
    return [name for name in LIBRARIES if importlib.util.find_spec(name) is None]


def need_libraries() -> None:
    """Refuse to go on without the extra.

    Raises:
        MissingExtraError: When a library is missing.
    """
    if missing := missing_libraries():
        raise MissingExtraError(
            f"ONNX needs {' and '.join(missing)}; run `pip install 'vbench[onnx]'`"
        )


def write_onnx(path: Path, model: Any, windows: npt.NDArray[np.float32]) -> float:
    """Write a model that maps windows ``(n, channels, *size)`` to probabilities, with any ``n``.

    Args:
        path: Where to; it holds the weights, too.
        model: A torch module, ready to predict.
        windows: ``(n, channels, *size)``, n 2 or more, to check it with.

    Returns:
        The largest difference between onnxruntime's probabilities and torch's.

    Raises:
        RuntimeError: When torch cannot write the network as ONNX.
    """
    import torch

    given = torch.from_numpy(windows)
    model = model.cpu().eval()
    with torch.inference_mode():
        expected = model(given).numpy()
    with atomic_write(path) as temporary, _quietly():
        torch.onnx.export(
            model,
            (given,),
            temporary,
            input_names=["windows"],
            output_names=["probability"],
            opset_version=_OPSET,
            external_data=False,
            dynamic_shapes={"windows": {0: torch.export.Dim("n", min=1)}},
            verbose=False,
        )
        found = run_onnx(temporary, windows)
        single = run_onnx(temporary, windows[:1])
    return float(max(np.abs(found - expected).max(), np.abs(single - expected[:1]).max()))


def run_onnx(path: Path, windows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the probabilities that onnxruntime computes."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    found: npt.NDArray[np.float32] = session.run(None, {"windows": windows})[0]
    return found


@contextmanager
def _quietly() -> Iterator[None]:
    """Leave out what torch has to say of its own exporter."""
    import logging

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = logging.root.manager.disable
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(before)
