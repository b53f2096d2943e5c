"""Put vessels into the head and scan it: blur, ghosts, slab seams, bias field, Rician noise."""

from __future__ import annotations

import numpy as np

from vbench.types import Array
from vbench_plugins.phantom.fields import Coarse, draw_waves
from vbench_plugins.phantom.render import Painted
from vbench_plugins.phantom.scanners import Scanner


def compose(
    rng: np.random.Generator,
    head: Array,
    arteries: Painted,
    veins: Painted,
    field: Coarse,
    scanner: Scanner,
) -> Array:
    """Make the magnitude image.

    Args:
        rng: Draws bias field and noise.
        head: Intensities without vessels, float32 ``(X, Y, Z)``.
        arteries: They lie over the veins.
        veins: They lie over the head.
        field: The grids.
        scanner: The site.

    Returns:
        Intensities float32 ``(X, Y, Z)``, ≥ 0.
    """
    from scipy.ndimage import gaussian_filter

    image = head * (1 - veins.fraction)
    image += veins.signal
    image *= np.maximum(1 - arteries.fraction, 0)
    image += arteries.signal
    if scanner.blur > 0:
        image = gaussian_filter(image, scanner.blur, truncate=3.0)
    if scanner.ghost > 0:
        image += np.float32(scanner.ghost) * np.roll(image, image.shape[1] // 5, axis=1)
    z = field.target.axes()[2] - field.target.origin[2]
    image *= (1 + scanner.seam * (0.5 - (z / scanner.slab) % 1.0)).astype(np.float32)
    bias = draw_waves(rng, 12, (80.0, 240.0))(field.grid)
    image *= field.fine(np.exp(np.float32(scanner.bias) * bias))
    if scanner.noise > 0:
        sd = np.float32(scanner.noise)
        image += sd * rng.standard_normal(image.shape, dtype=np.float32)
        # Rician: the magnitude of a complex signal with noise in both of its parts.
        np.square(image, out=image)
        image += np.square(sd * rng.standard_normal(image.shape, dtype=np.float32))
        np.sqrt(image, out=image)
    return image
