"""Projections of a TOF-MRA region beside phantoms of the same size and spacing.

Call: ``python benchmarks/figures/side_by_side.py REGION.nii.gz OUT.png``. Columns: the region,
phantom a, phantom b; rows: from above, from the front, from the side. Each from its 1st to its
99.9th percentile.
"""

import sys

import numpy as np
from PIL import Image
from scipy.ndimage import distance_transform_edt
from vbench_plugins.sources.phantom import Phantom

from vbench.data.nifti import read_image

SUBJECT = 3
CENTRE = (0.0, -6.0, -20.0)  # the circle of Willis
PIXEL = 0.15  # mm


def projection(image, spacing, axis):
    """Return a maximum-intensity projection in true proportions, framed in white."""
    low, high = np.percentile(image, [1, 99.9])
    flat = np.clip((image.max(axis) - low) / (high - low), 0, 1).T[::-1]
    for side, edge in enumerate(reversed([s for i, s in enumerate(spacing) if i != axis])):
        at = (np.arange(round(flat.shape[side] * edge / PIXEL)) * PIXEL / edge).astype(int)
        flat = flat.take(at, side)
    return np.pad(flat, 3, constant_values=1)


def describe(image):
    """Return intensities as they were measured for the calibration: vessels are above 380."""
    vessel = image > 380
    core = distance_transform_edt(vessel) > 2
    background = image[distance_transform_edt(~vessel) >= 6]
    marks = np.percentile(background, [1, 50, 99]).round().astype(int).tolist()
    # Differences of neighbours, where nothing changes but the noise.
    step = np.diff(image, axis=0)[distance_transform_edt(~vessel)[1:] >= 6]
    noise = 1.4826 * np.median(np.abs(step)) / np.sqrt(2)
    return (
        f"background {background.mean():.0f} ± {background.std():.0f}, p1/p50/p99 {marks}; "
        f"vessel {image[vessel].mean():.0f} ± {image[vessel].std():.0f}; "
        f"core {image[core].mean():.0f} ± {image[core].std():.0f}; "
        f"core / background {image[core].mean() / background.mean():.1f}; "
        f"noise between neighbours {noise:.1f}"
    )


def main(region, out):
    """Write the picture, and print the intensities."""
    real = read_image(region)
    spacing = tuple(round(edge, 4) for edge in real.spacing)
    images = {"region": real.array}
    for scanner in "ab":
        settings = {"shape": real.array.shape, "spacing": spacing, "centre": CENTRE}
        source = Phantom(Phantom.Params(scanner=scanner, **settings))
        images[scanner] = source.load(f"phantom-{scanner}-{SUBJECT:03d}").image
    for name, image in images.items():
        print(name, describe(image))
    rows = [[projection(i, spacing, axis) for i in images.values()] for axis in (2, 1, 0)]
    width = max(sum(p.shape[1] for p in row) for row in rows)
    lines = [np.hstack(row) for row in rows]
    lines = [np.pad(x, [(0, 0), (0, width - x.shape[1])], constant_values=1) for x in lines]
    Image.fromarray((255 * np.vstack(lines)).round().astype(np.uint8)).save(out)


if __name__ == "__main__":
    main(*sys.argv[1:])
