"""A whole scan through the U-net, beside MONAI's sliding window and nnU-Net's predictor.

The same network, window, overlap and blending; a mask fills about a third of the box, as a brain
does, and only what lies in it counts. A scan of half the edges of a research scan: what is measured
grows with the windows, and both sides have as many in the same places.
"""

from __future__ import annotations

from typing import Any

from harness import Found, fine_seconds, in_turn, line, needs
from machine import operations_of, risen_apart, share_of_flops

SHAPE, WINDOW, FRACTION = (312, 384, 127), (16, 16, 16), 0.35


def scan() -> tuple[Any, Any]:
    """Return an image of noise and an ellipsoid mask."""
    import numpy as np

    shape = tuple(max(32, int(n * FRACTION)) for n in SHAPE)
    axes = [np.linspace(-1.15, 1.15, n, dtype=np.float32) for n in shape]
    x, y, z = np.ix_(*axes)
    mask = x**2 + y**2 + z**2 < 1
    image = np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)
    return np.where(mask, image, -1).astype(np.float16), mask


def methods() -> tuple[Any, Any, str]:
    """Return the U-net in float32 as torch lays it out, the fastest one, and its name."""
    import numpy as np
    from lines.unet import WAYS
    from vbench_plugins.segmenters.unet import Unet3d

    from vbench.types import Setup

    made = {
        way: Unet3d(Unet3d.Params(precision=way[0], memory_format=way[1]), Setup(WINDOW))
        for way in WAYS
    }
    image = np.zeros((48, 48, 48), np.float16)
    mask = np.ones(image.shape, bool)
    spent = {}
    for way, method in made.items():
        method.predict(image, mask)
        spent[way] = fine_seconds(lambda m=method: m.predict(image, mask))
    best = min(spent, key=spent.__getitem__)
    return made["float32", "contiguous"], made[best], ", ".join(best)


def memory(ours: Any, peer: Any) -> str:
    """Say how much memory both take beyond the network and the scan."""
    megabytes = [risen_apart(call) / 2**20 for call in (ours, peer)]
    return f"memory beyond network and scan: {megabytes[0]:.0f} and {megabytes[1]:.0f} MiB"


def compare(peer: Any, plain: Any, fast: Any, name: str, rounds: int) -> Found:
    """Compare with a function of an image that returns probabilities."""
    import numpy as np
    import torch

    image, mask = scan()
    held = memory(lambda: fast.predict(image, mask), lambda: peer(image))
    expected = peer(image)
    exact = float(np.abs(plain.predict(image, mask) - expected)[mask].max())
    apart = float(np.abs(fast.predict(image, mask) - expected)[mask].max())
    assert exact < 1e-4, exact
    assert apart < 0.01, apart
    taken, theirs = in_turn(lambda: fast.predict(image, mask), lambda: peer(image), rounds)
    work = operations_of(lambda: fast.predict(image, mask)) or operations_of(
        lambda: plain.model()(torch.zeros(1, 1, *WINDOW))
    )
    return Found(
        f"{' × '.join(map(str, image.shape))}, mask {mask.mean():.0%}, windows of 16³ "
        f"overlapping by {plain.params.overlap:g}; ours in {name}",
        f"in the mask, float32 equal to {exact:.0e}, ours to {apart:.0e}",
        taken,
        theirs,
        limit=f"{share_of_flops(work, min(taken))}; {held}",
    )


@line("whole volume, beside MONAI's inferer", peer="MONAI sliding_window_inference",
      distribution="monai", goal=1.5, rounds=3)  # fmt: skip
def monai(rounds: int) -> Found:
    import numpy as np
    import torch
    from monai.inferers import sliding_window_inference

    plain, fast, name = methods()
    network = plain.model()

    def whole_box(image: Any) -> Any:
        box = torch.from_numpy(image.astype(np.float32))[None, None]
        with torch.inference_mode():
            return sliding_window_inference(
                box, WINDOW, 32, lambda x: torch.sigmoid(network(x)),
                overlap=plain.params.overlap, mode=plain.params.blending,
            )[0, 0].numpy()  # fmt: skip

    return compare(whole_box, plain, fast, name, rounds)


@line("whole volume, beside nnU-Net's predictor", peer="nnU-Net nnUNetPredictor",
      distribution="nnunetv2", goal=1.5, rounds=3)  # fmt: skip
def nnunet(rounds: int) -> Found:
    needs("nnunetv2")
    import numpy as np
    import torch
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

    plain, fast, name = methods()
    predictor = nnUNetPredictor(
        tile_step_size=1 - plain.params.overlap, use_gaussian=True, use_mirroring=False,
        perform_everything_on_device=False, device=torch.device("cpu"), allow_tqdm=False,
    )  # fmt: skip
    predictor.network = plain.model()
    predictor.configuration_manager = type("C", (), {"patch_size": list(WINDOW)})()
    predictor.label_manager = type("L", (), {"num_segmentation_heads": 1})()

    def whole_box(image: Any) -> Any:
        box = torch.from_numpy(image.astype(np.float32))[None]
        with torch.inference_mode():
            return torch.sigmoid(predictor.predict_sliding_window_return_logits(box))[0].numpy()

    image, mask = scan()
    held = memory(lambda: fast.predict(image, mask), lambda: whole_box(image))
    expected = whole_box(image)
    apart = float(np.abs(plain.predict(image, mask) - expected)[mask].mean())
    taken, theirs = in_turn(lambda: fast.predict(image, mask), lambda: whole_box(image), rounds)
    return Found(
        f"{' × '.join(map(str, image.shape))}, mask {mask.mean():.0%}; ours in {name}",
        f"mean difference in the mask {apart:.0e}: it blends logits, we blend probabilities",
        taken,
        theirs,
        limit=held,
    )
