"""A whole scan through the U-net, beside MONAI's sliding window over the whole box.

312 × 384 × 127 voxels with a brain mask, the same network, window, overlap and blending. In
float32 the result inside the mask is the same; a second row adds the built-in U-net's precision.
Shorter scans with ``--fraction 0.3``.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

SHAPE, WINDOW, NEEDED = (312, 384, 127), (16, 16, 16), 1.5


def scan(fraction: float) -> tuple[Any, Any]:
    """Return an image of noise and an ellipsoid mask that fills the box as a brain does."""
    import numpy as np

    shape = tuple(max(32, int(n * fraction)) for n in SHAPE)
    axes = [np.linspace(-1.15, 1.15, n, dtype=np.float32) for n in shape]
    x, y, z = np.ix_(*axes)
    mask = x**2 + y**2 + z**2 < 1
    image = np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)
    return np.where(mask, image, -1).astype(np.float16), mask


def timed(run: Callable[[], Any]) -> tuple[Any, float, float]:
    """Run once: result, wall time, processor time."""
    wall, processor = time.perf_counter(), time.process_time()
    result = run()
    return result, time.perf_counter() - wall, time.process_time() - processor


def main() -> None:
    import numpy as np
    import torch
    from monai.inferers import sliding_window_inference
    from vbench_plugins.segmenters.unet import Unet3d

    from vbench.types import Setup

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fraction", type=float, default=1.0, help="of each extent")
    image, mask = scan(parser.parse_known_args()[0].fraction)

    def unet(precision: str, memory_format: str) -> Unet3d:
        params = Unet3d.Params(precision=precision, memory_format=memory_format)
        return Unet3d(params, Setup(WINDOW))

    plain, fast = unet("float32", "contiguous"), unet("bfloat16", "channels_last")
    network = plain.model()

    def monai() -> Any:
        box = torch.from_numpy(image.astype(np.float32))[None, None]
        with torch.inference_mode():
            return sliding_window_inference(
                box, WINDOW, 32, lambda x: torch.sigmoid(network(x)),
                overlap=plain.params.overlap, mode=plain.params.blending,
            )[0, 0].numpy()  # fmt: skip

    print(f"{image.shape}, mask {mask.mean():.0%}, window {WINDOW}, "
          f"overlap {plain.params.overlap}, {torch.get_num_threads()} threads")  # fmt: skip
    expected, base_wall, base = timed(monai)
    print(f"  MONAI, whole box, float32    {base_wall:7.1f} s")
    for name, method in (("float32", plain), ("bfloat16, channels-last", fast)):
        found, wall, processor = timed(lambda m=method: m.predict(image, mask))
        apart = np.abs(found - expected)[mask].max()
        print(
            f"  ours, {name:23s} {wall:7.1f} s   {base_wall / wall:5.2f} × "
            f"({base / processor:.2f} × in processor time), differs by ≤ {apart:.1g} in the mask"
        )
    print(f"  needed: {NEEDED} ×, and the same result in float32")


if __name__ == "__main__":
    main()
